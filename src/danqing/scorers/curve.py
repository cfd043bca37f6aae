"""The circle that a line of writing follows, and the line pulled straight along it.

The curve through the middle of the writing is improved step by step: where it runs now, windows as
long as the writing is high say how far their middle lies beside it, and a parabola through those
distances says by how much place, direction and curvature are wrong. A straight line is a curve as
any other, with next to no curvature.

Dimension key:
    H, W  picture in pixels    h, w  straightened line in pixels    N  points
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from danqing.scorers.color import border_median

_ROUNDS: Final = 6
_WINDOWS: Final = 32
_STRAIGHT: Final = 1e-5
"""Curvature, in 1 / pixels, that no eye can see."""
_TIGHT: Final = 4.0
"""The diagonal of the ink's box over the smallest radius that is believed."""
_GAP: Final = 1.5
"""Pixels along the curve without ink that part two letters."""
_WIDEST: Final = 1.5
"""What is longer than this, over its height, is more than one letter."""
_FEWEST: Final = 8
"""Pixels that ink must reach across and down to be writing."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A circle through a point, which may be so large that it is a straight line."""

    x: float
    """Pixels from the left, of a point on the curve."""
    y: float
    """Pixels from the top."""
    direction: float
    """Of the writing at that point, in radians clockwise."""
    bend: float
    """Curvature in 1 / pixels; above 0 the middle stands higher than both ends."""

    def along(
        self, x: Float[np.ndarray, "*S"], y: Float[np.ndarray, "*S"]
    ) -> tuple[Float[np.ndarray, "*S"], Float[np.ndarray, "*S"]]:
        """Return how far along the curve points lie, and how far below it, in pixels."""
        cos, sin = math.cos(self.direction), math.sin(self.direction)
        ahead = (x - self.x) * cos + (y - self.y) * sin
        below = (y - self.y) * cos - (x - self.x) * sin
        radius, sign = 1 / abs(self.bend), math.copysign(1, self.bend)
        outward = radius - sign * below
        return (
            radius * np.arctan2(ahead, outward),
            sign * (radius - np.hypot(ahead, outward)),
        )

    def at(
        self, along: Float[np.ndarray, "*S"], below: Float[np.ndarray, "*S"]
    ) -> tuple[Float[np.ndarray, "*S"], Float[np.ndarray, "*S"]]:
        """Return where points lie, across and down; it undoes `along`."""
        cos, sin = math.cos(self.direction), math.sin(self.direction)
        radius, sign = 1 / abs(self.bend), math.copysign(1, self.bend)
        outward = radius - sign * below
        angle = along / radius
        ahead, down = outward * np.sin(angle), sign * (radius - outward * np.cos(angle))
        return self.x + ahead * cos - down * sin, self.y + ahead * sin + down * cos

    def moved(self, along: float, below: float = 0.0) -> "Curve":
        """Return the same bend with its point elsewhere, `along` the curve and `below` it."""
        x, y = self.at(np.array([along]), np.array([below]))
        direction = self.direction + along * self.bend
        return replace(self, x=float(x[0]), y=float(y[0]), direction=direction)


@dataclass(frozen=True, slots=True)
class Bent:
    """A line of writing along a curve."""

    curve: Curve
    """Its middle line, through the middle of the writing."""
    length: float
    """Pixels along the curve from the first ink to the last."""
    above: float
    """Pixels that ink reaches beyond the middle line, towards the letters' heads."""
    below: float
    """Likewise towards their feet."""
    gaps: tuple[float, ...]
    """Where letters are parted by a gap, in pixels along the curve from its middle."""

    @property
    def sagitta(self) -> float:
        """How high the middle stands over the ends, over the distance of the ends."""
        return math.tan(self.length * self.curve.bend / 4) / 2

    @property
    def tilt(self) -> float:
        """Degrees by which the whole leans, clockwise."""
        return math.degrees(self.curve.direction)


def bent(ink: Bool[np.ndarray, "H W"]) -> Bent | None:
    """Return the curve that ink follows from left to right; None: too little ink to say."""
    y, x = (places.astype(float) for places in np.nonzero(ink))
    if not len(x) or min(np.ptp(x), np.ptp(y)) < _FEWEST:
        return None
    tightest = _TIGHT / float(np.hypot(np.ptp(x), np.ptp(y)))
    curve = _first(ink)
    for _ in range(_ROUNDS):
        curve = _better(curve, *curve.along(x, y), tightest)
    along, below = curve.along(x, y)
    middle = float(along.max() + along.min()) / 2
    return Bent(
        curve.moved(middle),
        float(np.ptp(along)),
        -float(below.min()),
        float(below.max()),
        tuple(_gaps(along - middle)),
    )


def straightened(
    pixels: UInt8[np.ndarray, "H W 3"], line: Bent, pad: float
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a line of writing pulled straight, with `pad` pixels around it.

    What stands between two gaps is turned as a whole, so letters keep their form; letters that
    touch are bent back, which squeezes their heads or their feet.
    """
    half = line.length / 2 + pad
    along, below = np.meshgrid(
        np.arange(-half, half), np.arange(-line.above - pad, line.below + pad)
    )
    ends = np.array([-line.length / 2, *line.gaps, line.length / 2])
    piece = np.searchsorted(line.gaps, along)
    touching = np.diff(ends) > _WIDEST * (line.above + line.below)
    middle = np.where(touching[piece], along, ((ends[1:] + ends[:-1]) / 2)[piece])
    x, y = line.curve.at(middle, np.zeros_like(middle))
    cos, sin = (f(line.curve.direction + middle * line.curve.bend) for f in (np.cos, np.sin))
    x, y = x + (along - middle) * cos - below * sin, y + (along - middle) * sin + below * cos
    # A corner of the next piece may reach in, since pieces lean towards each other.
    own = np.searchsorted(line.gaps, line.curve.along(x, y)[0]) == piece
    ground = border_median(pixels.transpose(2, 0, 1).astype(float))
    return np.where(own[..., None], _sampled(pixels, x, y), ground).round().astype(np.uint8)


def _first(ink: Bool[np.ndarray, "H W"]) -> Curve:
    """Return the parabola through the middles of all columns, as a curve at its middle."""
    columns = np.flatnonzero(ink.any(0))
    tops = ink.argmax(0)[columns]
    bottoms = ink.shape[0] - 1 - ink[::-1].argmax(0)[columns]
    x = (columns[0] + columns[-1]) / 2
    bend, slope, y = _parabola(columns - x, (tops + bottoms) / 2)
    return Curve(float(x), y, math.atan(slope), _visible(bend))


def _better(
    curve: Curve, along: Float[np.ndarray, "N"], below: Float[np.ndarray, "N"], tightest: float
) -> Curve:
    """Return the curve through the middles of windows along a curve that is not quite right."""
    order = np.argsort(along)
    along, below = along[order], below[order]
    whole, height = np.ptp(along), np.ptp(np.quantile(below, (0.02, 0.98)))
    window = float(np.clip(height, whole / 8, whole / 2))
    starts = np.linspace(along[0], along[-1] - window, _WINDOWS)
    firsts, lasts = np.searchsorted(along, starts), np.searchsorted(along, starts + window)
    found = [
        (start + window / 2, (below[i:j].min() + below[i:j].max()) / 2)
        for start, i, j in zip(starts, firsts, lasts, strict=True)
        if j > i
    ]
    middles, offsets = np.array(found).T
    centre = float(middles.mean())
    bend, slope, offset = _parabola(middles - centre, offsets)
    moved = curve.moved(centre, offset)
    bend = min(max(curve.bend + bend, -tightest), tightest)
    return replace(moved, direction=moved.direction + math.atan(slope), bend=_visible(bend))


def _parabola(x: Float[np.ndarray, "N"], y: Float[np.ndarray, "N"]) -> tuple[float, float, float]:
    """Return curvature, slope and height at 0 of the parabola through points, by least squares.

    Where there are too few points to say, it is the flattest of all that fit.
    """
    scale = float(np.ptp(x))
    curvature, slope, height = np.linalg.lstsq(np.vander(x / scale, 3), y, rcond=None)[0]
    return 2 * float(curvature) / scale**2, float(slope) / scale, float(height)


def _gaps(along: Float[np.ndarray, "N"]) -> list[float]:
    """Return the middles of gaps between ink."""
    along = np.sort(along)
    gaps = np.flatnonzero(np.diff(along) > _GAP)
    return [float(gap) for gap in (along[gaps] + along[gaps + 1]) / 2]


def _visible(bend: float) -> float:
    """Keep a curve's circle finite."""
    return math.copysign(max(abs(bend), _STRAIGHT), bend)


def _sampled(
    pixels: UInt8[np.ndarray, "H W 3"], x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Return pixels at places between them, those at the border beyond it."""
    x, y = np.clip(x, 0, pixels.shape[1] - 1.001), np.clip(y, 0, pixels.shape[0] - 1.001)
    left, top = x.astype(int), y.astype(int)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    upper = pixels[top, left] * (1 - dx) + pixels[top, left + 1] * dx
    lower = pixels[top + 1, left] * (1 - dx) + pixels[top + 1, left + 1] * dx
    return upper * (1 - dy) + lower * dy
