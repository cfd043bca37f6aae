"""Rules of text: what counts, what matches, what the cheapest pairing is."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.evaluation.readings import in_order
from danqing.evaluation.words import (
    cheapest,
    has_chinese,
    overlap,
    spaced,
    unlikeness,
    unspaced,
    without,
)


def test_punctuation_vanishes_and_parts_no_words():
    assert spaced("  It's a  well-known\nplace: «Café», 24/7! ") == "Its a wellknown place Café 247"
    assert spaced("Niño") == "Nio"
    assert unspaced("你好， World 1！") == "你好World1"


def test_what_a_chat_says_of_its_own_accord_is_taken_out():
    assert without("addCriterion open No text recognized.") == " open ."
    assert without("addCriterion open", ("open",)) == "addCriterion "


def test_each_word_that_was_read_serves_once():
    assert overlap(["a", "b"], ["a", "a", "c"]) == 1
    assert overlap("好好学", "好好好") == 2
    assert has_chinese("a好")
    assert not has_chinese("é，")


@given(st.text(max_size=8), st.text(max_size=8))
def test_unlikeness_is_symmetric_and_a_share(a, b):
    assert unlikeness(a, b) == unlikeness(b, a)
    assert 0 <= unlikeness(a, b) <= 1
    assert (unlikeness(a, b) == 0) == (a == b)


def tables(width):
    row = st.lists(st.floats(0, 1), min_size=width, max_size=width)
    return st.lists(row, min_size=1, max_size=4)


@given(st.integers(1, 4).flatmap(tables))
def test_the_cheapest_pairing_is_that_of_trying_all(costs):
    tall = costs if len(costs) >= len(costs[0]) else list(zip(*costs, strict=True))
    tried = (
        sum(tall[row][column] for column, row in enumerate(rows))
        for rows in permutations(range(len(tall)), len(tall[0]))
    )
    assert cheapest(costs) == pytest.approx(min(tried), abs=1e-9)


def test_nothing_costs_nothing():
    assert cheapest([]) == cheapest([[]]) == 0.0


def test_lines_are_read_from_top_to_bottom_and_those_beside_each_other_from_the_left():
    def line(text, left, top):
        right, bottom = left + 40, top + 20
        return {"text": text, "box": [[left, top], [right, top], [right, bottom], [left, bottom]]}

    lines = [line("d", 0, 62), line("b", 100, 8), line("c", 50, 60), line("a", 10, 12)]
    assert in_order({"lines": lines}) == ["a", "b", "d", "c"]
    assert in_order({"lines": []}) == []
