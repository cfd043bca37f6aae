"""Edits of strings: other letters in the same typeface, colour and place."""

from dataclasses import replace
from random import Random

from danqing.data.edits.base import TASKS, Edit
from danqing.data.edits.scenes import worked_out
from danqing.data.synthesis.captions import QUOTES
from danqing.data.synthesis.draw import place
from danqing.data.synthesis.fonts import FACES
from danqing.data.synthesis.placed import Letters, Placed
from danqing.data.synthesis.propose import propose
from danqing.data.synthesis.words import ILLEGIBLE
from danqing.data.synthesis.world import World
from danqing.scorers.world import TextSpec


@TASKS.register("replace_text")
def replace_text(rng: Random, world: World) -> Edit | None:
    """Write another string of the same script in the place of one."""
    before, after = written(rng, world)
    (old,), (new,) = (
        [mark.string for mark in p.marks if isinstance(mark, Letters)] for p in (before, after)
    )
    if old == new or new in ILLEGIBLE:
        return None
    return worked_out(
        "replace_text",
        [before],
        after,
        {"string": new},
        lambda said: {"old": QUOTES[said].format(old), "new": QUOTES[said].format(new)},
    )


def written(rng: Random, world: World) -> tuple[Placed, Placed]:
    """Return two pictures that differ in their strings alone."""
    script = rng.choice(sorted({FACES[name].script for name in world.fonts}))
    first, second = (propose(rng, f"text_{script}", world) for _ in range(2))
    assert isinstance(first, TextSpec)
    assert isinstance(second, TextSpec)
    # One seed for both: typeface, shades and sway are the same.
    seed = rng.random()
    before, after = (
        place(spec, Random(seed), size=world.size, style=world)
        for spec in (first, replace(first, string=second.string))
    )
    return before, after
