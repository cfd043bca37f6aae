"""Text along arcs, circles and waves: each glyph stands upright on its own bit of the path.

Dimension key: N points.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageChops, ImageDraw

from danqing.data.typeset.fonts import Face
from danqing.data.typeset.ink import language_of
from danqing.data.typeset.placed import Placed, PlacedLine
from danqing.scorers.world import Color, Language, Point

_SUPERSAMPLE = 2


@runtime_checkable
class Path(Protocol):
    """A line to write along."""

    @property
    def length(self) -> float:
        """In pixels."""
        ...

    def at(self, distance: float) -> tuple[Point, float]:
        """Return the point so far along, and the direction there in radians clockwise."""
        ...


@dataclass(frozen=True, slots=True)
class Arc:
    """Part of a circle; letters stand on the outside, or on the inside if it is hollow."""

    centre: Point
    radius: float
    middle: float
    """Where the arc's middle lies: radians clockwise from the top."""
    span: float
    """How much of the circle it is, in radians; a full turn is a circle."""
    hollow: bool = False
    """Whether letters stand upright at the bottom of a circle, their heads towards its centre."""

    @property
    def length(self) -> float:
        """In pixels."""
        return self.radius * self.span

    def at(self, distance: float) -> tuple[Point, float]:
        """Return the point so far along, and the direction there."""
        share = distance / self.length - 0.5
        angle = self.middle + (-share if self.hollow else share) * self.span
        x = self.centre[0] + self.radius * math.sin(angle)
        y = self.centre[1] - self.radius * math.cos(angle)
        return (x, y), angle + math.pi if self.hollow else angle


@dataclass(frozen=True)
class Wave:
    """A sine wave from the left to the right."""

    start: Point
    """Where its middle line begins."""
    width: float
    height: float
    """From the middle line to a crest, in pixels."""
    waves: float
    """How many crests."""
    phase: float = 0.0

    @cached_property
    def _table(self) -> Float64[np.ndarray, "3 N"]:
        """Across, down and the distance walked, at many points."""
        x = np.linspace(0.0, self.width, 1024)
        y = self.height * np.sin(2 * np.pi * self.waves * x / self.width + self.phase)
        walked = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        return np.stack([x + self.start[0], y + self.start[1], walked])

    @property
    def length(self) -> float:
        """In pixels."""
        return float(self._table[2, -1])

    def at(self, distance: float) -> tuple[Point, float]:
        """Return the point so far along, and the direction there."""
        x, y, walked = self._table
        here, ahead = (
            (float(np.interp(d, walked, x)), float(np.interp(d, walked, y)))
            for d in (distance - 1, distance + 1)
        )
        middle = ((here[0] + ahead[0]) / 2, (here[1] + ahead[1]) / 2)
        return middle, math.atan2(ahead[1] - here[1], ahead[0] - here[0])


def along(
    mask: Image.Image,
    text: str,
    face: Face,
    em: int,
    path: Path,
    color: Color,
    *,
    role: str,
    language: Language,
    tracking: float = 0.0,
) -> Placed | None:
    """Draw a text along a path, its middle at the path's.

    Args:
        mask: L; ink is laid on as 255.
        text: What to write.
        face: A typeface that draws all of it.
        em: Size in pixels an em.
        path: Where its base line runs.
        color: Noted, not drawn.
        role: What the string does in the picture.
        language: The string's language where its characters leave that open.
        tracking: Added between characters, in ems.

    Returns:
        Where it stands, with two corners a glyph on each side; nothing if the path is too short.
    """
    advances = [face.advance(c, em) + tracking * em for c in text]
    if sum(advances) > path.length or not text:
        return None
    walked = (path.length - sum(advances)) / 2
    upper: list[Point] = []
    lower: list[Point] = []
    for character, advance in zip(text, advances, strict=True):
        point, angle = path.at(walked + advance / 2)
        walked += advance
        if character.isspace():
            continue
        left, top, right, bottom = map(float, face.at(em).getbbox(character, anchor="ms"))
        upper += [_turned(point, angle, left, top), _turned(point, angle, right, top)]
        lower += [_turned(point, angle, left, bottom), _turned(point, angle, right, bottom)]
        _stamp(mask, character, face, em, point, angle)
    return Placed(
        text=text,
        lines=(PlacedLine(text, (*upper, *reversed(lower))),),
        face=face.name,
        size=float(em),
        color=color,
        language=language_of(text, language),
        role=role,
    )


def largest(text: str, face: Face, length: float, most: int, tracking: float = 0.0) -> int:
    """Return the size, in pixels an em, at which a text is as long as a path, or `most`."""
    ems = face.advance(text, 100) / 100 + tracking * len(text)
    return max(1, min(most, math.floor(0.97 * length / ems)))


def _turned(point: Point, angle: float, x: float, y: float) -> Point:
    cos, sin = math.cos(angle), math.sin(angle)
    return point[0] + x * cos - y * sin, point[1] + x * sin + y * cos


def _stamp(
    mask: Image.Image, character: str, face: Face, em: int, point: Point, angle: float
) -> None:
    """Lay one glyph on, turned about the middle of its base line."""
    half = math.ceil(1.6 * em)
    corner = math.floor(point[0]) - half, math.floor(point[1]) - half
    # The tile's centre is where the pen stands, to a fraction of a pixel.
    centre = (
        _SUPERSAMPLE * (point[0] - corner[0]),
        _SUPERSAMPLE * (point[1] - corner[1]),
    )
    side = _SUPERSAMPLE * 2 * half
    tile = Image.new("L", (side, side))
    font = face.at(_SUPERSAMPLE * em)
    ImageDraw.Draw(tile).text(centre, character, font=font, fill=255, anchor="ms")
    turned = tile.rotate(-math.degrees(angle), Image.Resampling.BICUBIC, center=centre)
    small = turned.reduce(_SUPERSAMPLE)
    area = (*corner, corner[0] + small.width, corner[1] + small.height)
    mask.paste(ImageChops.lighter(mask.crop(area), small), area)
