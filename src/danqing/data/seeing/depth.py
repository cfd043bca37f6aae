"""How far is everything? Rooms, and their depth as a fog.

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from danqing.data.seeing import room
from danqing.data.seeing.question import Size, Told, questions
from danqing.scorers.world import Language
from danqing.seeing.depth import WORLD, show


@questions.register("depth")
@dataclass(frozen=True, slots=True)
class Depth(Told):
    """A room whose depth is to be shown."""

    room: room.Room

    @classmethod
    def propose(cls, rng: Random) -> "Depth":
        """Return a random question of any part."""
        return cls(room.propose(rng))

    def metres(self, size: Size) -> Float[np.ndarray, "H W"]:
        """Return the true depth."""
        return self.room.draw(size)[1]

    def things(self, size: Size) -> Bool[np.ndarray, "H W"]:
        """Return the pixels that show a thing, and not the room."""
        return self.metres(size) != replace(self.room, things=()).draw(size)[1]

    def pictures(self, size: Size) -> tuple[Image.Image, Image.Image]:
        """Return the room and its depth."""
        image, metres = self.room.draw(size)
        return image, show(metres, WORLD)

    def fields(self, language: Language) -> Mapping[str, str]:
        """Return nothing: no sentence names a thing."""
        return {}
