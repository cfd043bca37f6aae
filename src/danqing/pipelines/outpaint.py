"""More canvas around a picture: what is painted over when a picture is to grow.

The new part is filled by the picture's mirror image, so that both sides of its edge look alike to
the VAE, and to a walk that does not begin from noise alone.
"""

import re
from typing import NamedTuple

import numpy as np
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.latents import LONGEST, Size


class Margins(NamedTuple):
    """Pixels that are added to each side of a picture."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    @classmethod
    def to_ratio(cls, size: Size, ratio: str) -> "Margins":
        """Return the least margins that give a picture a ratio, such as `16:9`, around its middle.

        Raises:
            RequestError: the text is no ratio.
        """
        match = re.fullmatch(r"\s*([1-9]\d{0,4})\s*:\s*([1-9]\d{0,4})\s*", ratio)
        if match is None:
            raise RequestError(f"ratio must be two numbers, got {ratio!r}; try 16:9.")
        across, down = map(int, match.groups())
        more = max(0, round(size[1] * across / down) - size[0])
        taller = max(0, round(size[0] * down / across) - size[1])
        return cls(more // 2, taller // 2, more - more // 2, taller - taller // 2)


class Extended(NamedTuple):
    """A picture on a larger canvas."""

    image: Image.Image
    """The picture, and its mirror image around it."""
    mask: Image.Image
    """White where the picture is not."""


def extend(image: Image.Image, margins: Margins) -> Extended:
    """Return a picture with margins to be painted.

    Raises:
        RequestError: there is nothing to add, or a side would be too long.
    """
    width, height = image.size
    left, top, right, bottom = margins
    size = left + width + right, top + height + bottom
    if min(margins) < 0 or not any(margins):
        raise RequestError(
            f"margins must be pixels to add to a {width}x{height} picture, got left {left}, top "
            f"{top}, right {right} and bottom {bottom}; add at least 1 to a side."
        )
    if max(size) > LONGEST:
        raise RequestError(
            f"a picture must have sides up to {LONGEST} pixels with its margins, "
            f"got {size[0]}x{size[1]}; add less."
        )
    pixels = np.asarray(image.convert("RGB"))
    around = np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode="symmetric")
    mask = Image.new("L", size, 255)
    mask.paste(0, (left, top, left + width, top + height))
    return Extended(Image.fromarray(around), mask)
