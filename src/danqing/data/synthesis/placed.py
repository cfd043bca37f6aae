"""Pictures before they are painted: a ground, and what stands on it in its place.

What a picture shows is one list, so a picture with one thing changed is the same list with one
entry changed, and every other pixel stays as it was. Shapes are stamped through a mask of three
times their size, so edges are smooth and only the shape's own box is ever drawn large.

Dimension key:
    H, W  picture in pixels
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageDraw

from danqing.data.synthesis.fonts import Face
from danqing.scorers.relations import Box
from danqing.scorers.world import SHAPES, Color, Language, Point

SUPERSAMPLE: Final = 3
"""How much larger masks are drawn than they are used."""


class Stencil(NamedTuple):
    """How much of each pixel something covers."""

    left: int
    """Where it begins in the picture."""
    top: int
    mask: Image.Image
    """Coverage from 0 to 255; nothing outside of it is covered."""


@runtime_checkable
class Mark(Protocol):
    """Something that stands on a ground; equal marks look the same."""

    @property
    def shade(self) -> Color:
        """The colour it is painted in."""
        ...

    @property
    def record(self) -> dict[str, Any]:
        """What it is, as plain data without its place."""
        ...

    def stencil(self) -> Stencil:
        """Return where it is, smooth at its edges."""
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

    def stencil(self) -> Stencil:
        """Return its outline, filled."""
        left, top = (math.floor(c - self.radius) for c in self.centre)
        side = math.ceil(2 * self.radius) + 2
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        x0, y0 = self.centre[0] - left, self.centre[1] - top
        outline = [
            (
                SUPERSAMPLE * (x0 + self.radius * (cos * x - sin * y)),
                SUPERSAMPLE * (y0 + self.radius * (sin * x + cos * y)),
            )
            for x, y in SHAPES[self.shape]
        ]
        mask = Image.new("L", (SUPERSAMPLE * side, SUPERSAMPLE * side))
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        return Stencil(left, top, mask.reduce(SUPERSAMPLE))


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

    def stencil(self) -> Stencil:
        """Return its ink."""
        font = self.face.at(self.em)
        ruler = ImageDraw.Draw(Image.new("L", (1, 1)))
        # Pillow rounds places below zero otherwise, so none becomes one and none stops being one.
        corners = [corner for corner, _ in self.pieces]
        boxes = [ruler.textbbox(corner, piece, font=font) for corner, piece in self.pieces]
        left, top = (
            max(0, math.floor(min(place[i] for place in (*boxes, *corners)))) for i in (0, 1)
        )
        right, bottom = (math.ceil(max(box[i] for box in boxes)) for i in (2, 3))
        mask = Image.new("L", (right - left, bottom - top))
        for (x, y), piece in self.pieces:
            ImageDraw.Draw(mask).text((x - left, y - top), piece, font=font, fill=255)
        return Stencil(left, top, mask)


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

    @property
    def things(self) -> tuple[Thing, ...]:
        """The shapes among its marks."""
        return tuple(mark for mark in self.marks if isinstance(mark, Thing))

    def exchanged(self, old: Mark, new: Mark | None) -> "Placed":
        """Return it with one mark in the place of another, or without it; the rest stays."""
        marks = (new if mark is old else mark for mark in self.marks)
        return replace(self, marks=tuple(mark for mark in marks if mark is not None))

    def draw(self) -> Image.Image:
        """Return it as an RGB picture of exactly its size."""
        image = Image.new("RGB", self.size, self.shade)
        for mark in self.marks:
            left, top, mask = _stencil(mark)
            image.paste(mark.shade, (left, top), mask)
        return image

    @property
    def contents(self) -> dict[str, Any]:
        """What it shows as plain data, without places and in an order that equal ones share."""
        marks = sorted((mark.record for mark in self.marks), key=repr)
        return {"background": self.ground, "marks": marks}

    @property
    def record(self) -> dict[str, Any]:
        """What it shows as plain data, every mark with its box (left, top, right, bottom) and area.

        Both are in pixels.
        """
        marks = [mark.record | {"box": list(box(mark)), "area": area(mark)} for mark in self.marks]
        return {"background": self.ground, "marks": marks}


def box(mark: Mark) -> Box:
    """Return the smallest box of pixels that holds a mark."""
    left, top, mask = _stencil(mark)
    inner = mask.getbbox()
    assert inner is not None, "a mark has no ink"
    x0, y0, x1, y1 = map(float, inner)
    return left + x0, top + y0, left + x1, top + y1


def area(mark: Mark) -> float:
    """Return how many pixels a mark covers."""
    return round(float(np.asarray(_stencil(mark).mask).sum()) / 255, 1)


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
        left, top, mask = _stencil(mark)
        canvas.paste(255, (left, top), mask)
    return canvas


@lru_cache(maxsize=64)
def _stencil(mark: Mark) -> Stencil:
    """Return a mark's stencil; a thing that stays is needed for several pictures in a row."""
    return mark.stencil()
