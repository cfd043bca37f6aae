"""What a rendered picture holds: every string, where it stands and how it looks.

Dimension key: N corners of a polygon.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.scorers.world import Color, Language, Point

Points = Float[np.ndarray, "N 2"]
"""Across and down, in pixels."""

Polygon = tuple[Point, ...]
"""Four or more corners in pixels, from the start of the upper edge on around the ink."""


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One line of a string, as it was broken."""

    text: str
    polygon: Polygon


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """One string of a picture."""

    text: str
    """Every character of it; at a line's end, only white space is not drawn."""
    lines: tuple[PlacedLine, ...]
    """Where each line's ink stands."""
    face: str
    """The typeface, by family and style."""
    size: float
    """Pixels an em, before any bending or tilting."""
    color: Color
    language: Language
    role: str
    """What it does there, such as `title` or `price`."""

    @property
    def polygon(self) -> Polygon:
        """The polygon of a single line; of several, the upright box around them."""
        if len(self.lines) == 1:
            return self.lines[0].polygon
        xs, ys = zip(*(corner for line in self.lines for corner in line.polygon), strict=True)
        return box(min(xs), min(ys), max(xs), max(ys))

    def moved(self, forward: Callable[[Points], Points], each: int = 1) -> "Placed":
        """Return the string where a change of the whole picture takes it.

        Args:
            forward: From points of the old picture to points of the new one.
            each: Points on an edge of a polygon; a change that bends edges needs more than one.
        """
        lines = tuple(
            PlacedLine(line.text, polygon(forward(_divided(line.polygon, each))))
            for line in self.lines
        )
        return replace(self, lines=lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A rendered picture with all that is known about it."""

    image: Image.Image
    """RGB."""
    strings: tuple[Placed, ...]
    """In the order in which they are read."""
    kind: str
    """`pure`, `compositional` or `complex`."""
    template: str
    """What was drawn, by its name among the pictures of this kind."""
    language: Language
    said: dict[Language, str]
    """What the picture is, without its strings, to begin a caption with."""

    def meta(self) -> str:
        """Return everything but the pixels, as JSON."""
        strings = [
            {
                "text": placed.text,
                "polygon": _rounded(placed.polygon),
                "lines": [
                    {"text": line.text, "polygon": _rounded(line.polygon)} for line in placed.lines
                ],
                "face": placed.face,
                "size": round(placed.size, 1),
                "color": "#{:02x}{:02x}{:02x}".format(*placed.color),
                "language": placed.language,
                "role": placed.role,
            }
            for placed in self.strings
        ]
        known: dict[str, Any] = {
            "kind": self.kind,
            "template": self.template,
            "language": self.language,
            "size": list(self.image.size),
            "strings": strings,
        }
        return json.dumps(known, ensure_ascii=False)


class Refused(Exception):
    """This draw of content, size and typeface cannot be set; another may.

    It never leaves the package: the source tries again, and reports a trouble in the end.
    """


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    """Return an upright rectangle as a polygon."""
    return (left, top), (right, top), (right, bottom), (left, bottom)


def polygon(points: Points) -> Polygon:
    """Return an array of corners as a polygon."""
    return tuple((float(x), float(y)) for x, y in points)


def _divided(corners: Polygon, each: int) -> Points:
    """Return a polygon's corners with points between them, closely spaced ones as they are."""
    here = np.asarray(corners, np.float64)
    if each == 1 or len(corners) > 4:
        return here
    step = np.linspace(0, 1, each, endpoint=False)[None, :, None]
    return (here[:, None] * (1 - step) + np.roll(here, -1, 0)[:, None] * step).reshape(-1, 2)


def _rounded(corners: Polygon) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]
