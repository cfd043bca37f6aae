"""Where is each thing? Things apart, and frames where those of some shapes are.

Frames stand alone on a plain ground: round things, a VAE of the small world loses them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Final

import numpy as np
from PIL import Image

from danqing.data.seeing.flat import Flat, propose
from danqing.data.seeing.question import Size, Told, questions
from danqing.data.seeing.segmentation import named, some
from danqing.scorers.world import Language
from danqing.seeing.boxes import Box, show
from danqing.seeing.labels import SHAPE_COLORS, blank

_APART: Final = 0.02
"""The least distance of two things, as a share of the side."""
_BETWEEN: Final = 8
"""The least distance of two frames, in pixels of 256, so that they do not run together."""


@questions.register("detection")
@dataclass(frozen=True, slots=True)
class Detection(Told):
    """Shapes that are to be framed in their colours."""

    scene: Flat
    classes: tuple[str, ...]
    """The shapes asked for."""

    @classmethod
    def propose(cls, rng: Random) -> "Detection":
        """Return a random question of any part."""
        while True:
            scene = propose(rng, apart=_APART)
            if _apart(found := cls(scene, some(scene, rng))):
                return found

    @property
    def legend(self) -> dict[str, tuple[int, int, int]]:
        """The colours of the frames."""
        return {shape: SHAPE_COLORS[shape] for shape in self.classes}

    def boxes(self, size: Size) -> list[Box]:
        """Return the boxes of what is asked for, each as large as what shows of its thing."""
        masks = zip(self.scene.things, self.scene.masks(size), strict=True)
        found: list[Box] = []
        for thing, mask in masks:
            if thing.shape in self.classes:
                rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
                left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
                found.append(Box(thing.shape, (int(left), int(top), int(right), int(bottom))))
        return found

    def pictures(self, size: Size) -> tuple[Image.Image, Image.Image]:
        """Return the scene, and frames on a plain ground."""
        return self.scene.draw(size), show(blank(size), self.boxes(size), self.legend)

    def fields(self, language: Language) -> Mapping[str, str]:
        """Return the shapes asked for."""
        return {"things": named(self.classes, language)}


def _apart(question: Detection) -> bool:
    return all(
        max(low - high for low, high in _gaps(a.box, b.box)) >= _BETWEEN
        for a, b in combinations(question.boxes((256, 256)), 2)
    )


def _gaps(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return, for each direction, where the later box begins and where the earlier one ends."""
    return [(max(a[i], b[i]), min(a[i + 2], b[i + 2])) for i in range(2)]
