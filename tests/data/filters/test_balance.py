"""Rows among rows: few of what is common, all of what is rare."""

import pytest

from danqing.data.filters import Batch, filters
from danqing.data.filters.balance import category
from danqing.data.filters.base import Listed


def columns(captions):
    return Batch(
        {
            "key": [f"s/{i}" for i in range(len(captions))],
            "raw": captions,
            "recaption": [None] * len(captions),
            "fused": [None] * len(captions),
        },
        256,
    )


def kept(part, captions):
    found = part.compare(Listed(part.sketch(columns(captions))))
    return [
        caption for caption, m in zip(captions, found, strict=True) if not part.cut.reason(m.value)
    ]


def test_common_categories_are_thinned_by_the_square_root():
    captions = ["a cat"] * 9000 + ["a poster"] * 900 + ["a cake"] * 100
    left = kept(filters["balance"](target=0.1), captions)
    assert left.count("a cake") == 100
    assert left.count("a poster") == 900
    assert left.count("a cat") == pytest.approx(9000 * (0.1 / 0.9) ** 0.5, rel=0.05)


def test_captions_with_rare_words_stay():
    captions = ["a b"] * 5000 + ["a b zebra"] * 20
    left = kept(filters["rare_words"](threshold=0.01), captions)
    assert left.count("a b zebra") == 20
    assert left.count("a b") == pytest.approx(5000 * 0.1, rel=0.15)


def test_a_lot_depends_on_the_key_alone():
    captions = ["a cat"] * 1000
    one = kept(filters["balance"](target=0.1), captions)
    assert kept(filters["balance"](target=0.1), captions) == one
    assert len(kept(filters["balance"](target=0.2), captions)) > len(one)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a portrait of an old man", "portrait"),
        ("two dogs", "animal"),
        ("海报上写着春天", "design"),
        ("a manual", "object"),
        ("", "object"),
    ],
)
def test_words_tell_the_category(text, name):
    assert category(text, filters["balance"]().keywords) == name
