"""Which two pictures a voter sees next.

Pairs of contestants are drawn in proportion to how much a vote on them should teach. With the
information matrix of all votes so far, v the variance of a difference of two ratings and p the
chance that the first wins, that is log(1 + p (1 - p) v): near rivals and newcomers come often,
and what is settled comes rarely, but never not at all. Within such a pair the prompt with the
fewest votes comes first, and sides are drawn by chance.

Dimension key:
    M  contestants
"""

from collections.abc import Sequence
from itertools import combinations
from random import Random, SystemRandom

import numpy as np
from jaxtyping import Float

from danqing.evaluation.arena.ratings import bradley_terry, with_virtual_ties
from danqing.evaluation.arena.records import Pair
from danqing.evaluation.arena.store import Store

_GUESS = 1.0
"""Votes that every pair is thought to have had before the first; no variance is infinite then."""


def next_pair(
    store: Store, voter: int, *, gold: float = 0.1, draw: Random | None = None
) -> Pair | None:
    """Return the pair for a voter: the same one, on the same sides, until it is voted on.

    Args:
        store: The arena.
        voter: Who is to vote.
        gold: The share of pairs whose answer is known.
        draw: Where chance comes from; None: the operating system.

    Returns:
        The pair, or None where the voter has seen everything.
    """
    draw = draw or SystemRandom()
    with store.asking(voter) as pair:
        if pair:
            return pair
        chosen = _ordinary(store, voter, draw)
        if chosen is None:
            return None
        kind = None
        if draw.random() < gold:
            kind = draw.choice(("identical", "obvious"))
            known = (_identical if kind == "identical" else _obvious)(store, voter, draw)
            chosen, kind = (known, kind) if known else (chosen, None)
        a, b = draw.sample(chosen, 2)
        return store.ask(voter, a, b, kind)


def gains(wins: Float[np.ndarray, "M M"]) -> Float[np.ndarray, "M M"]:
    """Return what one more vote on each pair of contestants should teach, in nats; 0 on itself.

    Args:
        wins: How often the row beat the column, a tie being half.
    """
    strength = bradley_terry(with_virtual_ties(wins))
    chance = strength[:, None] / (strength[:, None] + strength[None, :])
    weight = chance * (1 - chance)
    known = (wins + wins.T + _GUESS) * weight * (1 - np.eye(len(wins)))
    # Ratings have no zero, so the matrix has no inverse; differences do not mind.
    covariance = np.linalg.pinv(np.diag(known.sum(1)) - known, hermitian=True)
    own = np.diag(covariance)
    return np.log1p(weight * (own[:, None] + own[None, :] - 2 * covariance).clip(0))


def _ordinary(store: Store, voter: int, draw: Random) -> tuple[int, int] | None:
    owners = [row["id"] for row in store.rows("SELECT id FROM contestants ORDER BY id")]
    gain = gains(_wins(store, voter, owners)) if len(owners) > 1 else np.zeros((0, 0))
    rivals = list(combinations(range(len(owners)), 2))
    while rivals:
        i, j = draw.choices(rivals, [float(gain[pair]) for pair in rivals])[0]
        prompt = _prompt(store, voter, owners[i], owners[j], draw)
        if prompt is not None:
            return (
                _any_of(store, owners[i], prompt, draw),
                _any_of(store, owners[j], prompt, draw),
            )
        rivals.remove((i, j))
    return None


def _wins(store: Store, voter: int, owners: Sequence[int]) -> Float[np.ndarray, "M M"]:
    """Return all wins that judges like this voter gave."""
    place = {owner: i for i, owner in enumerate(owners)}
    wins = np.zeros((len(owners),) * 2)
    for row in store.rows(
        "SELECT pa.contestant AS a, pb.contestant AS b, count(*) AS n, "
        "sum(CASE choice WHEN 'a' THEN 1.0 WHEN 'b' THEN 0.0 ELSE 0.5 END) AS won FROM pairs "
        "JOIN pictures pa ON pa.id = pairs.a JOIN pictures pb ON pb.id = pairs.b "
        "JOIN voters ON voters.id = voter "
        "WHERE choice IS NOT NULL AND gold IS NULL "
        "AND judge = (SELECT judge FROM voters WHERE id = ?) GROUP BY 1, 2",
        (voter,),
    ):
        i, j = place[row["a"]], place[row["b"]]
        wins[i, j] += row["won"]
        wins[j, i] += row["n"] - row["won"]
    return wins


def _prompt(store: Store, voter: int, one: int, other: int, draw: Random) -> int | None:
    """Return a prompt on which the voter has not seen these two, one of those with fewest votes."""
    rows = store.rows(
        "WITH shared AS (SELECT prompt FROM pictures WHERE contestant = ?1 "
        "INTERSECT SELECT prompt FROM pictures WHERE contestant = ?2), "
        "met AS (SELECT pa.prompt AS prompt, voter FROM pairs "
        "JOIN pictures pa ON pa.id = pairs.a JOIN pictures pb ON pb.id = pairs.b "
        "WHERE gold IS NULL AND (pa.contestant, pb.contestant) IN (VALUES (?1, ?2), (?2, ?1))) "
        "SELECT shared.prompt AS prompt, count(met.voter) AS n FROM shared "
        "LEFT JOIN met ON met.prompt = shared.prompt GROUP BY 1 "
        "HAVING sum(coalesce(met.voter = ?3, 0)) = 0 ORDER BY n, 1",
        (one, other, voter),
    )
    fewest = [row["prompt"] for row in rows if row["n"] == rows[0]["n"]]
    return draw.choice(fewest) if fewest else None


def _any_of(store: Store, owner: int, prompt: int, draw: Random) -> int:
    rows = store.rows(
        "SELECT id FROM pictures WHERE contestant = ? AND prompt = ? ORDER BY id", (owner, prompt)
    )
    return draw.choice(rows)["id"]


def _identical(store: Store, voter: int, draw: Random) -> tuple[int, int] | None:
    rows = store.rows(
        "SELECT id FROM pictures WHERE contestant IS NOT NULL AND id NOT IN "
        "(SELECT a FROM pairs WHERE voter = ? AND gold IS NOT NULL) ORDER BY id",
        (voter,),
    )
    return (draw.choice(rows)["id"],) * 2 if rows else None


def _obvious(store: Store, voter: int, draw: Random) -> tuple[int, int] | None:
    rows = store.rows(
        "SELECT id, ruined FROM pictures WHERE ruined IS NOT NULL AND id NOT IN "
        "(SELECT a FROM pairs WHERE voter = ?1 UNION SELECT b FROM pairs WHERE voter = ?1) "
        "ORDER BY id",
        (voter,),
    )
    row = draw.choice(rows) if rows else None
    return (row["ruined"], row["id"]) if row else None
