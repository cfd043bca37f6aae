"""Printed matter: posters of events and films, covers of books and magazines, a newspaper."""

from random import Random
from typing import Final

from danqing.data.typeset import texts
from danqing.data.typeset.content import calendar, money, people, places
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Layers,
    Node,
    Rule,
    Space,
    column,
    row,
    text,
)
from danqing.data.typeset.templates.theme import DARK, FANCY, LIGHT
from danqing.scorers.world import Language

_EVENT: Final = column(
    (1.5, Layers(parts=(((0.0, 0.0, 1.0, 1.0), Art(name="circles")),))),
    (
        1.6,
        column(
            (0.4, text("{kind}", "kind", 0.036, voice="strong", tone="accent", tracking=0.12)),
            (1.7, text("{title}", "title", 0.14, voice="title", lines=2, leading=1.1)),
            (0.5, text("{who}", "who", 0.046, tone="muted")),
            (0.15, Rule(tone="accent", weight=0.004)),
            (0.8, row(
                (1.0, column(
                    (1.0, text("{date}", "date", 0.046, voice="strong")),
                    (0.8, text("{time}", "detail", 0.034)),
                )),
                (1.0, column(
                    (1.0, text("{hall}", "date", 0.046, voice="strong", align="right")),
                    (0.8, text("{city}", "detail", 0.034, align="right")),
                )),
                gap=0.03,
            )),
            pad=(0.075, 0.05),
            gap=0.012,
        ),
    ),
)  # fmt: skip


@template("event poster", _EVENT, en="a poster for an event", zh="活动海报", ratios=(0.5, 1.05),
          smallest=288, palettes=(*LIGHT, *DARK[:4]), looks=FANCY)  # fmt: skip
def _event(rng: Random, language: Language) -> Values:
    date, start = calendar.day(rng), calendar.clock(rng, 10, 20)
    said = {
        "en": {
            "kind": rng.choice(("EXHIBITION", "CONCERT", "OPEN DAY", "LECTURE")),
            "time": f"{start}, doors open {calendar.later(start, 24 * 60 - 30)}",
            "hall": rng.choice(("Town Hall", "Old Station", "Gallery Nine", "City Theatre")),
        },
        "zh": {
            "kind": rng.choice(("艺术展览", "音乐会", "开放日", "专题讲座")),
            "time": f"{start} 开始",
            "hall": rng.choice(("市民会堂", "老火车站", "九号美术馆", "城市剧院")),
        },
    }
    return {
        **said[language],
        "title": texts.title(rng, language),
        "who": people.name(rng, language),
        "date": calendar.long(date, language),
        "city": places.city(rng, language),
    }


_FILM: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 0.74), Art(name="city")),
        (
            (0.0, 0.7, 1.0, 1.0),
            column(
                (1.5, text("{title}", "title", 0.13, voice="title", tone="accent", align="center")),
                (0.6, text("{line}", "tagline", 0.04, align="center")),
                (0.7, text("{credits}", "credits", 0.026, tone="muted", align="center", lines=2)),
                (0.5, text("{date}", "date", 0.036, voice="strong", align="center")),
                fill="ground",
                pad=(0.06, 0.03),
            ),
        ),
        (
            (0.06, 0.04, 0.94, 0.12),
            text("{stars}", "stars", 0.042, voice="strong", tone="ink", align="center",
                 tracking=0.06),
        ),
    )
)  # fmt: skip


@template("film poster", _FILM, en="a film poster", zh="电影海报", ratios=(0.5, 0.85), smallest=352,
          palettes=("night", "ink", "jade", "royal"))  # fmt: skip
def _film(rng: Random, language: Language) -> Values:
    date = calendar.day(rng)
    director, writer = people.name(rng, language), people.name(rng, language)
    if language == "en":
        return {
            "title": texts.title(rng, language).upper(),
            "line": rng.choice(("Some doors open only once.", "Every city keeps a secret.")),
            "credits": f"Directed by {director}. Written by {writer}.",
            "date": f"In cinemas {calendar.long(date, language)}",
            "stars": f"{people.name(rng, language)}   {people.name(rng, language)}".upper(),
        }
    return {
        "title": texts.title(rng, language),
        "line": rng.choice(("有些门，一生只打开一次。", "每座城市都藏着一个秘密。")),
        "credits": f"导演 {director}  编剧 {writer}",
        "date": f"{calendar.long(date, language)} 全国上映",
        "stars": f"{people.name(rng, language)}   {people.name(rng, language)}",
    }


_BOOK: Final = column(
    (0.6, text("{author}", "author", 0.046, voice="strong", tone="on_accent", align="center")),
    (
        2.2,
        column(
            (0.5, Space()),
            (2.0, text("{title}", "title", 0.14, voice="title", align="center", lines=3,
                       leading=1.15)),
            (0.15, row((1.0, Space()), (0.5, Rule(tone="accent", weight=0.004)), (1.0, Space()))),
            (0.7, text("{subtitle}", "subtitle", 0.042, tone="muted", align="center", lines=2)),
            (0.3, Space()),
            fill="ground",
            pad=(0.05, 0.02),
        ),
    ),
    (1.3, Art(name="landscape")),
    (0.4, text("{press}", "press", 0.032, tone="on_accent", align="center")),
    fill="accent",
    pad=(0.06, 0.045),
    gap=0.02,
)  # fmt: skip


@template(
    "book cover",
    _BOOK,
    en="a book cover",
    zh="图书封面",
    ratios=(0.5, 0.9),
    smallest=288,
    looks=FANCY,
)
def _book(rng: Random, language: Language) -> Values:
    said = {
        "en": {
            "subtitle": rng.choice(("A novel in seven letters", "Essays and photographs")),
            "press": rng.choice(("North Gate Press", "Willow Books")),
        },
        "zh": {
            "subtitle": rng.choice(("长篇小说", "散文与摄影集", "写给孩子的自然课")),
            "press": rng.choice(("北门出版社", "柳岸书局")),
        },
    }
    return {
        **said[language],
        "author": people.name(rng, language),
        "title": texts.title(rng, language),
    }


def _teaser(number: int) -> Node:
    return column(
        (1.0, text(f"{{head{number}}}", "teaser", 0.042, voice="strong", tone="accent", lines=2,
                   leading=1.15, stand="bottom")),
        (0.8, text(f"{{line{number}}}", "teaser line", 0.028, lines=2, stand="top")),
        gap=0.006,
    )  # fmt: skip


_MAGAZINE: Final = column(
    (1.1, text("{name}", "masthead", 0.22, voice="title", tone="accent", align="center")),
    (0.22, row(
        (1.0, text("{issue}", "issue", 0.024, tone="muted")),
        (1.0, text("{price}", "issue", 0.024, tone="muted", align="right")),
    )),
    (2.6, row(
        (1.7, Art(name="landscape")),
        (1.0, column((1.0, _teaser(1)), (1.0, _teaser(2)), gap=0.02)),
        gap=0.03,
    )),
    (0.9, text("{title}", "title", 0.085, voice="title", lines=2, leading=1.1)),
    (0.4, text("{about}", "about", 0.036, tone="muted")),
    pad=(0.06, 0.045),
    gap=0.014,
)  # fmt: skip


@template("magazine cover", _MAGAZINE, en="a magazine cover", zh="杂志封面", ratios=(0.6, 1.0),
          smallest=384, palettes=(*LIGHT, "night", "ink"))  # fmt: skip
def _magazine(rng: Random, language: Language) -> Values:
    date = calendar.day(rng)
    heads = {
        "en": ("Slow travel", "Small kitchens", "Paper craft", "Night skies", "City gardens"),
        "zh": ("慢旅行", "小厨房", "纸艺", "夜空", "城市花园"),
    }[language]
    lines = {
        "en": ("Ten trains worth missing a flight for", "What to keep and what to give away",
               "A weekend project for rainy days", "Where to see the stars this autumn"),
        "zh": ("十条值得慢下来的铁路", "留下什么，送走什么", "适合雨天的周末手工",
        "今年秋天去哪里看星星"),
    }[language]  # fmt: skip
    first, second = rng.sample(heads, 2)
    above, below = rng.sample(lines, 2)
    said = {
        "en": {
            "name": rng.choice(("FOLIO", "MERIDIAN", "HARVEST", "ATLAS")),
            "issue": f"Issue {rng.randint(2, 140)}, {calendar.MONTHS[date.month - 1]} {date.year}",
            "about": rng.choice(("An interview in pictures", "Our long read of the month")),
        },
        "zh": {
            "name": rng.choice(("远方", "四季", "城市", "生活")),
            "issue": f"第{rng.randint(2, 140)}期 {date.year}年{date.month}月",
            "about": rng.choice(("图片里的访谈", "本月特稿")),
        },
    }
    return {
        **said[language],
        "price": money.amount(money.price(rng, 5, 15), rng.choice(money.SIGNS[language])),
        "title": texts.title(rng, language),
        "head1": first, "line1": above, "head2": second, "line2": below,
    }  # fmt: skip


def _story(number: int, head: float, lines: float) -> Node:
    return column(
        (head, text(f"{{head{number}}}", "headline", 0.042, voice="title", lines=2, leading=1.15,
                    stand="bottom")),
        (lines, text(f"{{story{number}}}", "story", 0.024, lines=None, align="justify",
                     leading=1.4, stand="top")),
        gap=0.008,
    )  # fmt: skip


_NEWSPAPER: Final = column(
    (1.0, text("{name}", "masthead", 0.13, voice="title", align="center")),
    (0.1, Rule(tone="ink")),
    (0.25, row(
        (1.0, text("{date}", "issue", 0.022)),
        (1.0, text("{city}", "issue", 0.022, align="center")),
        (1.0, text("{price}", "issue", 0.022, align="right")),
    )),
    (0.1, Rule(tone="ink")),
    (0.9, text("{title}", "lead", 0.08, voice="title", lines=2, leading=1.1)),
    (2.4, row(
        (1.5, column((1.7, Art(name="city", tone="muted")),
                     (1.4, text("{lead}", "story", 0.024, lines=None, align="justify",
                                leading=1.4, stand="top")), gap=0.012)),
        (0.03, Rule()),
        (1.0, _story(1, 0.8, 2.4)),
        gap=0.015,
    )),
    (0.06, Rule(tone="ink")),
    (1.5, row((1.0, _story(2, 0.8, 1.6)), (0.03, Rule()), (1.0, _story(3, 0.8, 1.6)), gap=0.015)),
    pad=(0.055, 0.045),
    gap=0.008,
)  # fmt: skip


@template("newspaper", _NEWSPAPER, en="the front page of a newspaper", zh="报纸头版",
          ratios=(0.55, 0.95), smallest=448, palettes=("cream", "paper", "slate"),
          looks=(1,))  # fmt: skip
def _newspaper(rng: Random, language: Language) -> Values:
    count = 2 if language == "en" else 3
    heads = {
        "en": ("New bridge opens after nine years", "Library stays open at night",
               "Record harvest of apples", "School choir wins first prize",
               "Old tram returns to the harbour"),
        "zh": ("新大桥历时九年建成通车", "图书馆夜间继续开放", "今年苹果喜获丰收",
        "校合唱团荣获一等奖",
               "老电车重返码头"),
    }[language]  # fmt: skip
    first, second, third, fourth = rng.sample(heads, 4)
    said = {
        "en": {"name": rng.choice(("The Morning Herald", "The Daily Post")), "price": "Price 2.50"},
        "zh": {"name": rng.choice(("晨报", "城市日报", "江南晚报")), "price": "零售价 2元"},
    }
    return {
        **said[language],
        "date": calendar.long(calendar.day(rng), language),
        "city": places.city(rng, language),
        "title": first,
        "lead": texts.sentences(rng, language, count),
        "head1": second, "story1": texts.sentences(rng, language, count + 1),
        "head2": third, "story2": texts.sentences(rng, language, count),
        "head3": fourth, "story3": texts.sentences(rng, language, count),
    }  # fmt: skip
