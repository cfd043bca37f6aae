"""Solids of the small world: their faces, and where those lie as seen from a corner.

A solid stands on a footprint with four sides, numbered counterclockwise from above. It is seen in
parallel projection from over, or under, one of the four corners, so that of its sides exactly two
show: side `corner` on the left and the next one on the right.

Space: x to the right and y away of the one who looks at side 3, z up.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from danqing.scorers.world import Point

Kind = Literal["cuboid", "pyramid", "prism"]
Place = tuple[float, float, float]
Face = tuple[str, list[Point]]
"""A colour, and an outline across and down in any unit."""

KINDS: Final[tuple[Kind, ...]] = ("cuboid", "pyramid", "prism")
SIDES: Final = 4
TOP: Final = "top"
BOTTOM: Final = "bottom"
ELEVATION: Final = 28.0
"""Degrees over or under the horizon from which a solid is seen."""

_EDGE: Final = ((0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5))
"""The footprint's corners: side `i` goes from corner `i` to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A solid, and from where it is seen."""

    kind: Kind
    """A prism lies on a side, its triangles over sides 0 and 2."""
    extent: Place
    """Length along x and y, and height."""
    colors: dict[str, str]
    """The colour of every face by its name: `0` to `3`, `top` and `bottom`."""
    corner: int = 0
    """Which side shows on the left; the corner after it is the nearest."""
    below: bool = False
    """Whether it is seen from under it."""

    @property
    def left(self) -> str:
        """The colour of the side that shows on the left."""
        return self.colors[str(self.corner)]

    @property
    def right(self) -> str:
        """The colour of the side that shows on the right."""
        return self.colors[str((self.corner + 1) % SIDES)]

    def turned(self, quarters: int) -> "Solid":
        """Return it turned by so many quarters, its right side coming to the left with each."""
        return replace(self, corner=(self.corner + quarters) % SIDES)

    def painted(self, left: str, right: str) -> "Solid":
        """Return it with other colours on the two sides that show."""
        sides = {str(self.corner): left, str((self.corner + 1) % SIDES): right}
        return replace(self, colors={**self.colors, **sides})

    def seen(self, elevation: float = ELEVATION, swing: float = 0.0) -> list[Face]:
        """Return every face that shows, in the unit of `extent`.

        Args:
            elevation: Degrees over the horizon, or under it if it is seen from below.
            swing: Degrees by which it is seen from beside the corner.
        """
        azimuth = math.radians(45 + 90 * self.corner + swing)
        height = math.radians(-elevation if self.below else elevation)
        cos, sin = math.cos(azimuth), math.sin(azimuth)
        flat, steep = math.cos(height), math.sin(height)
        shown: list[Face] = []
        for name, corners in polyhedron(self.kind).items():
            long, deep, high = self.extent
            places = [(x * long, y * deep, z * high) for x, y, z in corners]
            outline = [
                (y * cos - x * sin, (x * cos + y * sin) * steep - z * flat) for x, y, z in places
            ]
            # Corners go round against the clock where a face is seen from outside.
            if area(outline) < 0:
                shown.append((self.colors[name], outline))
        return shown


def polyhedron(kind: Kind) -> dict[str, tuple[Place, ...]]:
    """Return the corners of each face in a unit box, counterclockwise from outside."""
    floor = [(x, y, 0.0) for x, y in _EDGE]
    if kind == "cuboid":
        roof = [(x, y, 1.0) for x, y in _EDGE]
    elif kind == "pyramid":
        roof = [(0.0, 0.0, 1.0)] * SIDES
    else:
        roof = [(x, 0.0, 1.0) for x, _ in _EDGE]
    sides = {
        str(i): (floor[i], floor[(i + 1) % SIDES], roof[(i + 1) % SIDES], roof[i])
        for i in range(SIDES)
    }
    top = {TOP: tuple(roof)} if kind == "cuboid" else {}
    return {**sides, **top, BOTTOM: tuple(reversed(floor))}


def area(outline: list[Point]) -> float:
    """Return the area inside an outline, above 0 where it goes with the clock on a screen."""
    following = [*outline[1:], outline[0]]
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(outline, following, strict=True)) / 2
