"""Official papers with exact formatting: a document, a notice, an examination."""

from random import Random
from typing import Final

from danqing.data.typeset.content import calendar, people, places
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Layers,
    Rule,
    Space,
    column,
    over,
    row,
    text,
)
from danqing.scorers.world import Language

# Chinese documents follow GB/T 9704: the office in red over a red line, the number centred, the
# title in heavy type, the addressee flush left, the office and the date at the lower right under
# a round seal.
_DOCUMENT: Final = column(
    (1.3, text("{office}", "office", 0.085, voice="title", tone="accent", align="center")),
    (0.6, text("{number}", "number", 0.028, align="center")),
    (0.15, Rule(tone="accent", weight=0.005)),
    (1.3, text("{title}", "title", 0.05, voice="strong", align="center", lines=2)),
    (0.5, text("{addressee}", "body", 0.031)),
    (3.6, Each(of="paragraphs", node=text("{paragraph}", "body", 0.031, align="justify",
                                          lines=None, leading=1.6, stand="top"))),
    (
        1.4,
        row(
            (1.2, Space()),
            (1.0, over(
                Layers(parts=(((0.28, -0.05, 0.72, 1.05), Art(name="stamp")),)),
                column(
                    (1.0, text("{office_short}", "body", 0.031, align="center", stand="bottom")),
                    (1.0, text("{date}", "body", 0.031, align="center", stand="top")),
                    gap=0.01,
                ),
            )),
        ),
    ),
    (0.12, Rule(tone="ink", weight=0.0015)),
    (0.4, text("{foot}", "foot", 0.022, tone="muted")),
    pad=(0.1, 0.08),
)  # fmt: skip


@template("official document", _DOCUMENT, en="an official document", zh="公文",
          ratios=(0.55, 0.85), smallest=448, palettes=("paper", "rose"), looks=(1,))  # fmt: skip
def _document(rng: Random, language: Language) -> Values:
    date = calendar.day(rng)
    number, city = rng.randint(1, 88), places.city(rng, language)
    if language == "en":
        return {
            "office": f"City Council of {city}",
            "number": f"No. {number} / {date.year}",
            "title": rng.choice((
                "Notice on the Opening Hours of Public Libraries",
                "Decision on the Protection of Old Trees",
            )),
            "addressee": "To all departments and public institutions:",
            "paragraphs": [
                {"paragraph": f"1. From {calendar.long(date, language)} on, the rules below are in "
                              "force in all districts of the city."},
                {"paragraph": "2. Every department names a person in charge and reports to the "
                              "council within 30 days."},
                {"paragraph": "3. Questions are answered by the secretary's office on weekdays "
                              "between 9:00 and 17:00."},
            ],
            "office_short": f"City Council of {city}",
            "date": calendar.long(date, language),
            "foot": f"Copies: district offices, archive. {rng.randint(20, 300)} copies printed.",
        }  # fmt: skip
    return {
        "office": f"{city}市人民政府文件",
        "number": f"〔{date.year}〕{number}号",
        "title": rng.choice(("关于公共图书馆开放时间的通知", "关于加强古树保护工作的决定")),
        "addressee": "各区人民政府，市政府各部门：",
        "paragraphs": [
            {"paragraph": f"一、自{calendar.long(date, language)}起，本市各区一律按以下规定执行。"},
            {"paragraph": "二、各单位应当指定负责人，并在三十日内把落实情况书面报告市政府办公室。"},
            {"paragraph": "三、工作日上午九时至下午五时，由办公室负责解答有关问题。"},
        ],
        "office_short": f"{city}市人民政府",
        "date": calendar.long(date, language),
        "foot": f"抄送：各区办公室，档案馆。共印{rng.randint(20, 300)}份。",
    }


_NOTICE: Final = column(
    (
        1.0,
        column(
            (1.2, column((1.0, text("{title}", "title", 0.14, voice="title", tone="on_accent",
                                    align="center")), fill="accent", pad=(0.04, 0.015))),
            (2.4, text("{body}", "body", 0.058, align="center", lines=5, leading=1.5)),
            (0.6, text("{when}", "when", 0.05, voice="strong", align="center", tone="accent")),
            (0.5, text("{who}", "who", 0.036, align="center", tone="muted")),
            (0.15, Space()),
            edge="accent",
            weight=0.008,
            gap=0.015,
            pad=(0.05, 0.05),
        ),
    ),
    pad=(0.035, 0.035),
)  # fmt: skip


@template("public notice", _NOTICE, en="a public notice", zh="公告", ratios=(0.6, 1.8),
    smallest=256,
          palettes=("paper", "sunset", "rose", "sky", "forest"))  # fmt: skip
def _notice(rng: Random, language: Language) -> Values:
    start = calendar.clock(rng, 8, 14)
    end = calendar.later(start, rng.choice((60, 90, 120, 180)))
    if language == "en":
        return {
            "title": rng.choice(("NOTICE", "ATTENTION", "PLEASE NOTE")),
            "body": rng.choice((
                "The water will be turned off for repairs. Please fill a jug in time.",
                "The lift is out of order. Please take the stairs on the left.",
                "The car park is closed for cleaning. Please move your car.",
            )),
            "when": f"{start} - {end}",
            "who": "The house management",
        }  # fmt: skip
    return {
        "title": rng.choice(("通知", "公告", "温馨提示")),
        "body": rng.choice((
            "因管道维修，本楼将暂停供水，请住户提前储水。",
            "电梯正在检修，请走左侧楼梯，不便之处敬请谅解。",
            "停车场将进行清洗，请及时移走车辆。",
        )),
        "when": f"{start} - {end}",
        "who": "物业管理处",
    }  # fmt: skip


_EXAM: Final = column(
    (0.9, text("{title}", "title", 0.062, voice="title", align="center")),
    (0.5, row(
        (1.0, text("{name_label}", "blank", 0.028)),
        (1.0, text("{class_label}", "blank", 0.028)),
        (1.0, text("{score_label}", "blank", 0.028)),
        gap=0.03,
    )),
    (0.2, Rule(tone="ink")),
    (0.6, text("{part}", "part", 0.034, voice="strong")),
    (4.6, Each(of="sums", node=row(
        (1.0, text("{left}", "sum", 0.036)),
        (1.0, text("{right}", "sum", 0.036)),
    ))),
    (0.6, text("{second}", "part", 0.034, voice="strong")),
    (1.6, text("{problem}", "problem", 0.032, lines=4, leading=1.5, stand="top")),
    pad=(0.09, 0.07),
    gap=0.01,
)  # fmt: skip


@template("examination paper", _EXAM, en="an arithmetic test", zh="数学试卷", ratios=(0.55, 1.0),
          smallest=352, palettes=("slate", "sky", "cream"))  # fmt: skip
def _exam(rng: Random, language: Language) -> Values:
    sums = [f"{i}. {_sum(rng)}" for i in range(1, 11)]
    name, pens, cost = people.name(rng, language), rng.randint(3, 9), rng.randint(2, 12)
    said = {
        "en": {
            "title": f"Mathematics Test {rng.randint(1, 12)}",
            "name_label": "Name: __________",
            "class_label": "Class: ______",
            "score_label": "Score: ______",
            "part": "I. Work out (20 points)",
            "second": "II. Solve the problem (10 points)",
            "problem": f"{name} buys {pens} pens for ${cost} each and pays with a $200 note. "
            "How much change does the shop give back?",
        },
        "zh": {
            "title": f"数学单元测试（{rng.choice('一二三四五六')}）",
            "name_label": "姓名：__________",
            "class_label": "班级：______",
            "score_label": "得分：______",
            "part": "一、计算题（20分）",
            "second": "二、应用题（10分）",
            "problem": f"{name}买了{pens}支钢笔，每支{cost}元，付给售货员200元，应找回多少元？",
        },
    }
    rows = [{"left": a, "right": b} for a, b in zip(sums[:5], sums[5:], strict=True)]
    return {**said[language], "sums": rows}


def _sum(rng: Random) -> str:
    a, b = rng.randint(12, 99), rng.randint(2, 12)
    sign = rng.choice("+-×÷")
    if sign == "÷":
        return f"{a * b} ÷ {b} ="
    return f"{a} {sign} {b} ="
