"""The small world: what a picture may be asked to hold, said without words or pixels.

A *specification* is what a prompt demands and a judge checks, whatever language the prompt
is written in and however the picture is drawn. Two specifications that demand the same
("a star left of a heart", "a heart right of a star") have one canonical JSON and one id, so a
split by id cannot leak. The record has GenEval's shape (Ghosh et al. 2023, arXiv:2310.11513).

Outlines are unit polygons: y points down, the furthest corner lies at distance 1 from (0, 0).
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Point = tuple[float, float]
Color = tuple[int, int, int]
Relation = Literal["left of", "right of", "above", "below"]
Language = Literal["en", "zh"]

SCENE_CATEGORIES: Final = (
    "single_object",
    "two_object",
    "counting",
    "colors",
    "position",
    "color_attr",
    "compound",
)
TEXT_CATEGORIES: Final = ("text_en", "text_zh")
CATEGORIES: Final = SCENE_CATEGORIES + TEXT_CATEGORIES

RELATIONS: Final[dict[Relation, Point]] = {
    "left of": (-1.0, 0.0),
    "right of": (1.0, 0.0),
    "above": (0.0, -1.0),
    "below": (0.0, 1.0),
}
"""The direction from the anchor to the object that stands `relation` it."""

MIRRORED: Final[dict[Relation, Relation]] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}

PALETTE: Final[dict[str, Color]] = {
    "red": (214, 32, 38),
    "orange": (248, 136, 16),
    "yellow": (246, 220, 30),
    "green": (32, 148, 60),
    "blue": (32, 78, 208),
    "purple": (126, 48, 164),
    "pink": (250, 128, 190),
    "brown": (116, 70, 34),
    "black": (18, 18, 20),
    "white": (250, 250, 250),
}
"""GenEval's ten colours as sRGB."""

BACKGROUNDS: Final[dict[str, Color]] = {
    "gray": (176, 176, 176),
    "cream": (236, 220, 188),
    "mint": (188, 220, 204),
    "sky": (186, 208, 234),
}
"""Low-chroma grounds, light enough for dark text and clear of every palette colour."""

TEXT_COLORS: Final = ("black", "red", "blue", "green")
"""Palette colours that stay legible on every ground."""

SMALLEST_HEXAGON: Final = 192
"""Below this side, in pixels, a hexagon cannot be told from a circle."""


def _ring(corners: int, turn: float = 0.0) -> tuple[Point, ...]:
    """Return a regular polygon; at `turn` 0 one corner points up."""
    steps = (turn + 2 * math.pi * i / corners for i in range(corners))
    return tuple((math.sin(a), -math.cos(a)) for a in steps)


def _star() -> tuple[Point, ...]:
    """Return a five-pointed star, a little fuller than the pentagram to survive blur."""
    inner = 0.45
    outer_ring, inner_ring = _ring(5), _ring(5, math.pi / 5)
    corners: list[Point] = []
    for tip, (x, y) in zip(outer_ring, inner_ring, strict=True):
        corners += [tip, (inner * x, inner * y)]
    return tuple(corners)


def _heart() -> tuple[Point, ...]:
    """Return the familiar parametric heart, centred and scaled to the unit circle."""
    angles = [2 * math.pi * i / 48 for i in range(48)]
    raw = [
        (
            16 * math.sin(a) ** 3,
            -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)),
        )
        for a in angles
    ]
    middle = (max(y for _, y in raw) + min(y for _, y in raw)) / 2
    reach = max(math.hypot(x, y - middle) for x, y in raw)
    return tuple((x / reach, (y - middle) / reach) for x, y in raw)


def _cross() -> tuple[Point, ...]:
    """Return an upright cross with four equal arms."""
    arm = 0.34
    quarter = [(arm, -1.0), (arm, -arm), (1.0, -arm)]
    reach = math.hypot(arm, 1.0)
    corners: list[Point] = []
    for _ in range(4):
        corners += quarter
        quarter = [(-y, x) for x, y in quarter]
    return tuple((x / reach, y / reach) for x, y in corners)


SHAPES: Final[dict[str, tuple[Point, ...]]] = {
    "circle": _ring(48),
    "square": _ring(4, math.pi / 4),
    "triangle": _ring(3),
    "star": _star(),
    "heart": _heart(),
    "cross": _cross(),
    "diamond": tuple((0.68 * x, y) for x, y in _ring(4)),
    "hexagon": _ring(6),
}
"""Every shape's outline. A diamond is slimmer than a turned square, so rotation cannot mix them."""


@dataclass(frozen=True, slots=True)
class Object:
    """`count` equal things of one shape."""

    shape: str
    count: int = 1
    color: str | None = None
    """None: any colour will do."""
    position: tuple[Relation, int] | None = None
    """Where it stands, and the index of the object it is measured from."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A specification of shapes on a ground."""

    category: str
    objects: tuple[Object, ...]
    background: str | None = None
    """None: any ground will do."""

    @property
    def record(self) -> dict[str, object]:
        """Plain data with what is demanded and nothing else, objects in their own order."""
        include = [_object_record(thing) for thing in self.objects]
        return _without_none(
            {"tag": self.category, "include": include, "background": self.background}
        )

    @property
    def canonical(self) -> str:
        """One JSON text for all ways to say this scene."""
        return _dump(Scene(self.category, _in_order(self.objects), self.background).record)

    @property
    def id(self) -> str:
        """Hex sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TextSpec:
    """A specification of one written string on a ground."""

    category: str
    string: str
    language: Language
    color: str
    background: str

    @property
    def record(self) -> dict[str, object]:
        """Plain data with what is demanded."""
        text = {"string": self.string, "lang": self.language, "color": self.color}
        return {"tag": self.category, "text": text, "background": self.background}

    @property
    def canonical(self) -> str:
        """The record as JSON with sorted keys."""
        return _dump(self.record)

    @property
    def id(self) -> str:
        """Hex sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


Specification = Scene | TextSpec


def specification(record: Any) -> Specification:
    """Return the specification that a record tells.

    Raises:
        ValueError: it is no record of a specification.
    """
    try:
        if (text := record.get("text")) is not None:
            return TextSpec(
                record["tag"], text["string"], text["lang"], text["color"], record["background"]
            )
        return Scene(
            record["tag"], tuple(map(_object, record["include"])), record.get("background")
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is no specification ({error!r})") from error


def _object(record: Mapping[str, Any]) -> Object:
    position = record.get("position")
    placed = (position[0], position[1]) if position else None
    return Object(record["shape"], record["count"], record.get("color"), placed)


def _object_record(thing: Object) -> dict[str, object]:
    position = list(thing.position) if thing.position else None
    return _without_none(
        {"shape": thing.shape, "count": thing.count, "color": thing.color, "position": position}
    )


def _without_none(record: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in record.items() if value is not None}


def _dump(record: dict[str, object]) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _in_order(objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """Return the objects in the order that every equal scene shares."""
    if all(thing.position is None for thing in objects):
        return tuple(sorted(objects, key=lambda thing: _dump(_object_record(thing))))
    anchor, placed = objects
    assert anchor.position is None
    assert placed.position is not None
    relation = placed.position[0]
    if relation in ("left of", "above"):
        return objects
    first = Object(placed.shape, placed.count, placed.color)
    second = Object(anchor.shape, anchor.count, anchor.color, (MIRRORED[relation], 0))
    return first, second
