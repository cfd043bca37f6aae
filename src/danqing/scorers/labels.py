"""The palette colour of every pixel of a picture, or that it belongs to the ground.

Dimension key:
    H, W  picture in pixels    N  palette colours
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter

from danqing.scorers.color import border_median, lab, swatches
from danqing.scorers.world import PALETTE


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its pixels told apart by colour."""

    pixels: Float[np.ndarray, "3 H W"]
    """In CIELAB, a little smoothed."""
    ground: Float[np.ndarray, "3"]
    """The ground's colour."""
    labels: UInt8[np.ndarray, "H W"]
    """The palette's colours counted from 1; 0 is the ground, and N + 1 a colour of neither."""
    reach: int
    """Half the side of the neighbourhood that makes a pixel a core pixel of a region."""


def labelled(image: Image.Image, contrast: float) -> Labelled:
    """Return a picture with its pixels told apart.

    Args:
        image: The picture.
        contrast: Delta-E from the ground beyond which a pixel may be none of it.
    """
    pixels = smoothed(image)
    ground = border_median(pixels)
    return Labelled(pixels, ground, _labels(pixels, ground, contrast), _reach(image))


def smoothed(image: Image.Image) -> Float[np.ndarray, "3 H W"]:
    """Return a picture in CIELAB without its grain.

    What this mixes along edges is narrower than a neighbourhood, so it belongs to no core.
    """
    return lab(np.asarray(image.convert("RGB").filter(ImageFilter.BoxBlur(_reach(image) / 2))))


@lru_cache(maxsize=1)
def palette() -> Float[np.ndarray, "N 3"]:
    """Return the palette in CIELAB."""
    return swatches(PALETTE.values())


def _reach(image: Image.Image) -> int:
    return max(1, round(min(image.size) / 128))


def _labels(
    pixels: Float[np.ndarray, "3 H W"], ground: Float[np.ndarray, "3"], contrast: float
) -> UInt8[np.ndarray, "H W"]:
    difference = ((pixels - ground[:, None, None]) ** 2).sum(0)
    colors = np.concatenate([ground[None], palette()])
    # |p - c|^2 without the term |p|^2 that all colours share, and halved.
    closeness = colors @ pixels.reshape(3, -1) - (colors**2).sum(1, keepdims=True) / 2
    best, labels = closeness[0], np.zeros(closeness.shape[1], dtype=np.uint8)
    labels[difference.ravel() > (2 * contrast) ** 2] = len(colors)
    for index, other in enumerate(closeness[1:], start=1):
        labels[other > best] = index
        best = np.maximum(best, other)
    return labels.reshape(difference.shape) * (difference > contrast**2)
