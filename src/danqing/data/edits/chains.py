"""Several edits of one picture, one after the other, with the true picture after each.

One thing is never touched, so that what stays is not plain ground alone, which hardly wears.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from danqing.data.edits.base import EditSample
from danqing.data.edits.scenes import MOST, scene
from danqing.data.edits.stream import ASKED, said
from danqing.data.edits.things import (
    Exchange,
    adding,
    exchanged,
    moving,
    recoloring,
    removing,
    replacing,
)
from danqing.data.synthesis.placed import Placed
from danqing.data.synthesis.split import Part
from danqing.data.synthesis.world import World
from danqing.scorers.world import Language

_STEPS: Final[dict[str, Callable[[Random, Placed, World], Exchange | None]]] = {
    "add": lambda rng, before, world: adding(rng, world) if len(before.things) < MOST else None,
    "move": lambda rng, before, _: moving(rng, before),
    "recolor": lambda rng, before, _: recoloring(rng, before),
    "remove": lambda rng, before, _: removing(rng, before) if len(before.things) > 1 else None,
    "replace": replacing,
}
"""Tasks that go on from a scene; None: this one does not allow it."""

_PATIENCE: Final = 100
"""Proposals of a task that come to nothing, after which another one is tried."""


def chains(
    count: int,
    length: int,
    language: Language | None = None,
    part: Part = "test",
    world: World = ASKED,
) -> list[list[EditSample]]:
    """Return chains of edits that training never draws, always the same ones in the same order.

    The source of an edit is the true picture after the one before, and what it says to be kept is
    what none of the edits up to it has touched.

    Args:
        count: How many.
        length: Edits of each.
        language: The language of instructions; None: English and Chinese in turn.
        part: As in `held_out`.
        world: How much of the world to ask for, and how large.
    """
    rng = Random(f"danqing chains of edits {part} {language} {length}")
    found: list[list[EditSample]] = []
    while len(found) < count:
        told: Language = language or ("en", "zh")[len(found) % 2]
        links = list(_links(rng, world, length, told, part))
        if len(links) == length:
            found.append(links)
    return found


def _links(
    rng: Random, world: World, length: int, language: Language, part: Part
) -> Iterator[EditSample]:
    """Yield the edits of one chain, fewer where it comes to an end."""
    placed, kept = scene(rng, world, MOST - 1, MOST), None
    for _ in range(length):
        step = _step(rng, world, placed, language, part)
        if step is None:
            return
        sample, placed = step
        kept = sample.kept if kept is None else kept & sample.kept
        yield replace(sample, kept=kept)


def _step(
    rng: Random, world: World, before: Placed, language: Language, part: Part
) -> tuple[EditSample, Placed] | None:
    """Return an edit of a scene at random, and the scene after it."""
    for task in rng.sample(tuple(_STEPS), len(_STEPS)):
        for _ in range(_PATIENCE):
            exchange = _STEPS[task](rng, before, world)
            if exchange is None or exchange.old is before.things[0]:
                continue
            if exchange.cleared(before) != before:
                continue
            edit = exchanged(task, rng, before, exchange)
            sample = edit and said(edit, rng, task, language, part)
            if sample:
                return sample, exchange.made(before)
    return None
