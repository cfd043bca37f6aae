"""Cards and sheets for a wall: an invitation, a month, a ticket."""

import calendar as months
from random import Random
from typing import Final

from danqing.data.typeset import texts
from danqing.data.typeset.content import calendar, money, people, places
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Layers,
    Rule,
    Space,
    column,
    row,
    text,
)
from danqing.data.typeset.templates.theme import FANCY
from danqing.scorers.world import Language

_INVITATION: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="frame")),
        (
            (0.14, 0.12, 0.86, 0.88),
            column(
                (0.5, text("{together}", "line", 0.038, align="center", tone="muted")),
                (1.0, text("{first}", "names", 0.12, voice="hand", tone="accent", align="center")),
                (0.5, text("{joint}", "joint", 0.06, voice="hand", align="center")),
                (1.0, text("{second}", "names", 0.12, voice="hand", tone="accent", align="center")),
                (0.7, text("{invite}", "line", 0.038, align="center", lines=2)),
                (0.12, row((1.0, Space()), (1.0, Rule(tone="accent")), (1.0, Space()))),
                (0.6, text("{date}", "date", 0.05, align="center")),
                (0.5, text("{time}", "line", 0.038, align="center")),
                (0.5, text("{place}", "line", 0.038, align="center")),
                gap=0.01,
            ),
        ),
    )
)


@template("wedding invitation", _INVITATION, en="a wedding invitation", zh="婚礼请柬",
          ratios=(0.55, 1.15), smallest=256, palettes=("cream", "rose", "paper", "mint", "plum"),
          looks=(1,))  # fmt: skip
def _invitation(rng: Random, language: Language) -> Values:
    start = calendar.clock(rng, 11, 18)
    said = {
        "en": {"together": "Together with their families", "joint": "and",
               "invite": "invite you to celebrate their wedding", "time": f"at {start} o'clock"},
        "zh": {"together": "诚邀您见证我们的幸福时刻", "joint": "与",
               "invite": "谨定于此日举行婚礼，恭请光临", "time": f"{start} 开席"},
    }  # fmt: skip
    return {
        **said[language],
        "first": people.name(rng, language),
        "second": people.name(rng, language),
        "date": calendar.long(calendar.day(rng), language),
        "place": rng.choice(
            {"en": ("Lakeside Hall", "The Rose Garden"), "zh": ("湖畔礼堂", "玫瑰花园酒店")}[
                language
            ]
        ),
    }


_MONTH: Final = column(
    (1.6, Art(name="landscape")),
    (0.8, row(
        (1.0, text("{month}", "title", 0.1, voice="title", tone="accent")),
        (1.0, text("{year}", "title", 0.1, voice="title", align="right")),
        pad=(0.05, 0.0),
    )),
    (0.4, row((1.0, Each(of="heads", across=True, node=text("{head}", "weekday", 0.034,
                                                            voice="strong", tone="accent",
                                                            align="center"))), pad=(0.05, 0.0))),
    (3.0, column(
        (1.0, Each(of="weeks", room=6, node=row(*(
            (1.0, text(f"{{day{i}}}", "day", 0.046, align="center")) for i in range(7)
        )))),
        pad=(0.05, 0.0),
    )),
    (0.1, Space()),
)  # fmt: skip


@template(
    "calendar",
    _MONTH,
    en="a calendar page",
    zh="月历",
    ratios=(0.6, 1.2),
    smallest=256,
    looks=FANCY,
)
def _month(rng: Random, language: Language) -> Values:
    date = calendar.day(rng)
    weeks = months.Calendar(firstweekday=0).monthdayscalendar(date.year, date.month)
    return {
        "month": calendar.MONTHS[date.month - 1] if language == "en" else f"{date.month}月",
        "year": str(date.year),
        "heads": [{"head": head} for head in calendar.WEEKDAYS[language]],
        "weeks": [
            {f"day{i}": str(day) if day else "" for i, day in enumerate(week)} for week in weeks
        ],
    }


_TICKET: Final = row(
    (2.6, column(
        (0.5, text("{kind}", "kind", 0.034, voice="strong", tone="accent", tracking=0.1)),
        (1.4, text("{title}", "title", 0.1, voice="title", lines=2, leading=1.1)),
        (0.5, text("{where}", "place", 0.036, tone="muted")),
        (0.5, text("{when}", "when", 0.042, voice="strong")),
        pad=(0.06, 0.05), gap=0.01,
    )),
    (0.04, Rule(tone="muted", dashed=True, weight=0.004)),
    (1.0, column(
        (0.5, text("{row_label}", "label", 0.028, tone="on_accent", align="center")),
        (0.8, text("{row}", "seat", 0.09, voice="title", tone="on_accent", align="center")),
        (0.5, text("{seat_label}", "label", 0.028, tone="on_accent", align="center")),
        (0.8, text("{seat}", "seat", 0.09, voice="title", tone="on_accent", align="center")),
        (0.6, text("{price}", "price", 0.05, voice="strong", tone="on_accent", align="center")),
        fill="accent", pad=(0.03, 0.04),
    )),
)  # fmt: skip


@template("ticket", _TICKET, en="an admission ticket", zh="门票", ratios=(1.4, 2.6), smallest=320,
          palettes=("paper", "sunset", "plum", "ocean", "forest", "rose"))  # fmt: skip
def _ticket(rng: Random, language: Language) -> Values:
    said = {
        "en": {"kind": rng.choice(("THEATRE", "CINEMA", "CONCERT")), "row_label": "Row",
               "seat_label": "Seat"},
        "zh": {"kind": rng.choice(("话剧", "电影", "音乐会")), "row_label": "排",
        "seat_label": "座"},
    }  # fmt: skip
    day, clock = calendar.day(rng), calendar.clock(rng, 14, 21)
    return {
        **said[language],
        "title": texts.title(rng, language),
        "where": f"{places.city(rng, language)} {places.address(rng, language)}",
        "when": f"{calendar.long(day, language)} {clock}",
        "row": str(rng.randint(1, 30)),
        "seat": str(rng.randint(1, 40)),
        "price": money.amount(money.price(rng, 15, 120), rng.choice(money.SIGNS[language])),
    }
