"""Answers that heed their parents, and the share of those that hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.evaluation.benchmark import Ask, Item
from danqing.evaluation.checklist import checked, heeded, unseen
from danqing.evaluation.table import by_prompt
from danqing.scorers.base import Score

PARENTS = {1: [], 2: [1], 3: [2], 4: [1, 3], 5: []}


def walked(answers, parents, **how):
    return heeded({number: float(value) for number, value in answers.items()}, parents, **how)


def test_no_to_a_parent_is_no_to_all_below_it():
    assert walked({1: 0, 2: 1, 3: 1, 4: 1, 5: 1}, PARENTS) == {1: 0, 2: 0, 3: 0, 4: 0, 5: 1}
    assert walked({1: 1, 2: 1, 3: 0, 4: 1, 5: 0}, PARENTS) == {1: 1, 2: 1, 3: 0, 4: 0, 5: 0}
    assert walked(dict.fromkeys(PARENTS, 1), PARENTS) == dict.fromkeys(PARENTS, 1)


def test_no_may_also_reach_children_alone():
    answers = {1: 0, 2: 1, 3: 1, 4: 1, 5: 1}
    assert walked(answers, PARENTS, onward=False) == {1: 0, 2: 0, 3: 1, 4: 0, 5: 1}


def test_questions_are_walked_in_their_order():
    # A child that stands before its parent does not see the parent set to 0.
    assert walked({3: 1, 1: 0, 2: 1}, {3: [2], 1: [], 2: [1]}) == {3: 1, 1: 0, 2: 0}


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    answers = {n: float(draw(st.booleans())) for n in range(count)}
    parents = {n: draw(st.lists(st.integers(0, count - 1), max_size=3)) for n in range(count)}
    return answers, parents


@given(graphs())
def test_heeding_only_takes_away_and_more_so_onward(graph):
    answers, parents = graph
    near, far = heeded(answers, parents, onward=False), heeded(answers, parents)
    assert all(far[n] <= near[n] <= answers[n] for n in answers)
    # Where every parent was answered yes, nothing is taken away.
    assert all(near[n] == answers[n] for n in answers if all(answers[p] for p in parents[n]))


def test_what_cannot_be_read_does_not_hold():
    score = checked(["a?", "b?", "c?"], [True, None, False], more=1)
    assert score.value == pytest.approx(1 / 3)
    assert score.reason == "not so: b? c?"
    assert score.details == {"yes": 1, "questions": 3, "unread": 1, "more": 1}
    assert checked(["a?"], [True]).reason == "all hold"
    assert unseen("official", ["a?"]).value is None
    assert unseen("fixed", ["a?"]).details == {"yes": 0, "questions": 1, "unread": 0}


def test_each_prompt_weighs_the_same_by_prompt():
    def item(id, value):
        return Item(Ask(id=id, prompt="", category=""), 0, None, None, None, Score(value, ""))

    row = by_prompt("x", [item("a", 1.0), item("a", 0.0), item("b", 1.0), item("b", None)])
    assert (row.score, row.count) == (0.75, 3)
    low, high = row.interval
    assert 0.5 <= low <= 0.75 <= high <= 1.0
    assert by_prompt("x", [item("a", None)]).score is None
