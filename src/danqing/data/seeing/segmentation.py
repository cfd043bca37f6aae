"""Which pixels are of which shape? Things that lap over each other, and their classes' colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from PIL import Image

from danqing.data.seeing.flat import Flat, in_order, propose
from danqing.data.seeing.question import Size, Told, questions
from danqing.data.synthesis.captions import SHAPES_ZH
from danqing.scorers.world import Language
from danqing.seeing.labels import SHAPE_COLORS, Labels, show, with_rest
from danqing.seeing.sentences import every

MOST: Final = 3
"""Shapes that are asked for, at most."""


@questions.register("segmentation")
@dataclass(frozen=True, slots=True)
class Segmentation(Told):
    """Shapes whose pixels are to be painted in their colours, all others gray."""

    scene: Flat
    classes: tuple[str, ...]
    """The shapes asked for."""

    @classmethod
    def propose(cls, rng: Random) -> "Segmentation":
        """Return a random question of any part."""
        scene = propose(rng)
        return cls(scene, some(scene, rng))

    def labels(self, size: Size) -> Labels:
        """Return the true classes."""
        labels = np.ones(size[::-1], np.uint8)
        for thing, mask in zip(self.scene.things, self.scene.masks(size), strict=True):
            if thing.shape in self.classes:
                labels[mask] = 2 + self.classes.index(thing.shape)
        return Labels(tuple(self.legend), labels)

    @property
    def legend(self) -> dict[str, tuple[int, int, int]]:
        """The colours of the answer."""
        return with_rest({shape: SHAPE_COLORS[shape] for shape in self.classes})

    def pictures(self, size: Size) -> tuple[Image.Image, Image.Image]:
        """Return the scene and its classes."""
        return self.scene.draw(size), show(self.labels(size), self.legend)

    def fields(self, language: Language) -> Mapping[str, str]:
        """Return the shapes asked for."""
        return {"things": named(self.classes, language)}


def some(scene: Flat, rng: Random) -> tuple[str, ...]:
    """Return some shapes of a scene, to be asked for."""
    count = rng.randint(1, min(MOST, len(scene.shapes)))
    return in_order(rng.sample(scene.shapes, count))


def named(shapes: Sequence[str], language: Language) -> str:
    """Return how all things of some shapes are named."""
    return every([s if language == "en" else SHAPES_ZH[s] for s in shapes], language)
