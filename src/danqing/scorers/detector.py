"""A judge's eye for the small world: which shapes a picture holds, where, and in which colour.

Deterministic and without weights, so that a score is the same everywhere and a reward costs
milliseconds. The ground is the median of the border in CIELAB; what differs from it and lies
nearer to a palette colour is foreground; one-coloured regions are compared, at equal centre and
area, with every shape's template in every small turn. What resembles nothing is `unknown`, so
the errors are rejections and hardly ever false credit.

Dimension key:
    H, W  picture in pixels    h, w  box of a thing    N  named colours
    T  templates    S  side of a template    P  its S * S pixels
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw

from danqing.scorers.color import nearest, swatches
from danqing.scorers.labels import labelled, palette
from danqing.scorers.regions import core, regions
from danqing.scorers.relations import Box
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, SMALLEST_HEXAGON

UNKNOWN: Final = "unknown"

_SIDE: Final = 64
_TURNS: Final = tuple(range(-16, 17, 4))
_SQUARE_SIDE: Final = 26
"""The side of a square template; no shape of that area reaches the border, however turned."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing seen."""

    shape: str
    """A shape's name, or `unknown`."""
    color: str
    """A palette colour's name, or `unknown`."""
    box: Box
    """In pixels."""
    area: float
    """Share of the picture."""
    overlap: float
    """Intersection over union with the best template: how sure the shape is."""
    shape_margin: float
    """How much better that is than the best template of any other shape."""
    color_margin: float
    """How much further, in Delta-E, the next palette colour is."""


@dataclass(frozen=True, slots=True)
class Sight:
    """All that is seen in one picture, the surest shape first."""

    background: str
    """A ground's name, or `unknown`."""
    detections: tuple[Detection, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapeDetector:
    """Finds the shapes of the small world; changed settings are another detector."""

    contrast: float = 12.0
    """Delta-E from the ground beyond which a pixel may be foreground."""
    smallest: float = 0.004
    """Smallest area of a thing, as a share of the picture."""
    overlap: float = 0.82
    """Intersection over union below which a shape is unknown."""
    overlaps: dict[str, float] = field(default_factory=lambda: {"star": 0.75})
    """The same for shapes that suffer more from blur."""
    color_reach: float = 30.0
    """Delta-E from every palette colour beyond which a colour is unknown."""
    ground_reach: float = 12.0
    """Delta-E from every ground beyond which a ground is unknown."""

    @property
    def digest(self) -> str:
        """Hex sha256 of all that a verdict depends on: settings, outlines and colours."""
        # Sines differ in their last bit from machine to machine.
        outlines = {name: [[round(x, 6), round(y, 6)] for x, y in SHAPES[name]] for name in SHAPES}
        world = [outlines, PALETTE, BACKGROUNDS, _TURNS, _SIDE, _SQUARE_SIDE, SMALLEST_HEXAGON]
        text = json.dumps([asdict(self), world], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def look(self, image: Image.Image) -> Sight:
        """Return the things and the ground that a picture shows."""
        seen = labelled(image, self.contrast)
        masks = regions(seen.labels, seen.reach, self.smallest * seen.labels.size)
        shapes = tuple(s for s in SHAPES if s != "hexagon" or min(image.size) >= SMALLEST_HEXAGON)
        found = [self._name(mask, seen.pixels, seen.reach, shapes) for mask in masks]
        found.sort(key=lambda thing: -thing.overlap)
        index, distance, _ = nearest(seen.ground, _grounds())
        known = distance <= self.ground_reach
        return Sight(list(BACKGROUNDS)[index] if known else UNKNOWN, tuple(found))

    def _name(
        self,
        mask: Bool[np.ndarray, "H W"],
        pixels: Float[np.ndarray, "3 H W"],
        reach: int,
        shapes: tuple[str, ...],
    ) -> Detection:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        crop = mask[top:bottom, left:right]
        overlaps = _overlaps(_normalized(crop), shapes)
        best, second = sorted(overlaps, key=overlaps.__getitem__, reverse=True)[:2]
        padded = np.pad(crop, reach).astype(np.uint8)
        middle = core(padded, reach)[reach:-reach, reach:-reach] > 0
        inside = pixels[:, top:bottom, left:right][:, middle if middle.any() else crop]
        needed = self.overlaps.get(best, self.overlap)
        color, distance, margin = nearest(np.median(inside, axis=1), palette())
        return Detection(
            shape=best if overlaps[best] >= needed else UNKNOWN,
            color=list(PALETTE)[color] if distance <= self.color_reach else UNKNOWN,
            box=(float(left), float(top), float(right), float(bottom)),
            area=float(crop.sum() / mask.size),
            overlap=overlaps[best],
            shape_margin=overlaps[best] - overlaps[second],
            color_margin=margin,
        )


@lru_cache(maxsize=1)
def _grounds() -> Float[np.ndarray, "N 3"]:
    return swatches(BACKGROUNDS.values())


def _normalized(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "S S"]:
    """Return a mask moved to the middle of a square and scaled to the templates' area."""
    rows, columns = np.nonzero(mask)
    step = math.sqrt(len(rows)) / _SQUARE_SIDE
    offsets = (np.arange(_SIDE) - (_SIDE - 1) / 2) * step
    y = np.rint(rows.mean() + offsets).astype(int)
    x = np.rint(columns.mean() + offsets).astype(int)
    inside_y, inside_x = (y >= 0) & (y < mask.shape[0]), (x >= 0) & (x < mask.shape[1])
    out = np.zeros((_SIDE, _SIDE), dtype=bool)
    out[np.ix_(inside_y, inside_x)] = mask[np.ix_(y[inside_y], x[inside_x])]
    return out


def _overlaps(mask: Bool[np.ndarray, "S S"], shapes: tuple[str, ...]) -> dict[str, float]:
    """Return each shape's best intersection over union over all its turns."""
    templates = _templates(shapes)
    flat = mask.ravel().astype(np.float32)
    shared = templates @ flat
    ratios = shared / (templates.sum(1) + flat.sum() - shared)
    best = ratios.reshape(len(shapes), len(_TURNS)).max(1)
    return dict(zip(shapes, map(float, best), strict=True))


@lru_cache(maxsize=2)
def _templates(shapes: tuple[str, ...]) -> Float[np.ndarray, "T P"]:
    """Return every shape in every turn, one flat template a row."""
    canvas = 8 * _SIDE
    rows = []
    for outline in map(SHAPES.__getitem__, shapes):
        for turn in _TURNS:
            cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            corners = [
                (canvas / 2 + 0.45 * canvas * (cos * x - sin * y),
                 canvas / 2 + 0.45 * canvas * (sin * x + cos * y))
                for x, y in outline
            ]  # fmt: skip
            drawn = Image.new("1", (canvas, canvas))
            ImageDraw.Draw(drawn).polygon(corners, fill=1)
            rows.append(_normalized(np.asarray(drawn)).ravel())
    return np.array(rows, dtype=np.float32)
