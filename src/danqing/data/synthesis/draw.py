"""Pictures of specifications, drawn so that what is asked for is plainly there.

A specification is first placed, then painted (see `placed`). All lengths here are fractions of the
shorter side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image

from danqing.data.synthesis.fonts import FACES, TRAINING_FACES, Face
from danqing.data.synthesis.placed import Letters, Mark, Placed, Thing
from danqing.data.synthesis.split import allowed_colors
from danqing.scorers.world import (
    BACKGROUNDS,
    PALETTE,
    RELATIONS,
    Color,
    Object,
    Point,
    Scene,
    Specification,
    TextSpec,
)

RADII = {1: (0.24, 0.34), 2: (0.17, 0.22), 3: (0.145, 0.18), 4: (0.13, 0.16), 5: (0.12, 0.145)}
"""Number of shapes in a picture: the range of the circles around them."""
_ROW_RADII = {1: (0.16, 0.2), 2: (0.13, 0.155), 3: (0.11, 0.13)}
"""Likewise for shapes that stand in a row, by the longer of two facing rows."""
_PLACES = {
    1: ((0.5, 0.5),),
    2: ((0.27, 0.5), (0.73, 0.5)),
    3: ((0.5, 0.27), (0.26, 0.72), (0.74, 0.72)),
    4: ((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)),
    5: ((0.5, 0.5), (0.22, 0.22), (0.78, 0.22), (0.22, 0.78), (0.78, 0.78)),
}
"""Number of shapes in a picture: where they stand in an even arrangement."""
MARGIN = 0.02
GAP = 0.03
_TEXT_WIDTH, _TEXT_HEIGHT = 0.78, 0.48
"""Room for a string; the height is that of a capital letter."""
_CELL, _LETTER = 0.25, 0.96
"""Room for one letter or character that stands apart, as a share of the width; that for the ink of
the widest letter, a W, as a share of its cell."""
_SQUARE = 0.92
"""The square of a character, as a share of its cell."""
_FEW = 4
"""Letters that have so wide a cell each; those of longer strings have half of it."""
_CHARACTER = 0.62
"""Room for one Chinese character, ink and all."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How much two pictures of one specification may differ."""

    jitter: int = 4
    """Largest change of a colour channel, in steps of 1/255; the world allows 14."""
    rotation: float = 6.0
    """Largest turn of a shape in degrees; the world allows 12."""
    freedom: float = 1.0
    """How far shapes may stray from an even arrangement: 0 is not at all, 1 anywhere."""
    sway: float = 0.03
    """Largest shift of a string from the centre, as a share of the picture's sides."""
    stretch: float = 0.06
    """Largest change of a string's size, as a share of that size."""
    cells: bool = False
    """Whether letters stand apart, each in a quarter of the picture's width, or an eighth where
    there are more than four; and Chinese characters where there are more than two."""
    fonts: tuple[str, ...] = TRAINING_FACES
    """Names of typefaces to choose from; those of the string's script are used."""


Circle = tuple[Point, float]
"""Centre and radius."""


def draw(
    spec: Specification,
    rng: Random,
    *,
    size: tuple[int, int] = (256, 256),
    style: Style | None = None,
) -> Image.Image:
    """Draw a specification; what it leaves open is drawn from `rng`.

    Args:
        spec: What the picture must show.
        rng: Decides places, sizes, turns, shades, typeface, and colours that are not specified.
        size: Width and height in pixels.
        style: How much of that freedom to use.

    Returns:
        An RGB picture of exactly `size`.
    """
    return place(spec, rng, size=size, style=style).draw()


def place(
    spec: Specification,
    rng: Random,
    *,
    size: tuple[int, int] = (256, 256),
    style: Style | None = None,
) -> Placed:
    """Return a specification as `draw` paints it, each thing in its place."""
    style = style or Style()
    ground = spec.background or rng.choice(tuple(BACKGROUNDS))
    color = shade(BACKGROUNDS[ground], rng, style.jitter)
    if isinstance(spec, TextSpec):
        return Placed(size, ground, color, (_write(spec, size, rng, style),))
    return Placed(size, ground, color, _arrange(spec, size, rng, style))


def shade(color: Color, rng: Random, jitter: int) -> Color:
    """Return a colour with each channel changed by at most `jitter` steps of 1/255."""
    red, green, blue = (min(255, max(0, c + rng.randint(-jitter, jitter))) for c in color)
    return red, green, blue


def _arrange(scene: Scene, size: tuple[int, int], rng: Random, style: Style) -> tuple[Mark, ...]:
    """Give every single shape of a scene its place, size, turn and colour."""
    colors = _choose_colors(scene.objects, rng)
    placed = scene.objects[-1].position
    if placed is None:
        circles = scatter(sum(thing.count for thing in scene.objects), size, rng, style.freedom)
    else:
        first, last = scene.objects[0].count, scene.objects[-1].count
        circles = _face(first, last, RELATIONS[placed[0]], size, rng, style.freedom)
    singles = [
        (thing.shape, color)
        for thing, color in zip(scene.objects, colors, strict=True)
        for _ in range(thing.count)
    ]
    return tuple(
        Thing(
            shape,
            color,
            shade(PALETTE[color], rng, style.jitter),
            centre,
            radius,
            math.radians(rng.uniform(-style.rotation, style.rotation)),
        )
        for (shape, color), (centre, radius) in zip(singles, circles, strict=True)
    )


def _choose_colors(things: Sequence[Object], rng: Random) -> list[str]:
    """Keep named colours; choose open ones that training may show, each a new one."""
    taken = [thing.color for thing in things]
    for i, thing in enumerate(things):
        taken[i] = thing.color or rng.choice(
            [c for c in allowed_colors(thing.shape) if c not in taken]
        )
    return [color for color in taken if color is not None]


def scatter(count: int, size: tuple[int, int], rng: Random, freedom: float) -> list[Circle]:
    """Place circles around an even arrangement, apart from each other and from the border.

    Args:
        count: How many, 1 to 5.
        size: Width and height in pixels.
        rng: Decides places and sizes.
        freedom: How far they may stray, as in `Style`.

    Returns:
        Centres and radii in pixels.
    """
    side = min(size)
    small, large = RADII[count]
    while True:
        circles: list[Circle] = []
        for _ in range(60):
            radius = side * _stray(rng, (small + large) / 2, small, large, freedom)
            inset = radius + MARGIN * side
            x, y = (
                _stray(rng, place * length, inset, length - inset, freedom)
                for place, length in zip(_PLACES[count][len(circles)], size, strict=True)
            )
            if all(
                math.dist((x, y), centre) > radius + other + GAP * side for centre, other in circles
            ):
                circles.append(((x, y), radius))
                if len(circles) == count:
                    return circles


def _stray(rng: Random, middle: float, low: float, high: float, freedom: float) -> float:
    """Return a number between the bounds, around the middle of as much of them as is free."""
    return rng.uniform(middle + (low - middle) * freedom, middle + (high - middle) * freedom)


def _face(
    anchors: int,
    subjects: int,
    direction: Point,
    size: tuple[int, int],
    rng: Random,
    freedom: float,
) -> list[Circle]:
    """Place two rows that face each other across the middle: first the anchors' row."""
    small, large = _ROW_RADII[max(anchors, subjects)]
    apart = _stray(rng, 0.245, 0.23, 0.26, freedom)
    drift = _stray(rng, 0.0, -0.025, 0.025, freedom)
    (ax, ay), circles = direction, list[Circle]()
    for count, side in ((anchors, -1), (subjects, 1)):
        step = 2 * large + _stray(rng, 0.055, 0.04, 0.07, freedom)
        wander = 0.09 if count == 1 else 0.02
        shift = _stray(rng, 0.0, -wander, wander, freedom)
        for i in range(count):
            # Rows stretch with the picture, so wide pictures are used in full.
            toward, along = side * apart, shift + step * (i - (count - 1) / 2)
            x = 0.5 + ax * toward + abs(ay) * along + abs(ax) * drift
            y = 0.5 + ay * toward + abs(ax) * along + abs(ay) * drift
            radius = _stray(rng, (small + large) / 2, small, large, freedom)
            circles.append(((x * size[0], y * size[1]), min(size) * radius))
    return circles


@lru_cache(maxsize=4096)
def _ink(face: Face, string: str) -> tuple[float, float, float, float]:
    """Return the box of a string's ink at one pixel an em."""
    left, top, right, bottom = face.at(200).getbbox(string)
    return left / 200, top / 200, right / 200, bottom / 200


def _write(spec: TextSpec, size: tuple[int, int], rng: Random, style: Style) -> Letters:
    """Give a string its place, large and near the centre."""
    face = rng.choice([FACES[f] for f in style.fonts if FACES[f].script == spec.language])
    width, height = size
    # Centring on a capital, or on a full character, keeps one base line for all strings.
    _, top, _, bottom = _ink(face, "H" if spec.language == "en" else "国")
    left, _, right, _ = _ink(face, spec.string)
    pieces, count = {0.0: spec.string}, len(spec.string)
    if spec.language == "zh":
        room = min(_TEXT_WIDTH * width / count, _CHARACTER * height)
        if style.cells and count > 2:
            pieces = _apart(spec.string, _CELL * width)
            room = min(_CELL * width * _SQUARE, _CHARACTER * height)
    else:
        room = min(_TEXT_WIDTH * width / (right - left), _TEXT_HEIGHT * height / (bottom - top))
        if style.cells:
            cell = _CELL * width / (1 if count <= _FEW else 2)
            pieces = _apart(spec.string, cell)
            left, _, right, _ = _ink(face, "W")
            room = min(_LETTER * cell / (right - left), _TEXT_HEIGHT * height / (bottom - top))
    em = round(room * rng.uniform(1 - style.stretch, 1 + style.stretch))
    middle = width * (0.5 + rng.uniform(-style.sway, style.sway))
    y = height * (0.5 + rng.uniform(-style.sway, style.sway)) - em * (top + bottom) / 2
    color = shade(PALETTE[spec.color], rng, style.jitter)
    extents = {shift: _extent(face, piece) for shift, piece in pieces.items()}
    reach = [(shift, em * (right - left) / 2) for shift, (left, right) in extents.items()]
    # A string as wide as the picture would lose a piece of a letter by the least sway.
    first, last = -min(s - r for s, r in reach), width - max(s + r for s, r in reach)
    x = min(max(middle, first), last) if first < last else (first + last) / 2
    written = tuple(
        ((x + shift - em * sum(extents[shift]) / 2, y), piece) for shift, piece in pieces.items()
    )
    return Letters(spec.string, spec.language, spec.color, color, written, face, em)


def _extent(face: Face, piece: str) -> tuple[float, float]:
    """Return where a piece begins and ends at one pixel an em; a character has its whole square."""
    if face.script == "zh" and len(piece) == 1:
        return 0.0, 1.0
    left, _, right, _ = _ink(face, piece)
    return left, right


def _apart(string: str, cell: float) -> dict[float, str]:
    """Return letters by how far their middles lie from the picture's, each in a cell.

    Cells are always the same ones, those of a full picture: an odd number of small cells would
    otherwise lie across those of an even number.
    """
    middle = (len(string) - 1) / 2 if len(string) <= _FEW else len(string) // 2 - 0.5
    return {(i - middle) * cell: letter for i, letter in enumerate(string)}
