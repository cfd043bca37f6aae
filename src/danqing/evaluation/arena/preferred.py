"""Which of two pictures voters preferred, for a model to learn from.

All votes of a judge on the same two pictures count together, whichever was on the left; where as
many preferred one as the other, or thought neither better, nothing is preferred.
"""

from collections import Counter
from dataclasses import dataclass

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.gold import careless
from danqing.evaluation.arena.records import PEOPLE
from danqing.evaluation.arena.store import Store


@dataclass(frozen=True, slots=True)
class Preference:
    """Two pictures of a prompt, by the hashes of their files, of which one was preferred."""

    prompt: str
    chosen: str
    rejected: str
    votes: tuple[int, int]
    """How many preferred the chosen one, and how many the rejected one."""


def preferences(store: Store, judge: str = PEOPLE) -> list[Preference]:
    """Return what was preferred, in the order of the prompts; careless voters do not count.

    Raises:
        RecipeError: Nobody preferred anything.
    """
    bad = careless(cast for cast in store.votes() if cast.judge == judge)
    votes = Counter[tuple[str, str, str]]()
    for row in store.rows(
        "SELECT text, voter, choice, pa.sha256 AS a, pb.sha256 AS b FROM pairs "
        "JOIN pictures pa ON pa.id = pairs.a JOIN pictures pb ON pb.id = pairs.b "
        "JOIN prompts ON prompts.id = pa.prompt JOIN voters ON voters.id = voter "
        "WHERE gold IS NULL AND choice IN ('a', 'b') AND judge = ? ORDER BY pa.prompt, pairs.id",
        (judge,),
    ):
        if row["voter"] not in bad:
            better, worse = (row["a"], row["b"]) if row["choice"] == "a" else (row["b"], row["a"])
            votes[row["text"], better, worse] += 1
    found = [
        Preference(prompt, better, worse, (count, against))
        for (prompt, better, worse), count in votes.items()
        if count > (against := votes.get((prompt, worse, better), 0))
    ]
    if not found:
        raise RecipeError(f"judge must be one who preferred a picture, got {judge!r}; vote first.")
    return found
