"""Solids to be seen from another side: which there are, and how they look.

Proportions that are asked for are not trained on; what is asked is dealt by hash into `dev` and
`test`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Final

from PIL import Image, ImageDraw

from danqing.data.synthesis.draw import shade
from danqing.data.synthesis.instructions import Change, instruction
from danqing.data.synthesis.split import Part, part_of
from danqing.scorers.polyhedra import KINDS, SIDES, Face, Solid, polyhedron
from danqing.scorers.world import BACKGROUNDS, PALETTE, Language

Proportions = tuple[tuple[float, ...], tuple[float, ...]]
"""Lengths along each side of the footprint, and heights."""
ASKED: Final[Proportions] = ((0.8, 1.0, 1.25), (0.85, 1.0, 1.2))
"""Those of benchmarks."""
TRAINED: Final[Proportions] = ((0.7, 0.9, 1.1, 1.4), (0.75, 0.95, 1.1, 1.35))
"""Those of training, none of which a benchmark has."""
_ELEVATIONS, _SWINGS = (20.0, 28.0, 36.0), (-12.0, 0.0, 12.0)
_ROOM: Final = 0.82
"""The diagonal of the box around a solid, as a share of the picture's shorter side."""
_SUPERSAMPLE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A solid on a ground, and how it is to be seen instead."""

    solid: Solid
    change: Change
    ground: str

    @property
    def record(self) -> dict[str, Any]:
        """Plain data that `turn` reads."""
        return asdict(self)

    @property
    def id(self) -> str:
        """Hex sha256 of the record as JSON with sorted keys."""
        return hashlib.sha256(json.dumps(self.record, sort_keys=True).encode()).hexdigest()

    @property
    def outcome(self) -> Solid:
        """The solid as it is to be seen."""
        quarters = {"left": 1, "right": -1, "behind": 2}.get(self.change, 0)
        seen = self.solid.turned(quarters)
        return replace(seen, below=True) if self.change == "below" else seen

    @property
    def truths(self) -> list[list[Face]]:
        """The faces that should show: one truth, or of what is described every one that fits."""
        if self.change != "described":
            return [self.outcome.seen()]
        # A prism may lie either way.
        either = self.solid, self.solid.turned(1).painted(self.solid.left, self.solid.right)
        return [
            replace(lying, extent=(1.0, 1.0, height)).seen(elevation, swing)
            for lying in either
            for height in (0.75, *ASKED[1], 1.4)
            for elevation in _ELEVATIONS
            for swing in _SWINGS
        ]


def turn(record: Mapping[str, Any]) -> Turn:
    """Return the turn that a record tells."""
    return Turn(solid=Solid(**record["solid"]), change=record["change"], ground=record["ground"])


def turns(
    change: Change, count: int, part: Part = "test", language: Language | None = None
) -> list[tuple[Turn, str, Language]]:
    """Return different solids to be turned with a prompt each and its language, always the same.

    Args:
        change: How they are to be turned.
        count: How many.
        part: Which part of all there are.
        language: The language of prompts; None: English and Chinese in turn.
    """
    rng = Random(f"danqing solids {part} {change}")
    found: dict[str, tuple[Turn, str, Language]] = {}
    while len(found) < count:
        wanted = propose(rng, change, ASKED)
        if part_of(wanted.id) == part:
            told: Language = language or ("en", "zh")[len(found) % 2]
            found.setdefault(
                wanted.id,
                (wanted, instruction(change, wanted.outcome, wanted.ground, told, rng), told),
            )
    return list(found.values())


def draw_solid(
    seen: Solid, ground: str, rng: Random, *, size: tuple[int, int] = (256, 256), jitter: int = 4
) -> Image.Image:
    """Draw a solid as it is seen, its faces plain and without outlines.

    Args:
        seen: The solid, and from where it is seen.
        ground: The background's colour.
        rng: Decides shades and place.
        size: Width and height in pixels.
        jitter: Largest change of a colour channel, in steps of 1/255.

    Returns:
        An RGB picture of exactly `size`.
    """
    width, height = (_SUPERSAMPLE * length for length in size)
    large = Image.new("RGB", (width, height), shade(BACKGROUNDS[ground], rng, jitter))
    scale = _ROOM * min(width, height) / sum(length**2 for length in seen.extent) ** 0.5
    shown = seen.seen()
    xs, ys = zip(*(point for _, outline in shown for point in outline), strict=True)
    x = width * (0.5 + rng.uniform(-0.03, 0.03)) - scale * (min(xs) + max(xs)) / 2
    y = height * (0.5 + rng.uniform(-0.03, 0.03)) - scale * (min(ys) + max(ys)) / 2
    for color, outline in shown:
        places = [(x + scale * across, y + scale * down) for across, down in outline]
        ImageDraw.Draw(large).polygon(places, fill=shade(PALETTE[color], rng, jitter))
    return large.reduce(_SUPERSAMPLE)


def propose(rng: Random, change: Change, proportions: Proportions) -> Turn:
    """Return a random solid to be turned, of any part."""
    solid = _solid(rng, change, *proportions)
    return Turn(solid=solid, change=change, ground=rng.choice(tuple(BACKGROUNDS)))


def _solid(
    rng: Random, change: Change, lengths: Sequence[float], heights: Sequence[float]
) -> Solid:
    kind = rng.choice(KINDS)
    names = tuple(polyhedron(kind))
    # Proportions are not told, so what is only described has those that one thinks of.
    extent = (
        (1.0, 1.0, 1.0)
        if change == "described"
        else (rng.choice(lengths), rng.choice(lengths), rng.choice(heights))
    )
    colors = dict(zip(names, rng.sample(tuple(PALETTE), len(names)), strict=True))
    return Solid(kind=kind, extent=extent, colors=colors, corner=rng.randrange(SIDES))
