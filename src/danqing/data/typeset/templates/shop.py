"""Pages of a shop: an advertisement, a sale, a label and a receipt."""

from random import Random
from typing import Final

from danqing.data.typeset.content import calendar, money, people, places
from danqing.data.typeset.content.goods import GROCERIES, PRODUCTS
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
from danqing.data.typeset.templates.theme import FANCY
from danqing.scorers.world import Language

_AD: Final = column(
    (
        1.25,
        Layers(
            parts=(
                ((0.0, 0.0, 1.0, 1.0), Art(name="bands", tone="second")),
                ((0.15, 0.08, 0.85, 0.96), Art(name="bottle")),
                (
                    (0.66, 0.08, 0.94, 0.3),
                    over(Art(name="badge"), text("{badge}", "badge", 0.05, voice="strong",
                         tone="on_accent", align="center", lines=1)),
                ),
            )
        ),
    ),
    (
        1.0,
        column(
            (0.5, text("{kicker}", "kicker", 0.026, tone="accent", voice="strong", tracking=0.14)),
            (1.2, text("{name}", "title", 0.11, voice="title")),
            (0.7, text("{slogan}", "slogan", 0.05, tone="muted")),
            (0.5, text("{about}", "about", 0.034)),
            (
                0.75,
                row(
                    (1.0, text("{price}", "price", 0.07, voice="title", tone="accent")),
                    (
                        0.85,
                        column(
                            (1.0, text("{button}", "button", 0.036, voice="strong",
                                       tone="on_accent", align="center")),
                            fill="accent", round=0.03, pad=(0.02, 0.006),
                        ),
                    ),
                ),
            ),
            pad=(0.07, 0.045),
            gap=0.012,
        ),
    ),
)  # fmt: skip


@template("product advertisement", _AD, en="a product advertisement", zh="产品广告",
          ratios=(0.55, 1.05), smallest=352)  # fmt: skip
def _ad(rng: Random, language: Language) -> Values:
    name, slogan, about = rng.choice(PRODUCTS[language])
    cents = money.price(rng, 6, 90)
    said = {
        "en": {"kicker": "NEW IN STORE", "button": rng.choice(("Shop now", "Order today"))},
        "zh": {"kicker": "新品上市", "button": rng.choice(("立即购买", "马上抢购"))},
    }
    return {
        **said[language],
        "name": name,
        "slogan": slogan,
        "about": about,
        "price": money.amount(cents, rng.choice(money.SIGNS[language])),
        "badge": f"-{rng.choice((10, 15, 20, 25, 30))}%",
    }


_SALE: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="rays")),
        (
            (0.06, 0.06, 0.94, 0.94),
            column(
                (
                    0.6,
                    text("{kicker}", "kicker", 0.05, voice="strong", align="center", tracking=0.1),
                ),
                (1.8, text("{title}", "title", 0.24, voice="title", tone="accent", align="center")),
                (1.0, text("{off}", "discount", 0.13, voice="title", align="center")),
                (0.25, Rule(tone="accent", weight=0.004)),
                (0.7, text("{line}", "line", 0.045, align="center", lines=2)),
                (0.5, text("{dates}", "dates", 0.042, voice="strong", align="center")),
                (0.4, text("{where}", "place", 0.032, tone="muted", align="center")),
                fill="ground",
                round=0.02,
                pad=(0.06, 0.06),
                gap=0.008,
            ),
        ),
    )
)


@template("sale poster", _SALE, en="a sale poster", zh="促销海报", ratios=(0.5, 1.9), smallest=256,
          palettes=("paper", "sunset", "rose", "ocean", "night", "royal"))  # fmt: skip
def _sale(rng: Random, language: Language) -> Values:
    first = calendar.day(rng)
    months, share = calendar.MONTHS, rng.choice((20, 30, 40, 50, 60, 70))
    if language == "en":
        return {
            "kicker": rng.choice(("THIS WEEK ONLY", "END OF SEASON", "OPENING OFFER")),
            "title": rng.choice(("SALE", "BIG SALE", "LAST CHANCE")),
            "off": f"up to {share}% off",
            "line": rng.choice(("On all shoes, bags and coats", "Books, lamps and furniture")),
            "dates": f"Until {first.day} {months[first.month - 1]}",
            "where": f"{places.address(rng, language)}, {places.city(rng, language)}",
        }
    return {
        "kicker": rng.choice(("仅限本周", "换季特惠", "开业酬宾")),
        "title": rng.choice(("大促销", "清仓", "年中大促")),
        "off": f"低至{10 - share // 10}折",
        "line": rng.choice(("鞋包、外套，全场参加", "图书、灯具、家具")),
        "dates": f"截至{first.month}月{first.day}日",
        "where": f"{places.city(rng, language)}市{places.address(rng, language)}",
    }


_LABEL: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="frame")),
        (
            (0.13, 0.11, 0.87, 0.89),
            column(
                (0.5, text("{maker}", "maker", 0.038, align="center", tracking=0.08,
                voice="strong")),
                (0.12, Rule(tone="accent")),
                (1.3, text("{name}", "title", 0.12, voice="title", tone="accent", align="center",
                           lines=2, leading=1.1)),
                (0.5, text("{kind}", "kind", 0.046, align="center", tone="muted")),
                (0.12, Rule(tone="accent")),
                (0.9, text("{ingredients}", "ingredients", 0.032, align="center", lines=3)),
                (0.45, row(
                    (1.0, text("{weight}", "fact", 0.034, voice="strong")),
                    (1.0, text("{best}", "fact", 0.034, voice="strong", align="right")),
                )),
                gap=0.01,
            ),
        ),
    )
)  # fmt: skip


@template("product label", _LABEL, en="a product label", zh="产品标签", ratios=(0.6, 1.6),
          smallest=288, palettes=("paper", "cream", "forest", "mint", "plum", "ocean"),
          looks=FANCY)  # fmt: skip
def _label(rng: Random, language: Language) -> Values:
    best = calendar.day(rng)
    grams = rng.choice((150, 200, 250, 340, 500))
    if language == "en":
        name = rng.choice(("Fig Jam", "Wild Honey", "Plum Chutney", "Apple Butter", "Lemon Curd"))
        return {
            "maker": people.firm(rng, language).upper(),
            "name": name,
            "kind": rng.choice(("small batch, made by hand", "from our own orchard")),
            "ingredients": "Ingredients: fruit (62%), sugar, lemon juice, pectin, salt.",
            "weight": f"Net {grams} g",
            "best": f"Best before {best.month:02d}/{best.year}",
        }
    return {
        "maker": rng.choice(("青禾果园", "远山农庄", "明月食品")),
        "name": rng.choice(("无花果酱", "野花蜂蜜", "桂花糖", "苹果酱", "柠檬蜜")),
        "kind": rng.choice(("小批量手工制作", "产自自家果园")),
        "ingredients": "配料：水果（62%）、白砂糖、柠檬汁、果胶、食盐。",
        "weight": f"净含量 {grams}克",
        "best": f"保质期至 {best.year}年{best.month}月",
    }


_LINE: Final = row(
    (2.6, text("{name}", "item", 0.042, voice="mono")),
    (0.6, text("x{count}", "item", 0.042, voice="mono", align="right")),
    (1.2, text("{total}", "item", 0.042, voice="mono", align="right")),
    gap=0.02,
)
_RECEIPT: Final = column(
    (1.0, text("{shop}", "title", 0.085, voice="strong", align="center")),
    (0.5, text("{address}", "address", 0.036, voice="mono", align="center", tone="muted")),
    (0.5, text("{when}", "address", 0.036, voice="mono", align="center", tone="muted")),
    (0.3, Rule(tone="ink", dashed=True)),
    (4.2, Each(of="items", node=_LINE)),
    (0.3, Rule(tone="ink", dashed=True)),
    (0.6, row(
        (1.0, text("{sum_label}", "item", 0.042, voice="mono")),
        (1.0, text("{sum}", "item", 0.042, voice="mono", align="right")),
    )),
    (0.6, row(
        (1.0, text("{tax_label}", "item", 0.042, voice="mono")),
        (1.0, text("{tax}", "item", 0.042, voice="mono", align="right")),
    )),
    (0.9, row(
        (1.0, text("{total_label}", "total", 0.066, voice="strong")),
        (1.0, text("{total}", "total", 0.066, voice="strong", align="right")),
    )),
    (0.3, Rule(tone="ink", dashed=True)),
    (0.6, text("{thanks}", "thanks", 0.042, voice="mono", align="center")),
    (0.5, Space()),
    pad=(0.06, 0.07),
)  # fmt: skip


@template("receipt", _RECEIPT, en="a till receipt", zh="购物小票", ratios=(0.3, 0.8), smallest=320,
          palettes=("slate", "sky", "cream"), looks=(0,))  # fmt: skip
def _receipt(rng: Random, language: Language) -> Values:
    bill = money.bill(rng, GROCERIES[language], rng.randint(4, 7), 2, 15)
    sign = rng.choice(money.SIGNS[language])
    labels = {
        "en": {"sum_label": "Subtotal", "tax_label": f"Tax {bill.percent}%",
               "total_label": "TOTAL", "thanks": "Thank you, come again!"},
        "zh": {"sum_label": "小计", "tax_label": f"税 {bill.percent}%",
               "total_label": "合计", "thanks": "谢谢惠顾，欢迎再来！"},
    }  # fmt: skip
    shop = {
        "en": rng.choice(("Corner Market", "Daily Grocer", "Green Basket")),
        "zh": rng.choice(("街角超市", "每日生鲜", "绿篮子超市")),
    }
    when = f"{calendar.short(calendar.day(rng))} {calendar.clock(rng, 8, 21)}"
    return {
        **labels[language],
        "shop": shop[language],
        "address": places.address(rng, language),
        "when": when,
        "items": [
            {"name": e.name, "count": str(e.count), "total": money.amount(e.total)}
            for e in bill.entries
        ],
        "sum": money.amount(bill.sum),
        "tax": money.amount(bill.tax),
        "total": money.amount(bill.total, sign),
    }
