"""Papers of an office: an invoice, a business card, a certificate."""

from random import Random
from typing import Any, Final

from danqing.data.typeset.content import calendar, money, people, places
from danqing.data.typeset.content.goods import GOODS
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Layers,
    Part,
    Rule,
    Space,
    column,
    row,
    table,
    text,
)
from danqing.scorers.world import Language


def _sum(label: str, value: str, role: str, most: float, **settings: Any) -> Part:
    return (1.0, row(
        (1.0, text(label, role, most, **settings)),
        (1.0, text(value, role, most, align="right", **settings)),
        pad=(0.012, 0.0),
    ))  # fmt: skip


_INVOICE: Final = column(
    (
        1.5,
        row(
            (1.2, column(
                (1.0, text("{firm}", "firm", 0.046, voice="strong", lines=2, leading=1.2)),
                (0.6, text("{firm_address}", "small", 0.024, tone="muted")),
                (0.6, text("{firm_mail}", "small", 0.024, tone="muted")),
            )),
            (1.0, text("{title}", "title", 0.09, voice="title", tone="accent", align="right",
                       stand="top")),
        ),
    ),
    (0.2, Rule(tone="accent", weight=0.004)),
    (
        1.5,
        row(
            (1.0, column(
                (0.6, text("{to_label}", "label", 0.024, voice="strong", tone="accent")),
                (0.8, text("{to}", "party", 0.032, voice="strong")),
                (0.6, text("{to_address}", "small", 0.024, tone="muted")),
            )),
            (1.0, column(
                (1.0, row((1.0, text("{number_label}", "label", 0.024, voice="strong",
                                     tone="accent", align="right")),
                          (1.1, text("{number}", "small", 0.024, align="right")))),
                (1.0, row((1.0, text("{date_label}", "label", 0.024, voice="strong",
                                     tone="accent", align="right")),
                          (1.1, text("{date}", "small", 0.024, align="right")))),
                (1.0, row((1.0, text("{due_label}", "label", 0.024, voice="strong",
                                     tone="accent", align="right")),
                          (1.1, text("{due}", "small", 0.024, align="right")))),
            )),
        ),
    ),
    (0.3, Space()),
    (
        5.0,
        table(
            "items",
            (
                (2.6, "{item_head}", "{name}", "left"),
                (0.8, "{count_head}", "{count}", "right"),
                (1.2, "{price_head}", "{price}", "right"),
                (1.3, "{total_head}", "{total}", "right"),
            ),
            most=0.029,
            rows=7,
        ),
    ),
    (
        1.7,
        row(
            (1.0, text("{note}", "note", 0.022, tone="muted", lines=4, stand="bottom")),
            (1.0, column(
                _sum("{sum_label}", "{sum}", "sum", 0.029),
                _sum("{tax_label}", "{tax}", "sum", 0.029),
                (0.15, Rule(tone="ink")),
                _sum("{total_label}", "{grand}", "grand", 0.042, voice="strong", tone="accent"),
            )),
            gap=0.06,
        ),
    ),
    pad=(0.075, 0.07),
)  # fmt: skip


@template("invoice", _INVOICE, en="an invoice", zh="发票", ratios=(0.5, 0.95), smallest=448,
          palettes=("slate", "sky", "ocean", "paper", "mint"))  # fmt: skip
def _invoice(rng: Random, language: Language) -> Values:
    bill = money.bill(rng, GOODS[language], rng.randint(3, 7), 2, 240)
    sign = rng.choice(money.SIGNS[language])
    date = calendar.day(rng)
    due = date.replace(day=28)
    labels = {
        "en": {
            "title": "INVOICE", "to_label": "Bill to", "number_label": "Invoice no.",
            "date_label": "Date", "due_label": "Due", "item_head": "Description",
            "count_head": "Qty", "price_head": "Unit price", "total_head": "Amount",
            "sum_label": "Subtotal", "tax_label": f"VAT {bill.percent}%", "total_label": "Total",
            "note": "Please pay within 30 days and quote the invoice number. Thank you.",
        },
        "zh": {
            "title": "发票", "to_label": "购买方", "number_label": "发票号码",
            "date_label": "开票日期", "due_label": "付款期限", "item_head": "项目名称",
            "count_head": "数量", "price_head": "单价", "total_head": "金额",
            "sum_label": "合计", "tax_label": f"税额（{bill.percent}%）", "total_label": "价税合计",
            "note": "请在三十天内付款，并注明发票号码。谢谢！",
        },
    }  # fmt: skip
    return {
        **labels[language],
        "firm": people.firm(rng, language),
        "firm_address": f"{places.address(rng, language)}, {places.city(rng, language)}"
        if language == "en"
        else f"{places.city(rng, language)}市{places.address(rng, language)}",
        "firm_mail": people.mail(rng),
        "to": people.firm(rng, language),
        "to_address": places.address(rng, language),
        "number": f"{date.year}-{rng.randint(1, 9999):04d}",
        "date": calendar.short(date),
        "due": calendar.short(due),
        "items": [
            {
                "name": entry.name,
                "count": str(entry.count),
                "price": money.amount(entry.cents),
                "total": money.amount(entry.total),
            }
            for entry in bill.entries
        ],
        "sum": money.amount(bill.sum, sign),
        "tax": money.amount(bill.tax, sign),
        "grand": money.amount(bill.total, sign),
    }


_CARD: Final = row(
    (0.9, Layers(parts=(((0.0, 0.0, 1.0, 1.0), Art(name="circles")),))),
    (
        2.0,
        column(
            (1.0, text("{name}", "name", 0.11, voice="title", stand="bottom")),
            (0.6, text("{job}", "job", 0.045, tone="accent")),
            (0.3, Rule(tone="line")),
            (0.5, text("{firm}", "firm", 0.042, voice="strong")),
            (0.5, text("{phone}", "detail", 0.036, tone="muted")),
            (0.5, text("{mail}", "detail", 0.036, tone="muted")),
            (0.5, text("{address}", "detail", 0.036, tone="muted")),
            pad=(0.07, 0.07),
        ),
    ),
)


@template("business card", _CARD, en="a business card", zh="名片", ratios=(1.3, 2.2), smallest=320,
          palettes=("sky", "slate", "paper", "plum", "forest", "night", "jade"))  # fmt: skip
def _card(rng: Random, language: Language) -> Values:
    return {
        "name": people.name(rng, language),
        "job": rng.choice(people.JOBS[language]),
        "firm": people.firm(rng, language),
        "phone": people.phone(rng, language),
        "mail": people.mail(rng),
        "address": places.address(rng, language),
    }


_CERTIFICATE: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="frame")),
        (
            (0.14, 0.13, 0.86, 0.88),
            column(
                (1.3, text("{title}", "title", 0.1, voice="title", tone="accent", align="center")),
                (0.5, text("{given}", "line", 0.036, align="center", tone="muted")),
                (1.2, text("{name}", "name", 0.1, voice="hand", align="center")),
                (0.12, Rule(tone="line")),
                (1.2, text("{reason}", "reason", 0.038, align="center", lines=3, leading=1.5)),
                (
                    1.5,
                    row(
                        (1.0, column(
                            (0.8, text("{date}", "sign", 0.03, align="center", stand="bottom")),
                            (0.2, Rule(tone="ink")),
                            (0.5, text("{date_label}", "sign_label", 0.024, tone="muted",
                                       align="center")),
                        )),
                        (0.7, Art(name="seal")),
                        (1.0, column(
                            (0.8, text("{signed}", "sign", 0.03, voice="hand", align="center",
                                       stand="bottom")),
                            (0.2, Rule(tone="ink")),
                            (0.5, text("{signed_label}", "sign_label", 0.024, tone="muted",
                                       align="center")),
                        )),
                        gap=0.03,
                    ),
                ),
                gap=0.008,
            ),
        ),
    )
)  # fmt: skip


@template("certificate", _CERTIFICATE, en="a certificate", zh="荣誉证书", ratios=(1.15, 1.9),
          smallest=384, palettes=("cream", "paper", "ocean", "rose"), looks=(1,))  # fmt: skip
def _certificate(rng: Random, language: Language) -> Values:
    said = {
        "en": {
            "title": rng.choice(("Certificate of Merit", "Certificate of Completion")),
            "given": "This certificate is presented to",
            "reason": rng.choice((
                "for outstanding work in the summer course of 40 hours in watercolour painting",
                "for first place in the city chess tournament, with seven wins in seven rounds",
            )),
            "date_label": "Date",
            "signed_label": "Director",
        },
        "zh": {
            "title": rng.choice(("荣誉证书", "结业证书")),
            "given": "兹授予",
            "reason": rng.choice((
                "在四十课时的水彩画暑期课程中成绩优异，特发此证，以资鼓励。",
                "在全市象棋比赛中七战七胜，荣获第一名，特发此证。",
            )),
            "date_label": "日期",
            "signed_label": "校长",
        },
    }  # fmt: skip
    return {
        **said[language],
        "name": people.name(rng, language),
        "date": calendar.long(calendar.day(rng), language),
        "signed": people.name(rng, language),
    }
