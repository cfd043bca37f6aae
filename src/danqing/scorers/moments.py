"""A second eye for the small world, which shares no rule with the first: it guards the judge.

Where `detector` compares colours in CIELAB and whole outlines with templates, this one parts things
from the commonest colour of the picture, names colours by hue, and shapes by how far they reach
from the middle in each direction: the sizes of the Fourier coefficients of that distance, which no
turn changes (centroid-distance descriptors; Zhang and Lu, 2002). It is coarser, and names whatever
is not far from all shapes; what both eyes see alike can hardly be a mistake of either.

Dimension key:
    H, W  picture in pixels    K  coefficients
"""

import colorsys
import math
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw

from danqing.scorers.detector import UNKNOWN, Detection, Sight
from danqing.scorers.regions import components
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, SMALLEST_HEXAGON

_CONTRAST: Final = 36
"""Largest difference of a channel from the ground, beyond which a pixel belongs to a thing."""
_SMALLEST: Final = 0.004
"""Smallest area of a thing, as a share of the picture."""
_DIRECTIONS: Final = 72
_KEPT: Final = 10
_REACH: Final = 0.15
"""Distance of descriptors beyond which a shape is unknown."""
_DARK, _PALE, _DULL = 0.2, 0.12, 0.6
"""Below this value a colour is black; below this saturation white; and an orange below this value
is brown."""


class MomentDetector:
    """Finds the shapes of the small world by another way than `ShapeDetector`."""

    def look(self, image: Image.Image) -> Sight:
        """Return the things and the ground that a picture shows, the surest shape first."""
        pixels = np.asarray(image.convert("RGB"))
        ground = _commonest(pixels)
        thing = np.abs(pixels.astype(int) - ground).max(-1) > _CONTRAST
        parts = components(thing.astype(np.uint8))
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        found = [
            _named(_firm(parts == part, pixels, ground), pixels)
            for part in np.flatnonzero(sizes >= _SMALLEST * parts.size)
        ]
        distances = {
            name: float(np.abs(np.array(color) - ground).max())
            for name, color in BACKGROUNDS.items()
        }
        nearest = min(distances, key=distances.__getitem__)
        known = distances[nearest] <= _CONTRAST / 2
        found.sort(key=lambda seen: -seen.overlap)
        return Sight(nearest if known else UNKNOWN, tuple(found))


def hue_name(red: float, green: float, blue: float) -> str:
    """Return the palette colour of a colour with channels from 0 to 1, by its hue."""
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < _DARK:
        return "black"
    if saturation < _PALE:
        return "white" if value > 1 - _PALE else UNKNOWN
    gaps = {
        name: abs((hue - other + 0.5) % 1 - 0.5)
        for name, other in _hues().items()
        if (name == "brown") == (value < _DULL and hue < 0.15)
    }
    return min(gaps, key=gaps.__getitem__)


def _commonest(pixels: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "3"]:
    """Return the mean of the pixels that share the commonest coarse colour."""
    coarse = (pixels // 16).astype(int) @ np.array([256, 16, 1])
    return pixels[coarse == np.bincount(coarse.ravel()).argmax()].mean(0)


def _firm(
    mask: Bool[np.ndarray, "H W"],
    pixels: UInt8[np.ndarray, "H W 3"],
    ground: Float[np.ndarray, "3"],
) -> Bool[np.ndarray, "H W"]:
    """Return a thing without its halo: the pixels that are nearer to its colour than the ground."""
    color = np.median(pixels[mask], axis=0)
    near, far = (np.linalg.norm(pixels - other, axis=-1) for other in (color, ground))
    return mask & (near < far)


def _named(mask: Bool[np.ndarray, "H W"], pixels: UInt8[np.ndarray, "H W 3"]) -> Detection:
    rows, columns = np.nonzero(mask)
    seen = descriptor(mask)
    small = min(mask.shape) < SMALLEST_HEXAGON
    gaps = {
        name: float(np.abs(seen - known).sum())
        for name, known in _descriptors().items()
        if name != "hexagon" or not small
    }
    first, second = sorted(gaps, key=gaps.__getitem__)[:2]
    red, green, blue = np.median(pixels[mask], axis=0) / 255
    return Detection(
        shape=first if gaps[first] <= _REACH else UNKNOWN,
        color=hue_name(red, green, blue),
        box=(
            float(columns.min()),
            float(rows.min()),
            float(columns.max() + 1),
            float(rows.max() + 1),
        ),
        area=float(mask.mean()),
        overlap=1 - gaps[first],
        shape_margin=gaps[second] - gaps[first],
        color_margin=0.0,
    )


def descriptor(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "K"]:
    """Return the descriptor of a mask, which neither turn, place nor size changes."""
    rows, columns = np.nonzero(mask)
    angles = np.arctan2(rows - rows.mean(), columns - columns.mean())
    turns = ((angles / (2 * math.pi) + 1) % 1 * _DIRECTIONS).astype(int) % _DIRECTIONS
    # By area, which one stray pixel of a rim changes little.
    reach = np.sqrt(np.bincount(turns, minlength=_DIRECTIONS) * _DIRECTIONS / math.pi)
    sizes = np.abs(np.fft.rfft(reach)) / _DIRECTIONS
    return sizes[1 : _KEPT + 1] / math.sqrt(len(rows))


@lru_cache(maxsize=1)
def _hues() -> dict[str, float]:
    hues = {n: colorsys.rgb_to_hsv(*(c / 255 for c in color))[0] for n, color in PALETTE.items()}
    return {name: hue for name, hue in hues.items() if name not in ("black", "white")}


@lru_cache(maxsize=1)
def _descriptors() -> dict[str, Float[np.ndarray, "K"]]:
    """Return the descriptor of each shape, drawn plainly."""
    found = {}
    for name, outline in SHAPES.items():
        canvas = Image.new("1", (200, 200))
        ImageDraw.Draw(canvas).polygon([(100 + 90 * x, 100 + 90 * y) for x, y in outline], fill=1)
        found[name] = descriptor(np.asarray(canvas))
    return found
