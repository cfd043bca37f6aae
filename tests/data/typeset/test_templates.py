"""Scenario templates: all of them draw, in both languages, and their formats are exact."""

import datetime
import re
from collections import defaultdict
from random import Random

import pytest

from danqing.data.typeset.colors import contrast
from danqing.data.typeset.complex import complex_page
from danqing.data.typeset.content import money
from danqing.data.typeset.fonts import faces
from danqing.data.typeset.placed import Refused
from danqing.data.typeset.templates.arrange import boxes
from danqing.data.typeset.templates.catalog import templates
from danqing.data.typeset.templates.nodes import Each, Stack, column, fill, row, text
from danqing.data.typeset.templates.theme import PALETTES

OURS = faces()


def page(name, language, seed=0, side=None):
    """Return a page at the least size of its template, give or take a draw."""
    template = templates[name]
    side = side or template.smallest * 1.1
    for attempt in range(12):
        rng = Random(f"{name} {language} {seed} {attempt}")
        low, high = template.ratios
        ratio = (low * high) ** 0.5
        size = round(side * ratio**0.5), round(side / ratio**0.5)
        try:
            return complex_page(rng, size, language, OURS, [name])
        except Refused:
            side *= 1.1
    raise AssertionError(f"{name} was refused")


def texts(picture, role):
    return [string.text for string in picture.strings if string.role == role]


def test_there_are_scenarios_enough():
    assert len(templates) >= 18
    for wanted in ("product advertisement", "event poster", "menu", "bilingual travel guide",
                   "invoice", "certificate", "official document", "comic", "settings",
                   "bullet slide"):  # fmt: skip
        assert wanted in templates


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", templates)
def test_a_template_draws_at_its_least_size_with_one_size_a_role(name, language):
    picture = page(name, language)
    sizes, colors = defaultdict(set), defaultdict(set)
    for string in picture.strings:
        sizes[string.role].add(string.size)
        colors[string.role].add(string.color)
        assert "{" not in string.text
        assert string.size >= 9
    assert all(len(found) == 1 for found in sizes.values()), sizes
    languages = {string.language for string in picture.strings}
    assert language in languages
    if templates[name].both:
        assert languages == {"en", "zh"}


@pytest.mark.parametrize("name", PALETTES)
def test_palettes_can_be_read(name):
    palette = PALETTES[name]
    for ground in (palette.ground, palette.panel):
        assert contrast(palette.ink, ground) >= 7
        assert contrast(palette.muted, ground) >= 4.5
        assert contrast(palette.accent, ground) >= 3
    assert contrast(palette.on_accent, palette.accent) >= 4.5


def cents(amount):
    return int(re.sub(r"[^0-9]", "", amount))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", range(4))
def test_invoices_add_up_and_their_numbers_stand_flush_right(language, seed):
    picture = page("invoice", language, seed)
    cells = texts(picture, "cell")
    rows = [cells[i : i + 4] for i in range(0, len(cells), 4)]
    for _, count, price, total in rows:
        assert int(count) * cents(price) == cents(total)
    _, subtotal, tax_label, tax = texts(picture, "sum")
    _, grand = texts(picture, "grand")
    percent = int(re.search(r"(\d+)%", tax_label)[1])
    assert cents(subtotal) == sum(cents(total) for *_, total in rows)
    assert cents(tax) == (cents(subtotal) * percent + 50) // 100
    assert cents(grand) == cents(subtotal) + cents(tax)
    placed = [s for s in picture.strings if s.role == "cell"]
    for column_number in (1, 2, 3):
        rights = [s.polygon[2][0] for s in placed[column_number::4]]
        assert max(rights) - min(rights) <= 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_receipts_add_up(language):
    picture = page("receipt", language)
    items = texts(picture, "item")
    totals = [cents(item) for item in items[2:-4:3]]
    assert cents(items[-3]) == sum(totals)
    assert cents(texts(picture, "total")[1]) == cents(items[-3]) + cents(items[-1])


def test_a_calendar_page_is_that_month():
    for seed in range(4):
        picture = page("calendar", "zh", seed)
        month, year = texts(picture, "title")
        first = datetime.date(int(year), int(month[:-1]), 1)
        days = [string for string in picture.strings if string.role == "day"]
        assert [int(day.text) for day in days] == list(range(1, len(days) + 1))
        assert (first + datetime.timedelta(days=len(days))).day == 1
        heads = [string for string in picture.strings if string.role == "weekday"]
        middle = sum(x for x, _ in days[0].polygon) / 4
        head = min(heads, key=lambda h: abs(sum(x for x, _ in h.polygon) / 4 - middle))
        assert head.text == "一二三四五六日"[first.weekday()]


def test_sums_of_an_examination_have_whole_answers():
    for line in texts(page("examination paper", "en"), "sum"):
        left, sign, right = re.search(r"(\d+) ([-+×÷]) (\d+) =", line).groups()
        assert sign != "÷" or int(left) % int(right) == 0


def test_amounts_are_written_as_money():
    assert money.amount(0) == "0.00"
    assert money.amount(123_456_789, "$") == "$1,234,567.89"
    assert money.Bill((money.Entry("a", 3, 105),), 10).total == 315 + 32


def test_filling_replaces_words_and_nothing_else():
    tree = column(
        (1.0, text("{a} and {b}", "title", 0.1, align="right")),
        (2.0, Each(of="rows", room=4, node=row((1.0, text("{c}", "cell", 0.1)), gap=0.5))),
        pad=(0.1, 0.2),
    )
    filled = fill(tree, {"a": "x", "b": "{c}", "rows": [{"c": "1"}, {"c": "2"}]})
    assert isinstance(filled, Stack)
    (first, title), (second, rows) = filled.parts
    assert (first, second, filled.pad) == (1.0, 2.0, (0.1, 0.2))
    assert (title.text, title.align) == ("x and {c}", "right")
    assert [weight for weight, _ in rows.parts] == [1.0, 1.0, 2.0]
    assert rows.parts[0][1].gap == 0.5


def test_boxes_share_their_room_by_weights():
    tree = row((1.0, text("a", "x", 0.1)), (3.0, text("b", "x", 0.1)), gap=0.1, pad=(0.05, 0.1))
    found = [box for _, box in boxes(tree, (0.0, 0.0, 110.0, 60.0), 100.0)]
    assert found[0] == pytest.approx((5.0, 10.0, 27.5, 50.0))
    assert found[1] == pytest.approx((37.5, 10.0, 105.0, 50.0))
