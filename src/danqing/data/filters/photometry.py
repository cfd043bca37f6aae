"""Stage 2, what pixels say: rotation, clarity, luma, saturation, entropy, texture.

Every number is taken at the stage's size, so that one cut serves pictures of all sizes. The report
cuts both tails of each histogram and gives no thresholds; the defaults here are starting points,
and `danqing filter calibrate` proposes cuts from a corpus of one's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from danqing.data.filters.base import Batch, Cut, Measured, each, filters
from danqing.data.pixels import RGB, Gray

_WHITE = 20.0
"""Variance of the Laplacian of white noise, over the noise's own."""


@filters.register("rotation")
@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """EXIF's orientation: 1 is upright, 2 to 8 are turned or mirrored; the report drops these."""

    needs: ClassVar = ("head",)
    slow: ClassVar = False
    cut: Cut = Cut(high=1.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a number from 1 to 8."""
        return each(batch.heads, lambda head: head.orientation)


@filters.register("clarity")
@dataclass(frozen=True, kw_only=True, slots=True)
class Clarity:
    """Variance of the Laplacian in the clearest part of a picture, so that bokeh is no blur.

    The usual bound for whole pictures is 100; the clearest of many parts has more.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(low=100.0)
    tiles: int = 4
    """Parts along each side."""

    def measure(self, batch: Batch) -> list[Measured]:
        """Return squared grey levels."""
        return each(batch.edges, self.clearest)

    def clearest(self, edges: np.ndarray) -> float:
        """Return the largest variance that a part of a Laplacian has."""
        rows = np.array_split(edges, self.tiles, axis=0)
        return max(
            _variance(part)
            for row in rows
            for part in np.array_split(row, self.tiles, axis=1)
            if part.size
        )


@filters.register("luma")
@dataclass(frozen=True, kw_only=True, slots=True)
class Luma:
    """Mean brightness, from 0 to 255."""

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(low=20.0, high=235.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a grey level."""
        return each(batch.grays, lambda gray: _mean(gray)[0])


@filters.register("saturation")
@dataclass(frozen=True, kw_only=True, slots=True)
class Saturation:
    """Saturation of all light together, from 0 (grey) to 1; unnaturally high ones are dropped.

    Means of the largest channel and of its distance to the smallest, divided: HSV's saturation,
    each pixel weighing as much as it is bright. In dark pixels, noise alone looks saturated.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.85)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a share."""
        return each(batch.images, _saturation)


@filters.register("entropy")
@dataclass(frozen=True, kw_only=True, slots=True)
class Entropy:
    """Bits a pixel of the histogram of brightness; little means flat areas."""

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(low=4.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return 0 to 8 bits."""
        return each(batch.grays, _entropy)


@filters.register("texture")
@dataclass(frozen=True, kw_only=True, slots=True)
class Texture:
    """How much like noise the fine structure is: 1 for white noise, near 0 for smooth pictures.

    The variance of the Laplacian over the picture's own, in units of what white noise gives.
    Photographs, whose spectrum falls with frequency, have about 0.01 to 0.2.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.5)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a ratio; 0 for a picture of one colour."""
        own = each(batch.grays, _variance)
        fine = each(batch.edges, _variance)
        return [
            Measured(None, one.note)
            if one.value is None or other.value is None
            else Measured(other.value / (_WHITE * one.value) if one.value else 0.0)
            for one, other in zip(own, fine, strict=True)
        ]


def _mean(pixels: np.ndarray) -> Sequence[float]:
    """Return the mean of each channel."""
    import cv2

    return cv2.mean(pixels)


def _variance(values: np.ndarray) -> float:
    import cv2

    return float(cv2.meanStdDev(values)[1][0, 0]) ** 2


def _saturation(image: RGB) -> float:
    import cv2

    red, green, blue = cv2.split(image)
    most = _mean(cv2.max(cv2.max(red, green), blue))[0]
    return 1 - _mean(cv2.min(cv2.min(red, green), blue))[0] / most if most else 0.0


def _entropy(gray: Gray) -> float:
    import cv2

    share = cv2.calcHist([gray], [0], None, [256], [0, 256]).ravel().astype(np.float64) / gray.size
    share = share[share > 0]
    return float((share * np.log2(1 / share)).sum())
