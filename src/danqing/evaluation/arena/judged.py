"""Models that vote: each pair is asked about in both orders.

Judges prefer a side: what is said first and taken back after an exchange of sides is a tie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.records import PEOPLE, Choice
from danqing.evaluation.arena.store import Store


@runtime_checkable
class PairJudge(Protocol):
    """Says which of two pictures is the better answer to a prompt."""

    def __call__(self, prompt: str, image_a: Image.Image, image_b: Image.Image) -> Choice:
        """Return `a`, `b`, `tie`, or `bad` where both are."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """What a judge did."""

    votes: int
    agreed: int
    """How often it said the same in both orders."""
    first: int
    """How often it took the first side in both orders: it judged the place, not the pictures."""


def ask_both(
    judge: PairJudge, prompt: str, a: Image.Image, b: Image.Image
) -> tuple[Choice, Choice]:
    """Return what a judge says of two pictures, and of the same two with sides exchanged.

    Both answers name the pictures, not the sides.
    """
    turned: dict[Choice, Choice] = {"a": "b", "b": "a", "tie": "tie", "bad": "bad"}
    return judge(prompt, a, b), turned[judge(prompt, b, a)]


def vote(
    store: Store,
    judge: PairJudge,
    name: str,
    count: int,
    *,
    gold: float = 0.1,
    watch: Callable[[int, int], object] = lambda done, total: None,
) -> Tally:
    """Let a model vote on pairs of an arena; run it again to go on where it was stopped.

    Args:
        store: The arena.
        judge: The model.
        name: What it is called on the board; it is the same voter under the same name.
        count: How many pairs it shall have voted on when this returns, if there are so many.
        gold: The share of pairs whose answer is known.
        watch: Told how many of all votes are cast.

    Raises:
        RecipeError: The name is that of people.
    """
    if name == PEOPLE:
        raise RecipeError(f"name must be a model's, got {name!r}; people vote on the page.")
    voter = store.voter(store.join(name, secret=f"judge {name}"), name)
    assert voter is not None
    agreed = first = votes = 0
    while (done := store.count(voter)) < count:
        pair = next_pair(store, voter, gold=gold)
        if pair is None:
            break
        images = [_image(store.picture(sha256)) for sha256 in (pair.sha256_a, pair.sha256_b)]
        one, other = ask_both(judge, pair.prompt, *images)
        store.vote(voter, pair.token, one if one == other else "tie")
        votes += 1
        agreed += one == other
        first += (one, other) == ("a", "b")
        watch(done + 1, count)
    return Tally(votes, agreed, first)


def _image(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as opened:
        return opened.convert("RGB")
