"""Ink: what stands out from a picture's ground, specks apart.

Dimension key:
    H, W  picture in pixels
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from danqing.scorers.color import border_median, nearest, swatches
from danqing.scorers.regions import components
from danqing.scorers.world import PALETTE

CONTRAST: Final = 12.0
"""Delta-E from the ground beyond which a pixel is ink."""
SPECK: Final = 0.0002
"""Ink smaller than this share of the picture is a speck."""


def ink(
    pixels: Float[np.ndarray, "3 H W"], contrast: float = CONTRAST, speck: float = SPECK
) -> Bool[np.ndarray, "H W"]:
    """Return which pixels are ink.

    Args:
        pixels: In CIELAB.
        contrast: Delta-E from the ground beyond which a pixel is ink.
        speck: Ink smaller than this share of the picture is left out.
    """
    far = ((pixels - border_median(pixels)[:, None, None]) ** 2).sum(0) > contrast**2
    parts = components(far.astype(np.uint8))
    large = np.bincount(parts.ravel()) >= speck * far.size
    large[0] = False
    return large[parts]


def color(pixels: Float[np.ndarray, "3 H W"], mask: Bool[np.ndarray, "H W"]) -> str:
    """Return the palette's name for the stronger half of some ink; thin rims have mixed colours."""
    inside = pixels[:, mask]
    difference = ((inside - border_median(pixels)[:, None]) ** 2).sum(0)
    strong = inside[:, difference >= np.median(difference)]
    return list(PALETTE)[nearest(np.median(strong, axis=1), swatches(PALETTE.values()))[0]]
