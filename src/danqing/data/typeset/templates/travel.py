"""On the way: a guide in two languages, a boarding pass, a board of departures."""

from random import Random
from typing import Final

from danqing.data.typeset.content import calendar, people, places
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Part,
    Rule,
    Space,
    column,
    row,
    table,
    text,
)
from danqing.data.typeset.templates.theme import FANCY
from danqing.scorers.world import Language

_SIGHT: Final = row(
    (0.16, column((1.0, text("{number}", "number", 0.034, voice="strong", tone="on_accent",
                             align="center")), fill="accent", round=0.01)),
    (1.0, column(
        (1.0, text("{sight_en}", "sight", 0.034, voice="strong")),
        (0.8, text("{line_en}", "line", 0.025, tone="muted")),
    )),
    (1.0, column(
        (1.0, text("{sight_zh}", "sight", 0.034, voice="strong")),
        (0.8, text("{line_zh}", "line", 0.025, tone="muted")),
    )),
    gap=0.025,
)  # fmt: skip
_GUIDE: Final = column(
    (1.7, Art(name="landscape")),
    (
        3.4,
        column(
            (1.0, row(
                (1.0, text("{city_en}", "title", 0.1, voice="title", tone="accent")),
                (1.0, text("{city_zh}", "title", 0.1, voice="title", tone="accent",
                           align="right")),
            )),
            (0.45, row(
                (1.0, text("{head_en}", "subtitle", 0.034, tone="muted")),
                (1.0, text("{head_zh}", "subtitle", 0.034, tone="muted", align="right")),
            )),
            (0.15, Rule(tone="accent", weight=0.003)),
            (3.2, Each(of="sights", node=_SIGHT, gap=0.016)),
            (0.1, Space()),
            (0.4, text("{tip}", "tip", 0.024, tone="muted", align="center")),
            pad=(0.07, 0.035),
            gap=0.01,
        ),
    ),
)  # fmt: skip


@template("bilingual travel guide", _GUIDE, en="a travel guide in English and Chinese",
          zh="中英双语旅行指南", ratios=(0.6, 1.1), smallest=416, both=True,
          looks=FANCY)  # fmt: skip
def _guide(rng: Random, language: Language) -> Values:
    city = rng.choice(places.CITIES)
    sights = rng.sample(places.SIGHTS, 4)
    hours = rng.randint(24, 72)
    return {
        "city_en": city[0],
        "city_zh": city[1],
        "head_en": f"The city in {hours} hours",
        "head_zh": f"{hours}小时城市漫步",
        "tip": "Metro day ticket · 地铁一日票",
        "sights": [
            {
                "number": str(i),
                "sight_en": name[0],
                "sight_zh": name[1],
                "line_en": line[0],
                "line_zh": line[1],
            }
            for i, (name, line) in enumerate(sights, start=1)
        ],
    }


def _fact(label: str, value: str) -> Part:
    return (1.0, column(
        (0.7, text(label, "label", 0.028, tone="muted", stand="bottom")),
        (1.0, text(value, "fact", 0.05, voice="strong")),
    ))  # fmt: skip


_PASS: Final = column(
    (0.7, row(
        (1.0, text("{airline}", "airline", 0.052, voice="strong", tone="on_accent")),
        (1.0, text("{title}", "airline", 0.052, tone="on_accent", align="right")),
        fill="accent", pad=(0.05, 0.012),
    )),
    (
        2.6,
        column(
            (1.3, row(
                (1.0, text("{from}", "city", 0.13, voice="title")),
                (0.5, Rule(tone="accent", dashed=True, weight=0.004)),
                (1.0, text("{to}", "city", 0.13, voice="title", align="right")),
                gap=0.03,
            )),
            (1.0, row(_fact("{name_label}", "{name}"), _fact("{flight_label}", "{flight}"),
                      _fact("{date_label}", "{date}"), gap=0.02)),
            (1.0, row(_fact("{gate_label}", "{gate}"), _fact("{seat_label}", "{seat}"),
                      _fact("{time_label}", "{time}"), gap=0.02)),
            pad=(0.06, 0.03),
            gap=0.015,
        ),
    ),
)  # fmt: skip


@template("boarding pass", _PASS, en="a boarding pass", zh="登机牌", ratios=(1.25, 2.4),
    smallest=320,
          palettes=("sky", "ocean", "mint", "sunset", "slate", "plum"), looks=(0,))  # fmt: skip
def _pass(rng: Random, language: Language) -> Values:
    start, end = (pair[0 if language == "en" else 1] for pair in rng.sample(places.CITIES, 2))
    said = {
        "en": {"airline": rng.choice(("Kite Air", "Blue Swift")), "title": "BOARDING PASS",
               "name_label": "Passenger", "flight_label": "Flight", "date_label": "Date",
               "gate_label": "Gate", "seat_label": "Seat", "time_label": "Boarding"},
        "zh": {"airline": rng.choice(("风筝航空", "蓝燕航空")), "title": "登机牌",
               "name_label": "姓名", "flight_label": "航班", "date_label": "日期",
               "gate_label": "登机口", "seat_label": "座位", "time_label": "登机时间"},
    }  # fmt: skip
    return {
        **said[language],
        "from": start,
        "to": end,
        "name": people.name(rng, language),
        "flight": f"KA {rng.randint(100, 999)}",
        "date": calendar.short(calendar.day(rng)),
        "gate": f"{rng.choice('ABC')}{rng.randint(1, 40)}",
        "seat": f"{rng.randint(1, 38)}{rng.choice('ABCDEF')}",
        "time": calendar.clock(rng),
    }


_DEPARTURES: Final = column(
    (0.9, row(
        (2.0, text("{title}", "title", 0.1, voice="title", tone="accent")),
        (1.0, text("{now}", "title", 0.1, voice="mono", align="right")),
    )),
    (5.0, table(
        "trains",
        (
            (1.0, "{time_head}", "{time}", "left"),
            (1.1, "{train_head}", "{train}", "left"),
            (2.0, "{to_head}", "{to}", "left"),
            (1.0, "{track_head}", "{track}", "center"),
            (1.4, "{state_head}", "{state}", "right"),
        ),
        most=0.046,
        rows=7,
    )),
    pad=(0.06, 0.05),
    gap=0.02,
)  # fmt: skip


@template("departures", _DEPARTURES, en="a board of train departures", zh="列车时刻屏",
          ratios=(0.95, 2.2), smallest=320, palettes=("night", "royal", "ink", "jade"),
          looks=(0,))  # fmt: skip
def _departures(rng: Random, language: Language) -> Values:
    number = 0 if language == "en" else 1
    now = calendar.clock(rng, 6, 20)
    said = {
        "en": {"title": "Departures", "time_head": "Time", "train_head": "Train",
               "to_head": "To", "track_head": "Track", "state_head": "Status"},
        "zh": {"title": "出发", "time_head": "时间", "train_head": "车次",
               "to_head": "终到站", "track_head": "站台", "state_head": "状态"},
    }  # fmt: skip
    states = {"en": ("On time", "Boarding", "5 min late"), "zh": ("正点", "正在检票", "晚点5分")}
    time, trains = now, list[Values]()
    for city in rng.sample(places.CITIES, 7):
        time = calendar.later(time, rng.randrange(5, 40, 5))
        trains.append({
            "time": time,
            "train": f"{rng.choice('GDKZ')}{rng.randint(11, 998)}",
            "to": city[number],
            "track": str(rng.randint(1, 16)),
            "state": rng.choice(states[language]),
        })  # fmt: skip
    return {**said[language], "now": now, "trains": trains}
