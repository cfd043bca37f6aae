"""Questions about a picture as edits: what is to be seen in it is painted, and nothing is kept.

Questions are dealt to training and to what is held out by themselves, as their benchmark asks them.
"""

from random import Random

import numpy as np

from danqing.data.edits.base import TASKS, Edit
from danqing.data.seeing import questions
from danqing.data.synthesis.world import World
from danqing.seeing import sentences


def _register(name: sentences.Task) -> None:
    @TASKS.register(name)
    def ask(rng: Random, world: World) -> Edit:  # pyright: ignore[reportUnusedFunction]
        """Return a question at random."""
        question = questions[name].propose(rng)
        source, target = question.pictures(world.size)
        return Edit(
            sources=(source,),
            target=target,
            kept=np.zeros(world.size[::-1], bool),
            asked=question.record,
            shown={},
            wordings=sentences.FRAMES[name],
            words=question.fields,
            part=question.part,
        )


for _name in sentences.TASKS:
    _register(_name)
