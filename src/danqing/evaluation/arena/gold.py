"""Pairs whose answer is known, and the voters who get them wrong too often."""

from collections.abc import Iterable
from io import BytesIO
from random import Random
from typing import Final

from PIL import Image

from danqing.evaluation.arena.records import Cast, Gold
from danqing.evaluation.arena.store import Store
from danqing.evaluation.stats import wilson

ENOUGH: Final = 0.65
"""A voter is careless who, surely, is right on fewer gold pairs of one kind than this. One who
always takes a side is never right on identical pairs, and one who never does, on obvious ones."""

_TILES: Final = 4


def ruined(data: bytes) -> bytes:
    """Return a picture cut into 4 x 4 tiles that lie in disorder, as a PNG file."""
    with Image.open(BytesIO(data)) as opened:
        image = opened.convert("RGB")
    xs, ys = ([side * i // _TILES for i in range(_TILES + 1)] for side in image.size)
    boxes = [(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(_TILES) for j in range(_TILES)]
    order = Random(0).sample(boxes, len(boxes))
    result = image.copy()
    for box, other in zip(boxes, order, strict=True):
        tile = image.crop(other).resize((box[2] - box[0], box[3] - box[1]))
        result.paste(tile, box[:2])
    buffer = BytesIO()
    result.save(buffer, "PNG")
    return buffer.getvalue()


def prepare(store: Store, count: int = 20) -> None:
    """See to it that an arena has so many ruined pictures, spread over its prompts."""
    have = len(store.rows("SELECT id FROM pictures WHERE ruined IS NOT NULL"))
    rows = store.rows(
        "SELECT id, sha256 FROM pictures WHERE ruined IS NULL "
        "AND id NOT IN (SELECT ruined FROM pictures WHERE ruined IS NOT NULL) ORDER BY id"
    )
    wanted = min(max(0, count - have), len(rows))
    for place in range(wanted):
        row = rows[place * len(rows) // wanted]
        data = store.picture(row["sha256"])
        # A picture of one colour cannot be put into disorder.
        if (worse := ruined(data)) != data:
            store.ruin(row["id"], worse)


def careless(votes: Iterable[Cast]) -> dict[int, tuple[int, int]]:
    """Return the voters not to be trusted, with their right and all answers on gold pairs."""
    answers: dict[int, dict[Gold, list[bool]]] = {}
    for vote in votes:
        if vote.gold is not None and vote.right is not None:
            kinds = answers.setdefault(vote.voter, {})
            kinds.setdefault(vote.gold, []).append(vote.right)
    return {
        voter: (sum(map(sum, kinds.values())), sum(map(len, kinds.values())))
        for voter, kinds in answers.items()
        if any(wilson(sum(said), len(said)).high < ENOUGH for said in kinds.values())
    }
