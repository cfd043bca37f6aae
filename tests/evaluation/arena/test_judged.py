"""Judges of known character, and what their votes become."""

import numpy as np
import pytest

from danqing.core.errors import DownloadError, RecipeError
from danqing.evaluation.arena.board import votes_of
from danqing.evaluation.arena.gold import careless
from danqing.evaluation.arena.judged import QUESTION, vote
from danqing.evaluation.arena.ratings import rate
from danqing.scorers.chat import Answer
from danqing.scorers.judge import Judge

from .conftest import MODELS


def darker(question):
    """Prefers the darker picture, and so the first model; and to disorder the white box."""
    a, b = (np.asarray(image, float) for image in question.images)
    if np.array_equal(a, b):
        return "tie"
    if np.isclose(a.mean(), b.mean(), atol=0.5):  # one is the other in disorder
        box = (slice(4, 12), slice(4, 16))
        return "A" if a[box].mean() > b[box].mean() else "B"
    return "A" if a.mean() < b.mean() else "B"


def always_left(question):
    return "A"


@pytest.fixture
def judge(witness):
    return lambda say: Judge(witness(say))


def test_a_judge_ranks_the_models_by_what_it_likes(store, judge):
    dark = judge(darker)
    assert vote(store, dark, "darker", 40, gold=0.0) == 40
    assert (dark.counts["pairs"], dark.counts["pairs in disagreement"]) == (40, 0)
    votes = store.votes()
    assert {cast.judge for cast in votes} == {"darker"}
    rated = rate(votes_of(votes), resamples=20)
    assert [row.name for row in rated.rows] == list(MODELS)


def test_a_judge_that_likes_a_side_says_ties(store, judge):
    left = judge(always_left)
    vote(store, left, "left", 20, gold=0.0)
    assert left.counts["pairs by place"] == 20
    assert {cast.choice for cast in store.votes()} == {"tie"}
    assert {row.elo for row in rate(votes_of(store.votes()), resamples=20).rows} == {1000.0}


@pytest.mark.parametrize(
    ("said", "choice", "reasons"),
    [
        (("A", "B"), "a", ()),
        (("B", "A"), "b", ()),
        (("tie", "tie"), "tie", ()),
        (("bad", "bad"), "bad", ()),
        (("bad", "[[D]]"), "bad", ()),
        (("A", "A"), "tie", ()),
        (("B", "tie"), "tie", ()),
        (("bad", "A"), "tie", ()),
        (("Hm.",), "tie", ("unreadable",)),
        ((Answer(None, trouble="unsafe"), "A"), "tie", ("refused",)),
    ],
)
def test_both_answers_are_about_pictures(said, choice, reasons, store, judge):
    answers = iter(said)
    strange = judge(lambda question: next(answers, "Hm."))
    assert vote(store, strange, "strange", 1, gold=0.0) == 1
    (cast,) = store.votes()
    assert (cast.choice, cast.reasons) == (choice, reasons)
    assert strange.counts["pairs"] == (not reasons)


def test_a_judge_is_told_the_prompt_and_sees_both_orders(store, judge):
    asked = []
    vote(store, judge(lambda q: asked.append(q) or "tie"), "eyes", 1, gold=0.0)
    first, second = asked
    (cast,) = store.votes()
    assert first.text == second.text == QUESTION.replace("{prompt}", cast.prompt)
    assert cast.prompt in first.text
    assert [image.tobytes() for image in first.images] == [
        image.tobytes() for image in reversed(second.images)
    ]


def test_a_judge_goes_on_where_it_was_stopped_and_ends_when_all_is_seen(store, judge):
    away = judge(lambda question: Answer(None, trouble="gone", lost=True))
    assert vote(store, judge(darker), "darker", 5) == 5
    with pytest.raises(DownloadError, match=r"gave no answer \(gone\); run this again"):
        vote(store, away, "darker", 10)
    seen = []
    assert vote(store, judge(darker), "darker", 12, watch=lambda *n: seen.append(n)) == 7
    assert seen[-1] == (12, 12)
    vote(store, judge(darker), "darker", 10_000)
    assert len({cast.voter for cast in store.votes()}) == 1
    assert sum(cast.gold is None for cast in store.votes()) == 42


def test_judges_meet_gold_pairs_too(store, judge):
    vote(store, judge(always_left), "left", 10_000, gold=0.4)
    vote(store, judge(darker), "darker", 10_000, gold=0.4)
    flagged = careless(store.votes())
    judges = {cast.voter: cast.judge for cast in store.votes()}
    # Identical pictures are a tie to one that contradicts itself; ruined ones give it away.
    assert {judges[voter] for voter in flagged} == {"left"}


def test_a_judge_is_no_person_and_no_person_can_vote_as_one(store, judge):
    with pytest.raises(RecipeError, match="name must be a model's"):
        vote(store, judge(darker), "people", 1)
    vote(store, judge(darker), "darker", 1)
    assert store.voter("judge darker") is None
