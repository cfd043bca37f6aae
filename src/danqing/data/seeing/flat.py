"""Scenes of plain shapes on a ground, each in its place and in a colour of its own.

Everything stands in the scene, so that it is drawn in one way only; shapes may lie over others.
All lengths are shares of the picture's sides, radii of the shorter one.

Dimension key:
    H, W  picture in pixels
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.data.seeing.canvas import Canvas, canvas
from danqing.data.synthesis.propose import COMMON_SHAPES
from danqing.data.synthesis.split import allowed_colors, scene_family
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, Object

_RADII: Final = {2: (0.17, 0.24), 3: (0.15, 0.2), 4: (0.13, 0.17), 5: (0.12, 0.15)}
"""Number of things: the range of the circles around them."""
_LAP: Final = 0.65
"""The least distance of two things that may lap over each other, by the sum of their radii."""
_MARGIN: Final = 0.03
_TURN: Final = 6
"""Degrees at most."""
_VISIBLE: Final = 0.55
"""The least share of a thing that nothing covers."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A shape in its place."""

    shape: str
    color: str
    x: float
    y: float
    radius: float
    turn: int
    """Degrees."""


@dataclass(frozen=True, slots=True)
class Flat:
    """Things on a ground, each over those before it."""

    ground: str
    things: tuple[Thing, ...]

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Return which thing every pixel shows, from 1."""
        return canvas([_outline(thing, size) for thing in self.things], size)

    def draw(self, size: tuple[int, int]) -> Image.Image:
        """Return the scene as an RGB picture."""
        colors = [BACKGROUNDS[self.ground], *(PALETTE[thing.color] for thing in self.things)]
        return self.canvas(size).painted(np.array(colors))

    def masks(self, size: tuple[int, int]) -> list[Bool[np.ndarray, "H W"]]:
        """Return the pixels that show each thing."""
        shown = self.canvas(size).shown
        return [shown == number for number in range(1, len(self.things) + 1)]

    @property
    def shapes(self) -> tuple[str, ...]:
        """The shapes that occur, in the world's order."""
        return in_order(thing.shape for thing in self.things)


def in_order(shapes: Iterable[str]) -> tuple[str, ...]:
    """Return different shapes in the world's order."""
    there = set(shapes)
    return tuple(shape for shape in SHAPES if shape in there)


def propose(rng: Random, *, apart: float | None = None) -> Flat:
    """Return a scene whose shapes training may show together in their colours.

    Args:
        rng: Decides it.
        apart: The least distance of two things; None: they may cover each other in part.
    """
    while True:
        count = rng.randint(2, 5)
        shapes = [rng.choice(COMMON_SHAPES) for _ in range(count)]
        colors = rng.sample(tuple(PALETTE), count)
        if not trainable(shapes, colors):
            continue
        if (circles := _places(rng, count, apart)) is None:
            continue
        things = [
            Thing(shape, color, x, y, radius, rng.randint(-_TURN, _TURN))
            for shape, color, (x, y, radius) in zip(shapes, colors, circles, strict=True)
        ]
        scene = Flat(rng.choice(tuple(BACKGROUNDS)), tuple(things))
        if apart is not None or _visible(scene):
            return scene


def trainable(shapes: Sequence[str], colors: Sequence[str]) -> bool:
    """Return whether training may show these shapes in these colours together."""
    kinds = Counter(zip(shapes, colors, strict=True))
    objects = tuple(Object(shape, count, color) for (shape, color), count in kinds.items())
    return all(color in allowed_colors(shape) for shape, color in kinds) and (
        scene_family(objects) is None
    )


def _places(
    rng: Random, count: int, apart: float | None
) -> list[tuple[float, float, float]] | None:
    """Return middles and radii; None where there was no room."""
    circles: list[tuple[float, float, float]] = []
    for _ in range(60):
        radius = round(rng.uniform(*_RADII[count]), 3)
        low, high = radius + _MARGIN, 1 - radius - _MARGIN
        x, y = round(rng.uniform(low, high), 3), round(rng.uniform(low, high), 3)
        free = (
            math.dist((x, y), (a, b))
            > (_LAP * (radius + r) if apart is None else radius + r + apart)
            for a, b, r in circles
        )
        if all(free):
            circles.append((x, y, radius))
            if len(circles) == count:
                return circles
    return None


def _visible(scene: Flat) -> bool:
    size = (64, 64)
    whole = [Flat(scene.ground, (thing,)).masks(size)[0] for thing in scene.things]
    seen = scene.masks(size)
    return all(a.sum() >= _VISIBLE * b.sum() for a, b in zip(seen, whole, strict=True))


def _outline(thing: Thing, size: tuple[int, int]) -> list[tuple[float, float]]:
    turn, reach = math.radians(thing.turn), thing.radius * min(size)
    cos, sin = reach * math.cos(turn), reach * math.sin(turn)
    left, top = thing.x * size[0], thing.y * size[1]
    return [(left + cos * x - sin * y, top + sin * x + cos * y) for x, y in SHAPES[thing.shape]]
