"""Votes to ratings: Bradley and Terry's model, and how sure its ratings are.

The chance that i beats j is s_i / (s_i + s_j); the strengths s are those that make the votes most
likely, found by minorization and maximization (D. R. Hunter, "MM algorithms for generalized
Bradley-Terry models", 2004). A tie, and a vote that both are bad, is half a win for either.
Elo = 1000 + 400 log10 s, where the strengths have a geometric mean of 1. Unlike online Elo it does
not depend on the order of votes.

Dimension key:
    M  contestants
    R  draws of the bootstrap
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from danqing.core.errors import RecipeError
from danqing.evaluation.stats import Interval

VIRTUAL_TIE: Final = 0.5
"""The weight of the tie that every pair is given where wins alone do not link all contestants."""

_STEP, _STEPS = 1e-9, 100_000


class Vote(NamedTuple):
    """One comparison."""

    first: str
    second: str
    score: float
    """1: the first is better; 0: the second; 0.5: a tie, or both are bad."""
    prompt: object
    voter: object


@dataclass(frozen=True, slots=True)
class Rating:
    """How good one contestant is."""

    name: str
    elo: float
    by_prompt: Interval
    """From drawing prompts again: what other prompts would have said."""
    by_voter: Interval
    """From drawing prompts again and, within each, voters: other prompts and other people."""
    rank: tuple[int, int]
    """Best and worst place that the draws by prompt leave possible."""
    votes: int


@dataclass(frozen=True, slots=True)
class Ratings:
    """What all votes say together."""

    rows: tuple[Rating, ...]
    """Best first."""
    wins: Mapping[tuple[str, str], float]
    """Wins of the first over the second, a tie being half; both orders of every pair that met."""
    votes: int
    linked: bool
    """False: some contestants only won or only lost, so every pair was given a virtual tie."""
    unlinked_draws: float
    """The share of the bootstrap's draws that needed virtual ties."""


def rate(
    votes: Iterable[Vote],
    names: Sequence[str] = (),
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Ratings:
    """Rate everybody who was voted on.

    Args:
        votes: In any order, and either contestant first.
        names: Contestants to rate although nobody may have voted on them.
        confidence: How often an interval shall hold the true rating.
        resamples: Draws of the bootstrap.
        seed: Same seed, same intervals.

    Raises:
        RecipeError: There is nobody to rate.
    """
    # Sorted, so that neither the order of votes nor who comes first moves a draw.
    votes = sorted(votes, key=repr)
    found = sorted({*names, *(n for vote in votes for n in (vote.first, vote.second))})
    if not found:
        raise RecipeError("votes must be at least 1, got 0; cast some first.")
    tables = _tables(votes, found)
    wins = sum((w for group in tables.values() for w in group), np.zeros((len(found),) * 2))
    linked = bool(connected(wins))
    elo = _elo(wins)
    draw = np.random.default_rng(seed)
    draws = [_draws(tables, wins, draw, resamples, again) for again in (False, True)]
    loose = float(np.mean([~connected(drawn) for drawn in draws]))
    by_prompt, by_voter = (_elo(drawn) for drawn in draws)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    ranks = _ranks(by_prompt, ends)
    prompts, voters = (
        np.quantile(drawn, ends, axis=0).T.tolist() for drawn in (by_prompt, by_voter)
    )
    games = (wins + wins.T).sum(1)
    rows = [
        Rating(
            name,
            float(elo[i]),
            Interval(*prompts[i]),
            Interval(*voters[i]),
            ranks[i],
            round(games[i]),
        )
        for i, name in enumerate(found)
    ]
    met = {
        (a, b): float(wins[i, j])
        for i, a in enumerate(found)
        for j, b in enumerate(found)
        if wins[i, j] + wins[j, i] > 0
    }
    best_first = tuple(sorted(rows, key=lambda row: (-row.elo, row.name)))
    return Ratings(best_first, met, len(votes), linked, loose)


def bradley_terry(wins: Float[np.ndarray, "*R M M"]) -> Float[np.ndarray, "*R M"]:
    """Return the strengths behind a table of wins, their geometric mean being 1.

    Args:
        wins: How often the row beat the column. All contestants must be linked by wins; see
            `connected`, `with_virtual_ties`.
    """
    flat = wins.reshape(-1, *wins.shape[-2:])
    games, won = flat + np.swapaxes(flat, -1, -2), flat.sum(-1)
    logs = np.zeros(won.shape)
    moving = np.arange(len(flat))
    for _ in range(_STEPS):
        strength = np.exp(logs[moving])
        sums = strength[:, :, None] + strength[:, None, :]
        new = np.log(won[moving] / (games[moving] / sums).sum(-1))
        new -= new.mean(-1, keepdims=True)
        still = np.abs(new - logs[moving]).max(-1) > _STEP
        logs[moving] = new
        moving = moving[still]
        if not len(moving):
            break
    return np.exp(logs).reshape(wins.shape[:-1])


def connected(wins: Float[np.ndarray, "*R M M"]) -> Bool[np.ndarray, "*R"]:
    """Return whether wins lead from everybody to everybody; only then are all ratings finite."""
    reach = (wins > 0) | np.eye(wins.shape[-1], dtype=bool)
    for _ in range(wins.shape[-1].bit_length()):
        reach = reach @ reach
    return np.asarray(reach.all((-1, -2)))


def with_virtual_ties(wins: Float[np.ndarray, "*R M M"]) -> Float[np.ndarray, "*R M M"]:
    """Return the wins, with a weak tie between every two where not all are linked."""
    ties = VIRTUAL_TIE / 2 * (1 - np.eye(wins.shape[-1]))
    return wins + np.where(connected(wins)[..., None, None], 0.0, ties)


def win_probability(difference: float) -> float:
    """Return how often a contestant wins that is so many points of Elo ahead."""
    return 1 / (1 + 10 ** (-difference / 400))


def _elo(wins: Float[np.ndarray, "*R M M"]) -> Float[np.ndarray, "*R M"]:
    return 1000 + 400 * np.log10(bradley_terry(with_virtual_ties(wins)))


def _tables(
    votes: Sequence[Vote], names: Sequence[str]
) -> dict[object, list[Float[np.ndarray, "M M"]]]:
    """Return a table of wins for each prompt and each voter who voted on it."""
    place = {name: i for i, name in enumerate(names)}
    tables: dict[object, dict[object, Float[np.ndarray, "M M"]]] = {}
    for vote in votes:
        group = tables.setdefault(vote.prompt, {})
        table = group.setdefault(vote.voter, np.zeros((len(names), len(names))))
        i, j = place[vote.first], place[vote.second]
        table[i, j] += vote.score
        table[j, i] += 1 - vote.score
    return {prompt: list(group.values()) for prompt, group in tables.items()}


def _draws(
    tables: Mapping[object, Sequence[Float[np.ndarray, "M M"]]],
    wins: Float[np.ndarray, "M M"],
    draw: np.random.Generator,
    resamples: int,
    voters: bool,
) -> Float[np.ndarray, "R M M"]:
    """Return tables of wins as other prompts, and with `voters` other people, might give them."""
    drawn = np.zeros((resamples, *wins.shape))
    if not tables:
        return drawn
    times = draw.multinomial(len(tables), [1 / len(tables)] * len(tables), size=resamples)
    for column, group in enumerate(tables.values()):
        stack = np.stack(group)
        if voters:
            # A prompt that was drawn k times asks its voters anew each time.
            people = len(group)
            asked = draw.multinomial(times[:, column] * people, [1 / people] * people)
        else:
            asked = np.repeat(times[:, column, None], len(group), 1)
        drawn += np.tensordot(asked.astype(float), stack, 1)
    return drawn


def _ranks(elo: Float[np.ndarray, "R M"], ends: Sequence[float]) -> list[tuple[int, int]]:
    """Return the places each contestant may have: better are those surely ahead, and so on."""
    gaps = elo[:, None, :] - elo[:, :, None]  # how far the last is ahead of the middle
    low, high = np.quantile(gaps, ends, axis=0)
    first = 1 + (low > 0).sum(1)
    last = elo.shape[1] - (high < 0).sum(1)
    return [(int(a), int(b)) for a, b in zip(first, last, strict=True)]
