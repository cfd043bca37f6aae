"""The worked example, what must not matter, and intervals that cover as often as they say."""

from itertools import combinations

import numpy as np
import pytest

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.pairs import gains
from danqing.evaluation.arena.ratings import (
    Vote,
    bradley_terry,
    connected,
    rate,
    win_probability,
    with_virtual_ties,
)

WORKED = {"AB": (2, 3), "AD": (1, 4), "BC": (5, 3), "CD": (1, 3)}


def worked_votes():
    for (a, b), (mine, theirs) in WORKED.items():
        for number in range(mine + theirs):
            score = 1.0 if number < mine else 0.0
            yield Vote(a, b, score, prompt=f"{a}{b}{number}", voter=number % 2)


def test_the_worked_example_is_reproduced():
    wins = np.zeros((4, 4))
    for (a, b), (mine, theirs) in WORKED.items():
        wins["ABCD".index(a), "ABCD".index(b)] = mine
        wins["ABCD".index(b), "ABCD".index(a)] = theirs
    assert bradley_terry(wins) == pytest.approx([0.640, 1.043, 0.660, 2.270], abs=5e-4)
    rated = rate(worked_votes(), resamples=50)
    assert [row.name for row in rated.rows] == ["D", "B", "C", "A"]
    assert rated.rows[0].elo == pytest.approx(1000 + 400 * np.log10(2.270), abs=0.05)
    assert rated.linked
    assert rated.votes == 22
    assert rated.rows[0].votes == 9
    assert rated.wins["B", "C"] == 5


def test_two_contestants_have_the_ratio_of_their_wins():
    assert bradley_terry(np.array([[0.0, 9.0], [1.0, 0.0]])) == pytest.approx([3, 1 / 3])


def test_strengths_satisfy_the_likelihood_equation():
    wins = np.random.default_rng(0).integers(1, 20, (3, 6, 6)).astype(float)
    wins[:, range(6), range(6)] = 0
    strength = bradley_terry(wins)
    chance = strength[:, :, None] / (strength[:, :, None] + strength[:, None, :])
    expected = ((wins + wins.swapaxes(1, 2)) * chance).sum(2)
    assert expected == pytest.approx(wins.sum(2), rel=1e-6)
    assert np.log(strength).mean(1) == pytest.approx([0] * 3, abs=1e-12)


def test_neither_the_order_of_votes_nor_sides_matter():
    votes = list(worked_votes())
    shuffled = [votes[i] for i in np.random.default_rng(0).permutation(len(votes))]
    turned = [Vote(v.second, v.first, 1 - v.score, v.prompt, v.voter) for v in votes]
    plain = rate(votes, resamples=50)
    assert rate(shuffled, resamples=50) == plain
    for a, b in zip(rate(turned, resamples=200).rows, rate(votes, resamples=200).rows, strict=True):
        assert (a.name, a.rank) == (b.name, b.rank)
        assert a.elo == pytest.approx(b.elo)
        assert a.by_prompt == pytest.approx(b.by_prompt, abs=60)


def test_names_are_only_names():
    new = dict(zip("ABCD", "WXYZ", strict=True))
    renamed = [v._replace(first=new[v.first], second=new[v.second]) for v in worked_votes()]
    for a, b in zip(
        rate(renamed, resamples=50).rows, rate(worked_votes(), resamples=50).rows, strict=True
    ):
        assert a.name == new[b.name]
        assert a.elo == pytest.approx(b.elo)
        assert (a.by_prompt, a.by_voter, a.rank) == (b.by_prompt, b.by_voter, b.rank)


def test_a_tie_is_half_a_win_each():
    tied = [Vote("a", "b", 0.5, i, 0) for i in range(8)]
    split = [Vote("a", "b", float(i % 2), i, 0) for i in range(8)]
    assert [r.elo for r in rate(tied).rows] == pytest.approx([1000, 1000])
    assert [r.elo for r in rate(split).rows] == pytest.approx([1000, 1000])
    (first, _), (loose, _) = rate(tied).rows, rate(split).rows
    assert first.by_prompt == pytest.approx((1000, 1000))
    assert loose.by_prompt.high > 1050


def test_a_contestant_that_always_wins_is_rated_with_virtual_ties_and_it_is_said():
    votes = [Vote("king", "man", 1.0, i, 0) for i in range(5)]
    votes += [Vote("man", "mouse", float(i % 2), i, 0) for i in range(6)]
    rated = rate(votes, resamples=50)
    assert not rated.linked
    assert rated.unlinked_draws == 1
    assert rated.rows[0].name == "king"
    assert 1100 < rated.rows[0].elo < 2000
    assert rate(worked_votes(), resamples=50).unlinked_draws < 1


def test_wins_must_lead_around_and_not_only_touch():
    ring = np.zeros((3, 3))
    ring[[0, 1], [1, 2]] = 1
    assert not connected(ring)
    ring[2, 0] = 1
    assert connected(ring)
    assert (with_virtual_ties(ring) == ring).all()


def test_who_was_never_voted_on_has_a_place_and_no_votes():
    rated = rate(worked_votes(), ["E"], resamples=20)
    row = next(row for row in rated.rows if row.name == "E")
    assert (row.votes, rated.linked) == (0, False)
    with pytest.raises(RecipeError, match="votes must be at least 1"):
        rate([])


def test_points_of_elo_are_chances():
    chances = [win_probability(gap) for gap in (0.0, 30.0, 100.0, 242.0, -100.0)]
    assert chances == pytest.approx([0.5, 0.54, 0.64, 0.80, 0.36], abs=0.005)


def simulated(draw, elo, prompts, voters, alike):
    """Votes on every prompt by some voters; `alike`: all voters of a prompt say the same."""
    names = "abcdefgh"[: len(elo)]
    pairs = list(combinations(range(len(elo)), 2))
    for prompt in range(prompts):
        i, j = pairs[draw.integers(len(pairs))]
        said = draw.random()
        for voter in range(voters):
            score = float((said if alike else draw.random()) < win_probability(elo[i] - elo[j]))
            yield Vote(names[i], names[j], score, prompt, voter)


@pytest.mark.parametrize(
    ("prompts", "voters", "alike"), [(200, 1, False), (80, 3, False), (200, 3, True)]
)
def test_intervals_cover_the_true_rating_about_as_often_as_they_say(prompts, voters, alike):
    draw, elo = np.random.default_rng(prompts + alike), np.array([-100.0, -30.0, 40.0, 90.0])
    runs, hits = 100, {"by_prompt": 0, "by_voter": 0}
    for seed in range(runs):
        rated = rate(simulated(draw, elo, prompts, voters, alike), resamples=200, seed=seed)
        for row in rated.rows:
            truth = 1000 + elo["abcd".index(row.name)]
            for kind in hits:
                low, high = getattr(row, kind)
                hits[kind] += low <= truth <= high
    assert 0.90 <= hits["by_prompt"] / (4 * runs) <= 0.97
    if voters == 1:
        assert 0.90 <= hits["by_voter"] / (4 * runs) <= 0.97
    else:
        # Drawing twice counts the voters' noise twice: careful, never bold.
        assert hits["by_voter"] / (4 * runs) >= hits["by_prompt"] / (4 * runs) - 0.01


def test_intervals_cover_where_pairs_were_chosen_by_what_they_teach():
    draw, elo = np.random.default_rng(5), np.array([-100.0, -30.0, 40.0, 90.0])
    pairs, runs, hits = list(combinations(range(4), 2)), 100, 0
    for seed in range(runs):
        votes, wins = [], np.zeros((4, 4))
        for number in range(240):
            if number % 12 == 0:
                gain = gains(wins)[tuple(zip(*pairs, strict=True))]
            i, j = pairs[draw.choice(len(pairs), p=gain / gain.sum())]
            won = float(draw.random() < win_probability(elo[i] - elo[j]))
            wins[i, j] += won
            wins[j, i] += 1 - won
            votes.append(Vote("abcd"[i], "abcd"[j], won, number, 0))
        for row in rate(votes, resamples=200, seed=seed).rows:
            hits += row.by_prompt.low <= 1000 + elo["abcd".index(row.name)] <= row.by_prompt.high
    assert 0.90 <= hits / (4 * runs) <= 0.97


def test_rank_intervals_hold_the_true_rank_and_narrow_with_votes():
    draw, elo = np.random.default_rng(0), np.array([-100.0, -30.0, 40.0, 90.0])
    spans = []
    for prompts in (100, 2_000):
        held, span = 0, 0
        for seed in range(10):
            rated = rate(simulated(draw, elo, prompts, 1, False), resamples=200, seed=seed)
            for row in rated.rows:
                place = 4 - "abcd".index(row.name)
                held += row.rank[0] <= place <= row.rank[1]
                span += row.rank[1] - row.rank[0]
        assert held >= 36
        spans.append(span)
    assert spans[1] < spans[0] / 2


@pytest.mark.parametrize(("votes", "half_width"), [(500, 31), (2_000, 17)])
def test_intervals_are_as_wide_as_planned_for_four_models(votes, half_width):
    draw = np.random.default_rng(1)
    elo = np.linspace(-100, 100, 4)
    rated = rate(simulated(draw, elo, votes, 1, False), resamples=300)
    widths = [(row.by_prompt.high - row.by_prompt.low) / 2 for row in rated.rows]
    assert np.mean(widths) == pytest.approx(half_width, rel=0.2)
