"""What was preferred is what most careful voters preferred, whichever side it was on."""

import pytest

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.preferred import preferences
from danqing.evaluation.arena.store import Store

from .test_pairs import honest, play


def hashes(store):
    return {row["id"]: row["sha256"] for row in store.rows("SELECT id, sha256 FROM pictures")}


def vote(store, first, second, choice):
    """Let a new voter say what is better of two pictures."""
    secret = store.join()
    voter = store.voter(secret)
    with store.asking(voter):
        pair = store.ask(voter, first, second)
    assert store.vote(voter, pair.token, choice)


@pytest.fixture
def two(store):
    """Two pictures of one prompt."""
    rows = store.rows("SELECT id FROM pictures WHERE prompt = 1 AND contestant IS NOT NULL")
    return [row["id"] for row in rows[:2]]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("ab", (2, 0)),
        ("aaa", (2, 1)),
        ("aa", None),
        (["a", "tie", "bad"], (1, 0)),
    ],
)
def test_votes_on_two_pictures_count_together(store, two, choices, expected):
    """Every other voter has them the other way round."""
    for number, choice in enumerate(choices):
        vote(store, *(two if number % 2 == 0 else reversed(two)), choice)
    if expected is None:
        with pytest.raises(RecipeError, match="judge must be one who preferred a picture"):
            preferences(store)
        return
    (found,) = preferences(store)
    assert found.votes == expected
    assert (found.chosen, found.rejected) == tuple(hashes(store)[one] for one in two)
    assert found.prompt == "thing number 0"


def test_careless_voters_and_other_judges_do_not_count(store):
    play(store, store.voter(store.join()), 60, lambda *_: "a", gold=0.3)
    with pytest.raises(RecipeError, match="got 'people'; vote first"):
        preferences(store)
    play(store, store.voter(store.join()), 30, honest, gold=0.3)
    assert preferences(store)
    with pytest.raises(RecipeError, match="got 'darker'"):
        preferences(store, "darker")


def test_a_preferred_picture_is_at_hand(arena, two, store):
    vote(store, *two, "b")
    (found,) = preferences(store)
    with Store(arena) as other:
        assert other.picture(found.chosen).startswith(b"\x89PNG")
