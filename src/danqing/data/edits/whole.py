"""Edits of whole pictures: another ground, another look, or none at all."""

from dataclasses import replace
from random import Random
from typing import Final

import numpy as np

from danqing.data.edits.base import TASKS, Edit
from danqing.data.edits.scenes import MOST, scene, worked_out
from danqing.data.edits.styles import STYLES
from danqing.data.edits.wordings import STYLES_SAID
from danqing.data.edits.writing import written
from danqing.data.synthesis.captions import COLORS_SAID
from danqing.data.synthesis.placed import Placed
from danqing.data.synthesis.world import World
from danqing.scorers.world import BACKGROUNDS

_WRITTEN: Final = 0.25
"""Share of whole pictures that show a string."""


@TASKS.register("background")
def background(rng: Random, world: World) -> Edit | None:
    """Give a picture another ground of the palette's own colour."""
    before = _picture(rng, world)
    ground = rng.choice([name for name in BACKGROUNDS if name != before.ground])
    return worked_out(
        "background",
        [before],
        replace(before, ground=ground, shade=BACKGROUNDS[ground]),
        {"background": ground},
        lambda said: {"ground": COLORS_SAID[said][ground]},
    )


@TASKS.register("restyle")
def restyle(rng: Random, world: World) -> Edit | None:
    """Give a picture another look; all of it may change."""
    before, style = _picture(rng, world), rng.choice(tuple(STYLES))
    edit = worked_out(
        "restyle",
        [before],
        before,
        {"style": style},
        lambda said: {"style": STYLES_SAID[said][style]},
    )
    return edit and replace(edit, target=STYLES[style](edit.target), kept=np.zeros_like(edit.kept))


@TASKS.register("reconstruct")
def reconstruct(rng: Random, world: World) -> Edit | None:
    """Give a picture back as it is."""
    before = _picture(rng, world)
    return worked_out("reconstruct", [before], before, {}, lambda _: {})


def _picture(rng: Random, world: World) -> Placed:
    """Return a scene or a string at random."""
    if rng.random() < _WRITTEN:
        return written(rng, world)[0]
    count = rng.randint(1, MOST)
    return scene(rng, world, count, count)
