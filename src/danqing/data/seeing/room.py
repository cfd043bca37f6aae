"""Rooms with a floor, a wall and things that stand, whose depth is known exactly.

All that is seen is a flat face, so the depth of a pixel is where its ray meets the plane of the
face on top. The camera looks straight ahead from 1.6 m with a lens that is shifted down; depth is
the distance along that axis, 2 m at the lower edge of the picture. What is further is paler, as in
fog, and faces of a solid are lighter or darker by where they look, so that depth can be seen.

Dimension key:
    H, W  picture in pixels
    N     faces

Space, in metres: across to the right, away from the camera, up from the floor.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.data.seeing.canvas import Canvas, canvas
from danqing.data.seeing.flat import trainable
from danqing.data.synthesis.propose import COMMON_SHAPES
from danqing.scorers.polyhedra import KINDS, Place, area, polyhedron
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, Point
from danqing.seeing.depth import WORLD

NEAR: Final = WORLD.near
FAR: Final = WORLD.far
"""Metres that a room lies between."""

_HEIGHT: Final = 1.6
_HORIZON: Final = 0.2
"""The horizon's place, as a share of the height; so the lower edge of a square is at 2 m."""
_WALLS: Final = (3.4, 4.0, 4.8, 6.0)
_SIDES: Final = 20.0
_FOG: Final = (214, 218, 224)
_THICK: Final = 0.5
"""Share of fog in what is furthest."""
_LIGHT: Final = (-0.55, -0.45, 0.7)
"""Where the light is."""
_DARKEST: Final = 0.62
_SOLID: Final = (0.45, 0.65)
_CUT_OUT: Final = (0.65, 1.05)
"""Radii in metres, at least and at most."""
_FACES: Final[dict[str, dict[str, tuple[Place, ...]]]] = {k: polyhedron(k) for k in KINDS}
_VISIBLE: Final = 0.45
"""The least share of a thing that nothing covers."""


class Face(NamedTuple):
    """A flat face, the light on it, and the number of the thing it is of; 0 is the room."""

    color: tuple[float, float, float]
    corners: tuple[Place, ...]
    thing: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A shape cut out and put upright, or a solid."""

    kind: str
    color: str
    across: float
    away: float
    """Metres to its middle."""
    radius: float
    """Metres; half the side of a solid."""
    turn: int
    """Degrees by which a solid is turned."""

    @property
    def reach(self) -> float:
        """Metres within which it stands."""
        return self.radius * math.sqrt(2) if self.kind in KINDS else 0.05


@dataclass(frozen=True, slots=True)
class Room:
    """Things in a room, the furthest first."""

    wall: float
    """Metres to the wall."""
    ground: str
    floor: str
    things: tuple[Standing, ...]

    def draw(self, size: tuple[int, int]) -> tuple[Image.Image, Float[np.ndarray, "H W"]]:
        """Return the room as an RGB picture, and the depth of every pixel in metres."""
        faces, painted = self._canvas(size)
        depth = _depth(faces, painted, size)
        flat = np.asarray(painted.painted(np.array([_FOG, *(f.color for f in faces)])), np.float64)
        fog = (_THICK * (depth - NEAR) / (FAR - NEAR))[..., None]
        return Image.fromarray(np.rint(flat * (1 - fog) + _FOG * fog).astype(np.uint8)), depth

    def visible(self) -> bool:
        """Return whether no thing is mostly covered."""
        size = (64, 64)
        faces, painted = self._canvas(size)
        owner = np.array([0, *(face.thing for face in faces)])[painted.shown]
        for number in range(1, len(self.things) + 1):
            mine = [_seen(f.corners, size) for f in faces if f.thing == number]
            if (owner == number).sum() < _VISIBLE * (canvas(mine, size).shown > 0).sum():
                return False
        return True

    def _canvas(self, size: tuple[int, int]) -> tuple[list[Face], Canvas]:
        faces = list(self._faces())
        return faces, canvas([_seen(face.corners, size) for face in faces], size)

    def _faces(self) -> Iterator[Face]:
        top = 2 * _SIDES
        wall = [(-_SIDES, 0.0), (_SIDES, 0.0), (_SIDES, top), (-_SIDES, top)]
        yield Face(
            _lit(BACKGROUNDS[self.ground], 1.0), tuple((x, self.wall, z) for x, z in wall), 0
        )
        floor = [(-_SIDES, 1.0), (_SIDES, 1.0), (_SIDES, self.wall), (-_SIDES, self.wall)]
        yield Face(_lit(BACKGROUNDS[self.floor], 0.8), tuple((x, y, 0.0) for x, y in floor), 0)
        for number, thing in enumerate(self.things, 1):
            solid = thing.kind in KINDS
            for corners in _solid(thing) if solid else [_cut_out(thing)]:
                light = _light(corners) if solid else 1.0
                yield Face(_lit(PALETTE[thing.color], light), corners, number)


def propose(rng: Random) -> Room:
    """Return a room of things that training may show together in their colours."""
    while True:
        wall = rng.choice(_WALLS)
        count = rng.randint(3, 5)
        colors = rng.sample(tuple(PALETTE), count)
        kinds = [rng.choice(KINDS if rng.random() < 0.4 else COMMON_SHAPES) for _ in colors]
        flat = [(k, c) for k, c in zip(kinds, colors, strict=True) if k not in KINDS]
        if flat and not trainable(*map(list, zip(*flat, strict=True))):
            continue
        things = sorted(
            (_standing(rng, kind, color, wall) for kind, color in zip(kinds, colors, strict=True)),
            key=lambda thing: -thing.away,
        )
        ground, floor = rng.sample(tuple(BACKGROUNDS), 2)
        room = Room(wall, ground, floor, tuple(things))
        inside = all(thing.away + thing.reach < wall for thing in things)
        in_turn = all(_in_turn(*pair) for pair in combinations(things, 2))
        if inside and in_turn and room.visible():
            return room


def _in_turn(far: Standing, near: Standing) -> bool:
    """Return whether painting the further one first is right, wherever they meet in the picture."""
    (left, right), (other_left, other_right) = _span(far), _span(near)
    beside = right < other_left or other_right < left
    return beside or far.away - near.away > far.reach + near.reach


def _span(thing: Standing) -> tuple[float, float]:
    """Return between which directions a thing surely lies, as across by away."""
    nearest, wide = thing.away - thing.reach, max(thing.radius, thing.reach)
    return (thing.across - wide) / nearest, (thing.across + wide) / nearest


def _standing(rng: Random, kind: str, color: str, wall: float) -> Standing:
    radius = round(rng.uniform(*_SOLID if kind in KINDS else _CUT_OUT), 2)
    thing = Standing(kind, color, 0.0, 0.0, radius, rng.randrange(90))
    away = round(rng.uniform(NEAR + thing.reach + 0.1, wall - 0.1), 2)
    return replace(thing, away=away, across=round(rng.uniform(-0.42, 0.42) * away, 2))


def _cut_out(thing: Standing) -> tuple[Place, ...]:
    outline = SHAPES[thing.kind]
    low = max(y for _, y in outline)
    return tuple(
        (thing.across + thing.radius * x, thing.away, thing.radius * (low - y)) for x, y in outline
    )


def _solid(thing: Standing) -> Iterator[tuple[Place, ...]]:
    """Yield the faces of a solid that look at the camera."""
    turn, side = math.radians(thing.turn), 2 * thing.radius
    cos, sin = side * math.cos(turn), side * math.sin(turn)
    for corners in _FACES[thing.kind].values():
        placed = tuple(
            (thing.across + cos * x - sin * y, thing.away + sin * x + cos * y, side * z)
            for x, y, z in corners
        )
        # Corners go round against the clock where a face is seen from outside.
        if area(_seen(placed, (1, 1))) < 0:
            yield placed


def _seen(corners: tuple[Place, ...], size: tuple[int, int]) -> list[Point]:
    """Return where corners lie in a picture, across and down in pixels."""
    middle, horizon, unit = size[0] / 2, _HORIZON * size[1], min(size)
    return [
        (middle + unit * across / away, horizon + unit * (_HEIGHT - up) / away)
        for across, away, up in corners
    ]


def _depth(faces: list[Face], painted: Canvas, size: tuple[int, int]) -> Float[np.ndarray, "H W"]:
    """Return where the ray of each pixel's middle meets the plane of its face."""
    width, height = size
    across = (np.arange(width) + 0.5 - width / 2) / min(size)
    down = (np.arange(height) + 0.5 - _HORIZON * height) / min(size)
    depth = np.full((height, width), FAR)
    for number, face in enumerate(faces, 1):
        normal = _normal(face.corners)
        offset = float(normal @ (np.array(face.corners[0]) - (0, 0, _HEIGHT)))
        toward = normal[0] * across[None] + normal[1] - normal[2] * down[:, None]
        mine = painted.shown == number
        depth[mine] = offset / toward[mine]
    return depth


def _normal(corners: tuple[Place, ...]) -> Float[np.ndarray, "3"]:
    a, b, c = (np.array(corner) for corner in corners[:3])
    normal = np.cross(b - a, c - a)
    return normal / np.linalg.norm(normal)


def _light(corners: tuple[Place, ...]) -> float:
    falls = float(_normal(corners) @ (np.array(_LIGHT) / np.linalg.norm(_LIGHT)))
    return _DARKEST + (1.1 - _DARKEST) * (falls + 1) / 2


def _lit(color: tuple[int, int, int], light: float) -> tuple[float, float, float]:
    red, green, blue = (light * value for value in color)
    return red, green, blue
