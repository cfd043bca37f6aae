"""Judges of known character, and what their votes become."""

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.board import votes_of
from danqing.evaluation.arena.gold import careless
from danqing.evaluation.arena.judged import PairJudge, ask_both, vote
from danqing.evaluation.arena.ratings import rate

from .conftest import MODELS


def darker(prompt, image_a, image_b):
    """Prefers the darker picture, and so the first model; and to disorder the white box."""
    a, b = (np.asarray(image, float) for image in (image_a, image_b))
    if np.array_equal(a, b):
        return "tie"
    if np.isclose(a.mean(), b.mean(), atol=0.5):  # one is the other in disorder
        box = (slice(4, 12), slice(4, 16))
        return "a" if a[box].mean() > b[box].mean() else "b"
    return "a" if a.mean() < b.mean() else "b"


def always_left(prompt, image_a, image_b):
    return "a"


def test_a_judge_ranks_the_models_by_what_it_likes(store):
    told = vote(store, darker, "darker", 40, gold=0.0)
    assert (told.votes, told.agreed, told.first) == (40, 40, 0)
    votes = store.votes()
    assert {cast.judge for cast in votes} == {"darker"}
    rated = rate(votes_of(votes), resamples=20)
    assert [row.name for row in rated.rows] == list(MODELS)


def test_a_judge_that_likes_a_side_says_ties(store):
    told = vote(store, always_left, "left", 20, gold=0.0)
    assert (told.votes, told.agreed, told.first) == (20, 0, 20)
    assert {cast.choice for cast in store.votes()} == {"tie"}
    assert {row.elo for row in rate(votes_of(store.votes()), resamples=20).rows} == {1000.0}


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("a", "b", ("a", "a")),
        ("b", "a", ("b", "b")),
        ("tie", "tie", ("tie", "tie")),
        ("bad", "bad", ("bad", "bad")),
        ("a", "a", ("a", "b")),
        ("b", "tie", ("b", "tie")),
    ],
)
def test_both_answers_are_about_pictures(first, second, both):
    answers = iter([first, second])
    image = Image.new("RGB", (8, 8))
    assert ask_both(lambda *_: next(answers), "prompt", image, image) == both


def test_a_judge_goes_on_where_it_was_stopped_and_ends_when_all_is_seen(store):
    def tired(prompt, image_a, image_b):
        raise ConnectionError("no answer")

    assert vote(store, darker, "darker", 5).votes == 5
    with pytest.raises(ConnectionError):
        vote(store, tired, "darker", 10)
    seen = []
    assert vote(store, darker, "darker", 12, watch=lambda *n: seen.append(n)).votes == 7
    assert seen[-1] == (12, 12)
    vote(store, darker, "darker", 10_000)
    assert len({cast.voter for cast in store.votes()}) == 1
    assert sum(cast.gold is None for cast in store.votes()) == 42


def test_judges_meet_gold_pairs_too(store):
    vote(store, always_left, "left", 10_000, gold=0.4)
    vote(store, darker, "darker", 10_000, gold=0.4)
    flagged = careless(store.votes())
    judges = {cast.voter: cast.judge for cast in store.votes()}
    # Identical pictures are a tie to one that contradicts itself; ruined ones give it away.
    assert {judges[voter] for voter in flagged} == {"left"}


def test_a_judge_is_no_person_and_no_person_can_vote_as_one(store):
    with pytest.raises(RecipeError, match="name must be a model's"):
        vote(store, darker, "people", 1)
    vote(store, darker, "darker", 1)
    assert store.voter("judge darker") is None
    assert isinstance(darker, PairJudge)
