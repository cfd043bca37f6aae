"""Pages of a restaurant: a menu, a board in a café, a recipe."""

from random import Random
from typing import Final

from danqing.data.typeset.content import money
from danqing.data.typeset.content.goods import DISHES
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Layers,
    Node,
    Rule,
    Space,
    column,
    row,
    text,
)
from danqing.data.typeset.templates.theme import FANCY
from danqing.scorers.world import Language

_PRICES: Final = {"starters": (5, 14), "mains": (12, 38), "sweets": (4, 12), "drinks": (2, 8)}


def _dishes(rng: Random, language: Language, course: str, count: int, sign: str) -> list[Values]:
    first = 0 if language == "en" else 1
    dishes = rng.sample(DISHES[course], count)
    return [
        {
            "dish": dish[first],
            "note": dish[first + 2],
            "price": money.amount(money.price(rng, *_PRICES[course]), sign),
        }
        for dish in dishes
    ]


def _course(head: str, of: str, rows: int) -> Node:
    dish = column(
        (1.0, row(
            (3.0, text("{dish}", "dish", 0.036, voice="strong")),
            (1.0, text("{price}", "price", 0.036, voice="strong", tone="accent", align="right")),
        )),
        (0.75, text("{note}", "note", 0.026, tone="muted")),
        (0.2, Space()),
    )  # fmt: skip
    return column(
        (1.0, text(head, "course", 0.05, voice="title", tone="accent")),
        (0.2, Rule(tone="accent", weight=0.0016)),
        (1.6 * rows, Each(of=of, node=dish)),
    )


_MENU: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="frame")),
        (
            (0.11, 0.09, 0.89, 0.91),
            column(
                (1.5, text("{name}", "title", 0.12, voice="title", align="center")),
                (0.6, text("{line}", "subtitle", 0.032, tone="muted", align="center")),
                (0.4, Rule(tone="accent", weight=0.003)),
                (4.4, _course("{starters_head}", "starters", 3)),
                (4.4, _course("{mains_head}", "mains", 3)),
                (3.2, _course("{sweets_head}", "sweets", 2)),
                (0.7, text("{foot}", "foot", 0.022, tone="muted", align="center")),
                gap=0.012,
            ),
        ),
    )
)


@template("menu", _MENU, en="a restaurant menu", zh="餐厅菜单", ratios=(0.5, 0.85), smallest=448,
          palettes=("paper", "cream", "forest", "ink", "jade", "night"), looks=FANCY)  # fmt: skip
def _menu(rng: Random, language: Language) -> Values:
    sign = rng.choice(money.SIGNS[language])
    said = {
        "en": {
            "name": rng.choice(("Golden Lotus", "The Copper Pot", "River House", "Two Pines")),
            "line": rng.choice(("Lunch and dinner, every day", "Seasonal kitchen since 1987")),
            "starters_head": "Starters",
            "mains_head": "Main Courses",
            "sweets_head": "Desserts",
            "foot": "Please tell us about allergies. Service is included.",
        },
        "zh": {
            "name": rng.choice(("金莲饭店", "铜锅小馆", "临江楼", "双松居")),
            "line": rng.choice(("午餐 · 晚餐 · 每日营业", "时令小厨，始于1987年")),
            "starters_head": "前菜",
            "mains_head": "主菜",
            "sweets_head": "甜品",
            "foot": "如有食物过敏，请告知服务员。价格已含服务费。",
        },
    }
    return {
        **said[language],
        "starters": _dishes(rng, language, "starters", 3, sign),
        "mains": _dishes(rng, language, "mains", 3, sign),
        "sweets": _dishes(rng, language, "sweets", 2, sign),
    }


_DRINK: Final = row(
    (2.4, text("{dish}", "drink", 0.07, voice="hand")),
    (1.0, text("{price}", "price", 0.07, voice="hand", tone="accent", align="right")),
)
_BOARD: Final = column(
    (
        1.0,
        column(
            (1.4, text("{title}", "title", 0.14, voice="hand", align="center")),
            (0.25, Rule(tone="accent", weight=0.004)),
            (3.6, Each(of="drinks", node=_DRINK)),
            (0.25, Rule(tone="accent", weight=0.004)),
            (0.7, text("{special}", "special", 0.052, voice="hand", tone="accent", align="center")),
            pad=(0.08, 0.06),
            edge="muted",
            weight=0.004,
            round=0.015,
        ),
    ),
    pad=(0.03, 0.03),
)


@template("café board", _BOARD, en="a café's chalkboard menu", zh="咖啡馆黑板菜单",
          ratios=(0.6, 1.8), smallest=256, palettes=("chalk", "ink", "night"))  # fmt: skip
def _board(rng: Random, language: Language) -> Values:
    sign = rng.choice(money.SIGNS[language])
    said = {
        "en": {
            "title": rng.choice(("Today's Drinks", "Coffee & Tea", "Warm Up!")),
            "special": rng.choice(("Free refills before noon", "Ask for our cake of the day")),
        },
        "zh": {
            "title": rng.choice(("今日饮品", "咖啡与茶", "暖心饮品")),
            "special": rng.choice(("中午前免费续杯", "欢迎询问今日蛋糕")),
        },
    }
    return {**said[language], "drinks": _dishes(rng, language, "drinks", 4, sign)}


_RECIPE: Final = column(
    (
        2.6,
        row(
            (1.0, Art(name="dish")),
            (1.4, column(
                (0.5, text("{kicker}", "kicker", 0.026, voice="strong", tone="accent",
                           tracking=0.12)),
                (1.4, text("{name}", "title", 0.09, voice="title", lines=2, leading=1.15)),
                (0.6, text("{facts}", "facts", 0.03, tone="muted")),
                gap=0.01,
            )),
            gap=0.04,
        ),
    ),
    (
        4.0,
        row(
            (1.0, column(
                (0.6, text("{needs_head}", "head", 0.042, voice="title", tone="accent")),
                (3.4, Each(of="needs", node=text("{need}", "need", 0.032))),
                fill="panel", round=0.015, pad=(0.03, 0.025),
            )),
            (1.7, column(
                (0.6, text("{steps_head}", "head", 0.042, voice="title", tone="accent")),
                (3.4, Each(of="steps", node=row(
                    (0.12, text("{number}", "number", 0.042, voice="title", tone="accent",
                                stand="top")),
                    (1.0, text("{step}", "step", 0.032, lines=3, stand="top")),
                ))),
                pad=(0.0, 0.025),
            )),
            gap=0.04,
        ),
    ),
    pad=(0.06, 0.055),
    gap=0.03,
)  # fmt: skip

_RECIPES: Final = {
    "en": (
        ("Tomato and Egg", ("3 tomatoes", "4 eggs", "1 tsp sugar", "salt", "2 tbsp oil"),
         ("Cut the tomatoes into wedges and beat the eggs.", "Scramble the eggs, set them aside.",
          "Fry the tomatoes until soft, add sugar and salt.", "Return the eggs, stir and serve.")),
        ("Lemon Pancakes", ("200 g flour", "2 eggs", "300 ml milk", "1 lemon", "butter"),
         ("Whisk flour, eggs and milk until smooth.", "Rest the batter for twenty minutes.",
          "Fry thin pancakes in a little butter.", "Serve with lemon juice and sugar.")),
    ),
    "zh": (
        ("番茄炒蛋", ("番茄 3个", "鸡蛋 4个", "白糖 1小勺", "盐 适量", "食用油 2大勺"),
         ("番茄切块，鸡蛋打散。", "热油，把鸡蛋炒熟后盛出。", "番茄炒软，加糖和盐。",
          "倒回鸡蛋，翻炒均匀即可。")),
        ("柠檬薄饼", ("面粉 200克", "鸡蛋 2个", "牛奶 300毫升", "柠檬 1个", "黄油 少许"),
         ("把面粉、鸡蛋和牛奶搅拌均匀。", "面糊静置二十分钟。", "用少许黄油煎成薄饼。",
          "配柠檬汁和白糖食用。")),
    ),
}  # fmt: skip


@template("recipe card", _RECIPE, en="a recipe card", zh="食谱卡片", ratios=(0.95, 1.8),
          smallest=384, looks=FANCY)  # fmt: skip
def _recipe(rng: Random, language: Language) -> Values:
    name, needs, steps = rng.choice(_RECIPES[language])
    minutes, people = rng.choice((15, 20, 30, 45)), rng.randint(2, 6)
    said = {
        "en": {"kicker": "RECIPE", "facts": f"{minutes} minutes, serves {people}",
               "needs_head": "You need", "steps_head": "How to"},
        "zh": {"kicker": "家常食谱", "facts": f"{minutes}分钟，{people}人份",
               "needs_head": "食材", "steps_head": "做法"},
    }  # fmt: skip
    return {
        **said[language],
        "name": name,
        "needs": [{"need": need} for need in needs],
        "steps": [{"number": str(i), "step": step} for i, step in enumerate(steps, start=1)],
    }
