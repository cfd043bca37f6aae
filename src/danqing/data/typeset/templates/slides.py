"""Slides: a title, points, a comparison, a chart, a plan in time."""

from random import Random
from typing import Final

from danqing.data.typeset import texts
from danqing.data.typeset.content import calendar, people
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Node,
    Rule,
    Space,
    column,
    row,
    text,
)
from danqing.data.typeset.templates.theme import DARK, FANCY, LIGHT
from danqing.scorers.world import Language

_WIDE: Final = (1.2, 2.2)
_PALETTES: Final = (*LIGHT, *DARK[:4])

_POINTS: Final[dict[Language, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "en": (
        ("What we learned", ("Small teams ship sooner", "Write the plan on one page",
                             "Test with five users every week", "Measure before you tune",
                             "Delete what nobody uses")),
        ("Why trees matter", ("They cool the street by 4 degrees", "They hold the soil after rain",
                              "Birds and bees live in them", "A street with trees is quieter")),
        ("Goals for next year", ("Open two more libraries", "Cut waste by 30 percent",
                                 "Train 120 volunteers", "Publish every report online")),
    ),
    "zh": (
        ("我们学到了什么", ("小团队更快交付", "计划写在一页纸上", "每周请五位用户试用",
        "先测量，再优化",
                        "删掉没人用的功能")),
        ("为什么要种树", ("让街道降温四度", "雨后保持水土", "为鸟类和蜜蜂提供家园",
        "有树的街道更安静")),
        ("明年的目标", ("新建两座图书馆", "垃圾减少百分之三十", "培训一百二十名志愿者",
        "所有报告在线公开")),
    ),
}  # fmt: skip

_COVER: Final = row(
    (1.5, column(
        (0.8, Space()),
        (1.8, text("{title}", "title", 0.11, voice="title", lines=3, leading=1.12,
                   stand="bottom")),
        (0.15, row((0.4, Rule(tone="accent", weight=0.008)), (1.0, Space()))),
        (0.6, text("{line}", "subtitle", 0.042, tone="muted", lines=2)),
        (0.8, Space()),
        (0.4, text("{who}", "who", 0.032)),
        pad=(0.075, 0.06), gap=0.012,
    )),
    (1.0, Art(name="bands")),
)  # fmt: skip


@template("title slide", _COVER, en="the title slide of a presentation", zh="演示文稿的标题页",
          ratios=_WIDE, smallest=288, palettes=_PALETTES, looks=FANCY)  # fmt: skip
def _cover(rng: Random, language: Language) -> Values:
    name, date = people.name(rng, language), calendar.long(calendar.day(rng), language)
    lines = {
        "en": ("Results of the spring survey", "A proposal in three parts", "Annual review"),
        "zh": ("春季调查结果", "分三部分的提案", "年度总结"),
    }
    return {
        "title": texts.title(rng, language),
        "line": rng.choice(lines[language]),
        "who": f"{name}, {date}" if language == "en" else f"{name}　{date}",
    }


_BULLETS: Final = column(
    (0.8, text("{title}", "title", 0.075, voice="title", tone="accent")),
    (0.12, Rule(tone="accent", weight=0.004)),
    (0.2, Space()),
    (3.4, Each(of="points", room=5, node=row(
        (0.1, text("{number}", "number", 0.05, voice="title", tone="accent")),
        (1.6, text("{point}", "point", 0.046, lines=2, leading=1.2)),
    ))),
    (0.35, row(
        (1.0, text("{foot}", "foot", 0.024, tone="muted")),
        (1.0, text("{page}", "foot", 0.024, tone="muted", align="right")),
    )),
    pad=(0.075, 0.055),
)  # fmt: skip


@template("bullet slide", _BULLETS, en="a slide with numbered points", zh="带编号要点的幻灯片",
          ratios=_WIDE, smallest=416, palettes=_PALETTES)  # fmt: skip
def _bullets(rng: Random, language: Language) -> Values:
    title, points = rng.choice(_POINTS[language])
    count = rng.randint(3, len(points))
    page = rng.randint(2, 40)
    return {
        "title": title,
        "points": [{"number": str(i), "point": p} for i, p in enumerate(points[:count], start=1)],
        "foot": people.firm(rng, language),
        "page": f"{page} / {page + rng.randint(0, 20)}",
    }


def _side(number: int, fill: str) -> Node:
    return column(
        (0.7, text(f"{{head{number}}}", "head", 0.05, voice="title", tone="accent")),
        (0.1, Rule()),
        (2.2, Each(of=f"side{number}", node=text("{point}", "point", 0.038, lines=2,
                                                 leading=1.2))),
        fill=fill,
        round=0.02,
        pad=(0.04, 0.03),
    )  # fmt: skip


_COMPARE: Final = column(
    (0.8, text("{title}", "title", 0.07, voice="title", align="center")),
    (3.2, row((1.0, _side(1, "panel")), (1.0, _side(2, "panel")), gap=0.035)),
    pad=(0.06, 0.055),
    gap=0.02,
)

_SIDES: Final[dict[Language, tuple[tuple[str, tuple[str, str], tuple[str, ...],
tuple[str, ...]], ...]]] = {
    "en": (
        ("Train or plane?", ("By train", "By plane"),
         ("From centre to centre", "Work all the way", "17 kg of carbon"),
         ("Two hours in the air", "Three hours of waiting", "180 kg of carbon")),
        ("Paper or screen?", ("On paper", "On screen"),
         ("Read slowly", "Notes in the margin", "Never needs charging"),
         ("Search every word", "Carry a whole library", "Large print at once")),
    ),
    "zh": (
        ("坐火车还是坐飞机？", ("火车", "飞机"),
         ("从市中心到市中心", "一路都能工作", "碳排放17公斤"),
         ("飞行两小时", "等候三小时", "碳排放180公斤")),
        ("纸书还是电子书？", ("纸书", "电子书"),
         ("适合慢慢读", "页边可以做笔记", "永远不用充电"),
         ("每个词都能搜索", "随身带一座图书馆", "字体随意放大")),
    ),
}  # fmt: skip


@template("comparison slide", _COMPARE, en="a slide that compares two things",
          zh="对比两种选择的幻灯片", ratios=_WIDE, smallest=256, palettes=_PALETTES)  # fmt: skip
def _compare(rng: Random, language: Language) -> Values:
    title, heads, first, second = rng.choice(_SIDES[language])
    return {
        "title": title,
        "head1": heads[0],
        "head2": heads[1],
        "side1": [{"point": point} for point in first],
        "side2": [{"point": point} for point in second],
    }


_CHART: Final = column(
    (0.7, text("{title}", "title", 0.065, voice="title")),
    (0.4, text("{line}", "subtitle", 0.034, tone="muted")),
    (2.7, row(
        (1.9, column((2.4, Art(name="bars")),
                     (0.3, Each(of="labels", node=text("{label}", "label", 0.026,
                                                       align="center"), across=True)))),
        (1.0, column(
            (1.0, text("{figure}", "figure", 0.13, voice="title", tone="on_accent",
                       align="center")),
            (0.8, text("{about}", "about", 0.034, tone="on_accent", align="center", lines=3)),
            fill="accent", round=0.02, pad=(0.03, 0.05),
        )),
        gap=0.04,
    )),
    (0.3, text("{source}", "source", 0.022, tone="muted")),
    pad=(0.065, 0.05),
    gap=0.012,
)  # fmt: skip


@template("chart slide", _CHART, en="a slide with a bar chart", zh="带柱状图的幻灯片",
          ratios=_WIDE, smallest=416, palettes=_PALETTES)  # fmt: skip
def _chart(rng: Random, language: Language) -> Values:
    first = rng.randint(2012, 2024)
    said = {
        "en": {
            "title": rng.choice(("Visitors by year", "Books lent by year", "Bicycles sold")),
            "line": "In thousands, all branches together",
            "about": rng.choice(("more than six years ago", "growth in the last year")),
            "source": f"Source: own survey of {first + 6}",
        },
        "zh": {
            "title": rng.choice(("历年访客人数", "历年图书借阅量", "自行车销量")),
            "line": "单位：千，所有分馆合计",
            "about": rng.choice(("比六年前增长", "去年的增长率")),
            "source": f"数据来源：{first + 6}年自行调查",
        },
    }
    return {
        **said[language],
        "figure": f"+{rng.randint(3, 95)}%",
        "labels": [{"label": str(first + i)} for i in range(6)],
    }


_PLAN: Final = column(
    (0.8, text("{title}", "title", 0.07, voice="title", align="center")),
    (3.0, Each(of="steps", across=True, gap=0.025, node=column(
        (0.6, column((1.0, text("{when}", "when", 0.036, voice="strong", tone="on_accent",
                                align="center")), fill="accent", round=0.04, pad=(0.01, 0.004))),
        (0.7, text("{step}", "step", 0.044, voice="strong", align="center", lines=2)),
        (1.3, text("{about}", "about", 0.03, tone="muted", align="center", lines=4, stand="top")),
        fill="panel", round=0.02, pad=(0.022, 0.03), gap=0.015,
    ))),
    (0.3, Space()),
    pad=(0.05, 0.055),
    gap=0.02,
)  # fmt: skip

_STEPS: Final[dict[Language, tuple[tuple[str, str], ...]]] = {
    "en": (("Listen", "Interviews with twelve users"), ("Sketch", "Three ideas on paper"),
           ("Build", "One version that works"), ("Test", "Two weeks in one branch"),
           ("Launch", "All branches, all users")),
    "zh": (("倾听", "访谈十二位用户"), ("草图", "纸上三个方案"), ("实现", "做出一个可用版本"),
           ("试用", "在一家分馆运行两周"), ("上线", "所有分馆，所有用户")),
}  # fmt: skip


@template("timeline slide", _PLAN, en="a slide with a timeline", zh="时间线幻灯片", ratios=_WIDE,
          smallest=320, palettes=_PALETTES)  # fmt: skip
def _plan(rng: Random, language: Language) -> Values:
    first = rng.randint(1, 8)
    whens = [calendar.MONTHS[(first + i - 1) % 12] for i in range(5)]
    if language == "zh":
        whens = [f"{(first + i - 1) % 12 + 1}月" for i in range(5)]
    start = rng.randint(0, 1)
    steps = _STEPS[language][start : start + 4]
    return {
        "title": {"en": "From idea to launch", "zh": "从想法到上线"}[language],
        "steps": [
            {"when": when, "step": step, "about": about}
            for when, (step, about) in zip(whens, steps, strict=False)
        ],
    }
