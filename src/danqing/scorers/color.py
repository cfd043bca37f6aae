"""Colours as people see them: CIELAB, where a distance is a difference (CIE 1976, D65).

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

from danqing.scorers.world import Color

_TO_LINEAR: Final = np.array(
    [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.linspace(0, 1, 256)],
    dtype=np.float32,
)
"""The sRGB transfer curve, one entry per 8-bit value."""

_WHITE: Final = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ: Final = (
    np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    / _WHITE[:, None]
).astype(np.float32)


def lab(pixels: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "3 H W"]:
    """Return sRGB pixels in CIELAB: lightness in [0, 100], then the two colour axes."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    xyz = (_TO_XYZ @ _TO_LINEAR[planes].reshape(3, -1)).reshape(planes.shape)
    f = np.cbrt(xyz)
    dark = xyz <= 216 / 24389
    f[dark] = (24389 / 27 * xyz[dark] + 16) / 116
    x, y, z = f
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def swatches(colors: Iterable[Color]) -> Float[np.ndarray, "N 3"]:
    """Return some plain colours in CIELAB, one a row."""
    return lab(np.array([list(colors)], dtype=np.uint8))[:, 0].T


def border_median(pixels: Float[np.ndarray, "3 H W"]) -> Float[np.ndarray, "3"]:
    """Return the median colour of a thin frame along a picture's border: its ground, mostly."""
    frame = max(2, round(min(pixels.shape[1:]) / 64))
    bars = (pixels[:, :frame], pixels[:, -frame:], pixels[:, :, :frame], pixels[:, :, -frame:])
    return np.median(np.concatenate([bar.reshape(3, -1) for bar in bars], axis=1), axis=1)


def nearest(
    color: Float[np.ndarray, "3"], named: Float[np.ndarray, "N 3"]
) -> tuple[int, float, float]:
    """Return the nearest colour's index, its distance, and how much further the next one is."""
    distances = np.linalg.norm(named - color, axis=1)
    first, second = np.argsort(distances)[:2]
    return int(first), float(distances[first]), float(distances[second] - distances[first])
