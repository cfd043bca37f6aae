"""Which pairs come: those that teach, on both sides alike, and some whose answer is known."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from danqing.evaluation.arena.gold import careless
from danqing.evaluation.arena.pairs import gains, next_pair

from .conftest import PROMPTS


def play(store, voter, votes, answer, **rules):
    draw = Random(voter)
    for _ in range(votes):
        pair = next_pair(store, voter, draw=draw, **rules)
        if pair is None:
            return
        store.vote(voter, pair.token, answer(store, pair, draw))


def shown(store, pair):
    """The rows of a pair's two pictures."""
    query = "SELECT * FROM pictures WHERE id = (SELECT {} FROM pairs WHERE id = ?)"
    return [store.rows(query.format(side), (pair.id,))[0] for side in "ab"]


def honest(store, pair, draw):
    """The earlier contestant is always better; identical pictures tie; ruined ones lose."""
    a, b = shown(store, pair)
    if a["id"] == b["id"]:
        return "tie"
    if a["ruined"] or b["ruined"]:
        return "b" if a["ruined"] else "a"
    return "a" if a["contestant"] < b["contestant"] else "b"


def test_a_voter_sees_every_pair_of_contestants_on_every_prompt_once_and_then_is_done(store):
    voter = store.voter(store.join())
    play(store, voter, 1_000, honest, gold=0.0)
    met = Counter((cast.prompt, *sorted((cast.a, cast.b))) for cast in store.votes())
    assert len(met) == 3 * PROMPTS
    assert set(met.values()) == {1}
    assert next_pair(store, voter) is None


def test_both_pictures_are_of_one_prompt_and_sides_are_even(store):
    for _ in range(2):
        play(store, store.voter(store.join()), 42, honest, gold=0.0)
    votes = store.votes()
    first = sum(cast.a < cast.b for cast in votes)
    assert 0.35 < first / len(votes) < 0.65
    prompts = store.rows(
        "SELECT pa.prompt AS a, pb.prompt AS b FROM pairs JOIN pictures pa ON pa.id = a "
        "JOIN pictures pb ON pb.id = b"
    )
    assert all(row["a"] == row["b"] for row in prompts)


def test_prompts_take_turns(store):
    for _ in range(3):
        play(store, store.voter(store.join()), 14, honest, gold=0.0)
    counts = Counter((*sorted((cast.a, cast.b)), cast.prompt) for cast in store.votes())
    for rivals in {key[:2] for key in counts}:
        per_prompt = [n for key, n in counts.items() if key[:2] == rivals]
        per_prompt += [0] * (PROMPTS - len(per_prompt))
        assert max(per_prompt) - min(per_prompt) <= 1


def test_newcomers_and_near_rivals_teach_more_than_what_is_settled():
    wins = np.array([[0, 50, 95, 0], [50, 0, 95, 0], [5, 5, 0, 1], [0, 0, 1, 0]], float)
    gain = gains(wins)
    assert gain == pytest.approx(gain.T)
    assert np.diag(gain) == pytest.approx([0] * 4)
    assert gain[2, 3] > gain[0, 1] > 0
    near = np.array([[0, 50, 50], [50, 0, 50], [50, 50, 0]], float)
    far = np.array([[0, 50, 99.5], [50, 0, 99.5], [0.5, 0.5, 0]], float)
    assert gains(near)[0, 1] > 0
    assert gains(far * 20)[0, 2] < gains(far)[0, 2]


def test_choosing_adaptively_makes_uneven_arenas_even(store):
    """Two contestants have met often; the third is new and is shown more from then on."""
    veteran = store.voter(store.join())
    ids = [row["id"] for row in store.rows("SELECT id FROM pictures WHERE contestant IN (1, 2)")]
    for number in range(60):
        with store.asking(veteran):
            pair = store.ask(veteran, ids[number % PROMPTS], ids[PROMPTS + number % PROMPTS])
        store.vote(veteran, pair.token, "ab"[number % 2])
    fresh = store.voter(store.join())
    play(store, fresh, 14, honest, gold=0.0)
    newcomer = [cast for cast in store.votes() if cast.voter == fresh]
    assert sum("zeppelin-xl" in (cast.a, cast.b) for cast in newcomer) >= 11


def test_gold_pairs_come_at_their_rate_and_change_no_rating(store):
    voters = [store.voter(store.join()) for _ in range(3)]
    for voter in voters:
        play(store, voter, 40, honest, gold=0.25)
    votes = store.votes()
    kinds = Counter(cast.gold for cast in votes)
    assert 0.15 < (kinds["identical"] + kinds["obvious"]) / len(votes) < 0.35
    assert min(kinds["identical"], kinds["obvious"]) > 5
    assert all(cast.right is True for cast in votes if cast.gold)
    assert all(cast.right is None for cast in votes if not cast.gold)
    assert careless(votes) == {}


@pytest.mark.parametrize(
    "answer",
    [
        lambda store, pair, draw: "a",
        lambda store, pair, draw: draw.choice(["a", "b"]),
        lambda store, pair, draw: "bad",
    ],
    ids=["always left", "by chance", "always bad"],
)
def test_careless_voters_are_flagged_and_careful_ones_are_not(store, answer):
    good, lazy = (store.voter(store.join()) for _ in range(2))
    play(store, good, 42, honest, gold=0.4)
    play(store, lazy, 42, answer, gold=0.4)
    flagged = careless(store.votes())
    assert set(flagged) == {lazy}
    right, asked = flagged[lazy]
    assert right < asked


def test_one_slip_is_forgiven(store):
    slips = iter([True])
    voter = store.voter(store.join())

    def human(store, pair, draw):
        a, b = shown(store, pair)
        return "a" if a["id"] == b["id"] and next(slips, False) else honest(store, pair, draw)

    play(store, voter, 42, human, gold=0.4)
    assert sum(cast.right is False for cast in store.votes()) == 1
    assert careless(store.votes()) == {}
