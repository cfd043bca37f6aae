"""Pictures before they are painted: a ground, and what stands on it in its place.

What a picture shows is one list, so a picture with one thing changed is the same list with one
entry changed, and every other pixel stays as it was. Shapes are stamped through a mask of three
times their size, so edges are smooth and only the shape's own box is ever drawn large.

Dimension key:
    H, W  picture in pixels
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageDraw

from danqing.data.synthesis.fonts import Face
from danqing.scorers.world import SHAPES, Color, Language, Point

_SUPERSAMPLE = 3


@runtime_checkable
class Mark(Protocol):
    """Something that stands on a ground."""

    @property
    def shade(self) -> Color:
        """The colour it is painted in."""
        ...

    @property
    def record(self) -> dict[str, Any]:
        """What it is, as plain data without its place."""
        ...

    def paint(self, image: Image.Image, ink: Color | int) -> None:
        """Paint it, smooth at its edges."""
        ...


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape."""

    shape: str
    color: str
    """The name of its colour in the palette."""
    shade: Color
    centre: Point
    """In pixels."""
    radius: float
    """That of the circle around it, in pixels."""
    turn: float = 0.0
    """In radians."""

    @property
    def record(self) -> dict[str, Any]:
        """Its shape and its colour."""
        return {"shape": self.shape, "color": self.color}

    def paint(self, image: Image.Image, ink: Color | int) -> None:
        """Paint it through a mask of its own box."""
        left, top = (math.floor(c - self.radius) for c in self.centre)
        side = math.ceil(2 * self.radius) + 2
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        x0, y0 = self.centre[0] - left, self.centre[1] - top
        outline = [
            (
                _SUPERSAMPLE * (x0 + self.radius * (cos * x - sin * y)),
                _SUPERSAMPLE * (y0 + self.radius * (sin * x + cos * y)),
            )
            for x, y in SHAPES[self.shape]
        ]
        mask = Image.new("L", (_SUPERSAMPLE * side, _SUPERSAMPLE * side))
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        image.paste(ink, (left, top), mask.reduce(_SUPERSAMPLE))


@dataclass(frozen=True, slots=True)
class Letters:
    """One written string."""

    string: str
    language: Language
    color: str
    """The name of its colour in the palette."""
    shade: Color
    pieces: tuple[tuple[Point, str], ...]
    """What is written at once, and the corner in pixels where it begins."""
    face: Face
    em: int
    """Pixels an em."""

    @property
    def record(self) -> dict[str, Any]:
        """The string, its script and its colour."""
        return {"string": self.string, "lang": self.language, "color": self.color}

    def paint(self, image: Image.Image, ink: Color | int) -> None:
        """Write it."""
        for corner, piece in self.pieces:
            ImageDraw.Draw(image).text(corner, piece, font=self.face.at(self.em), fill=ink)


@dataclass(frozen=True, slots=True)
class Placed:
    """All that one picture shows."""

    size: tuple[int, int]
    """Width and height in pixels."""
    ground: str
    """The name of the background."""
    shade: Color
    """The background's colour."""
    marks: tuple[Mark, ...] = ()

    def draw(self) -> Image.Image:
        """Return it as an RGB picture of exactly its size."""
        image = Image.new("RGB", self.size, self.shade)
        for mark in self.marks:
            mark.paint(image, mark.shade)
        return image

    @property
    def contents(self) -> dict[str, Any]:
        """What it shows as plain data, without places and in an order that equal ones share."""
        marks = sorted((mark.record for mark in self.marks), key=repr)
        return {"background": self.ground, "marks": marks}

    @property
    def record(self) -> dict[str, Any]:
        """What it shows as plain data, every mark with its box: left, top, right, bottom."""
        marks = [mark.record | {"box": list(self.box(mark))} for mark in self.marks]
        return {"background": self.ground, "marks": marks}

    def box(self, mark: Mark) -> tuple[int, int, int, int]:
        """Return the smallest box of pixels that holds a mark."""
        box = _cover([mark], self.size).getbbox()
        assert box is not None, "a mark lies outside of its picture"
        return box


def kept(before: Placed, after: Placed) -> Bool[np.ndarray, "H W"]:
    """Return where one picture must equal another: what differs between both touches no such pixel.

    Where grounds differ, only the inside of what both show is kept.
    """
    same = [mark for mark in before.marks if mark in after.marks]
    changed = [mark for mark in (*before.marks, *after.marks) if mark not in same]
    untouched = np.asarray(_cover(changed, before.size)) == 0
    if (before.ground, before.shade) == (after.ground, after.shade):
        return untouched
    return untouched & (np.asarray(_cover(same, before.size)) == 255)


def _cover(marks: Iterable[Mark], size: tuple[int, int]) -> Image.Image:
    """Return how much of each pixel some marks cover, from 0 to 255."""
    canvas = Image.new("L", size)
    for mark in marks:
        mark.paint(canvas, 255)
    return canvas
