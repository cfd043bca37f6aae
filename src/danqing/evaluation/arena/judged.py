"""Models that vote: each pair is asked about in both orders, as `scorers.judge` compares."""

from collections.abc import Callable
from io import BytesIO
from typing import Final

from PIL import Image

from danqing.core.errors import DownloadError, RecipeError
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.records import PEOPLE, Choice
from danqing.evaluation.arena.store import Store
from danqing.scorers import replies
from danqing.scorers.judge import Judge, Pair

REMINDER: Final = "Answer with one word: A, B, tie or bad."
QUESTION: Final = f"""\
Two pictures were painted for this prompt:

{{prompt}}

Which one is the better answer to it? First look at whether what the prompt asks for is there, then
at how good the picture is. {REMINDER} A: the first picture is better. B: the second one is. tie:
they are equally good. bad: both miss the prompt."""

_CHOICES: Final[dict[replies.Choice, Choice]] = {
    "first": "a",
    "second": "b",
    "tie": "tie",
    "bad": "bad",
}


def vote(
    store: Store,
    judge: Judge,
    name: str,
    count: int,
    *,
    gold: float = 0.1,
    watch: Callable[[int, int], object] = lambda done, total: None,
) -> int:
    """Let a model vote on pairs of an arena; run it again to go on where it was stopped.

    What it says otherwise after an exchange of sides is a tie. So is a pair of which it says
    nothing that can be read, with what became of the question as the reason.

    Args:
        store: The arena.
        judge: The model; its counts tell how often it contradicted itself.
        name: What it is called on the board; it is the same voter under the same name.
        count: How many pairs it shall have voted on when this returns, if there are so many.
        gold: The share of pairs whose answer is known.
        watch: Told how many of all votes are cast.

    Returns:
        How many votes were cast.

    Raises:
        RecipeError: The name is that of people.
        DownloadError: The model gave no answer, for a reason that may pass.
    """
    if name == PEOPLE:
        raise RecipeError(f"name must be a model's, got {name!r}; people vote on the page.")
    voter = store.voter(store.join(name, secret=f"judge {name}"), name)
    assert voter is not None
    votes = 0
    # One by one: which pair teaches most depends on the vote before.
    while (done := store.count(voter)) < count:
        pair = next_pair(store, voter, gold=gold)
        if pair is None:
            break
        first, second = (_image(store.picture(name)) for name in (pair.sha256_a, pair.sha256_b))
        text = QUESTION.replace("{prompt}", pair.prompt)
        found, *_ = judge.compare(
            [Pair(text=text, first=first, second=second)],
            lambda answer: replies.choice(answer.text, bad=True),
        )
        if lost := [order for order in found.orders if order.fate == "lost"]:
            raise DownloadError(
                f"{judge.fresh.model} gave no answer ({lost[0].trouble}); run this again to go on."
            )
        fates = {order.fate for order in found.orders} - {"read"}
        choice = _CHOICES[found.value] if found.value else "tie"
        store.vote(voter, pair.token, choice, sorted(fates))
        votes += 1
        watch(done + 1, count)
    return votes


def _image(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as opened:
        return opened.convert("RGB")
