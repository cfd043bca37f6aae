"""Probabilities of answers: exact where they can be, and bounded where they cannot."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.scorers.chances import chance, official_chance, spellings
from danqing.scorers.chat import Place


def at(token, likely):
    return Place(token, {t: math.log(p) for t, p in likely.items()})


def near(value, unsure=0.0):
    return pytest.approx((value, unsure), abs=1e-9)


def told(*places, answer):
    found = chance(places, answer)
    return found.value, found.unsure


def test_all_spellings_count_and_each_token_once():
    first = at("Yes", {"Yes": 0.5, "yes": 0.125, " Yes": 0.125, "▁YES": 0.05, "Ġyes": 0.05,
                       "No": 0.1, "Y": 0.025})  # fmt: skip
    assert told(first, answer="yes") == near(0.85, 0.05)  # "Y" may go on, and 0.025 are not told


def test_digits_are_words():
    first = at("7", {"7": 0.4, "seven": 0.2, " Seven": 0.2, "8": 0.1, "７": 0.1})
    assert told(first, answer="seven") == near(0.9)
    assert told(first, answer="7") == near(0.9)
    assert told(first, answer="eight") == near(0.1)


def test_a_space_alone_is_only_the_beginning():
    first = at(" ", {" ": 0.8, "seven": 0.2})
    then = at("7", {"7": 0.75, "8": 0.25})
    end = at("<|im_end|>", {"<|im_end|>": 1.0})
    assert told(first, then, end, answer="seven") == near(0.2 + 0.8 * 0.75)
    assert told(first, answer="seven") == near(0.2, 0.8)
    # The benchmark's own script believes the space.
    split = {" 7": " ", " seven": " seven"}
    sum_ = official_chance(first, spellings("seven"), lambda text: split.get(text, text))
    assert sum_ == pytest.approx(1.0)


def test_an_answer_that_goes_on_is_another_one():
    one = at("1", {"1": 1.0})
    assert told(one, at("0", {"0": 0.9, "<|im_end|>": 0.1}), answer="one") == near(0.1)
    ten = [one, at("0", {"0": 0.9, "<|im_end|>": 0.1}), at(".", {".": 1.0})]
    assert chance(ten, "ten").value == pytest.approx(0.9)
    assert told(at("seven", {"seven": 1.0}), at("teen", {"teen": 1.0}), answer="seven") == near(0.0)


def test_nothing_told_is_nothing():
    assert chance([], "yes") is None
    assert told(at("No", {"No": 0.99}), answer="yes") == near(0.0, 0.01)


def test_the_official_sum_is_over_the_listed_spellings():
    assert set(spellings("seven")) == {"seven", "Seven", " seven", " Seven", "7", " 7"}
    assert set(spellings("yes")) == {"yes", "Yes", " yes", " Yes"}
    first = at("Yes", {"Yes": 0.5, " yes": 0.25, "YES": 0.125})
    assert official_chance(first, spellings("yes")) == pytest.approx(0.75)


tokens = st.sampled_from(["Yes", "yes", " y", "es", "e", "s", " ", "", "No", ".", "7", "se", "ven"])


@st.composite
def distributions(draw):
    weights = draw(st.dictionaries(tokens, st.floats(0.01, 1), min_size=1))
    total = sum(weights.values()) * draw(st.floats(1, 3))
    likely = {token: math.log(weight / total) for token, weight in weights.items()}
    return Place(draw(st.sampled_from(sorted(likely))), likely)


@given(st.lists(distributions(), min_size=1, max_size=4), st.sampled_from(["yes", "no", "seven"]))
def test_a_chance_is_a_probability_and_more_places_leave_less_unsure(places, answer):
    found = [chance(places[: n + 1], answer) for n in range(len(places))]
    for one in found:
        assert 0 <= one.value <= 1
        assert 0 <= one.unsure <= 1 - one.value + 1e-12
    for before, after in pairwise(found):
        high = before.value + before.unsure
        assert after.value + after.unsure <= high + 1e-9


@given(distributions())
def test_chances_of_different_answers_share_no_token(first):
    values = [chance([first], answer).value for answer in ("yes", "no", "seven")]
    assert sum(values) <= 1 + 1e-9
