"""The part of a picture that is worked on, at a size that the model knows.

A window is the whole picture, or what lies around a mask; the frame says how networks see it.

Dimension key:
    H W pixels of a picture    h w its latents
"""

import math
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from danqing.pipelines.frame import Frame, exact
from danqing.pipelines.latents import Canvas, Size
from danqing.pipelines.mask import Mask

Area = tuple[int, int]
"""Fewest and most pixels that networks should see."""


class Span(NamedTuple):
    """A stretch of one side of a picture."""

    first: int
    end: int

    def widened(self, least: int, side: int) -> "Span":
        """Return at least so many pixels, as many on both ends as there are in the side."""
        wide = max(self.end - self.first, min(least, side))
        first = self.first - (wide - (self.end - self.first)) // 2
        first = min(max(0, first), side - wide)
        return Span(first, first + wide)


class Window(NamedTuple):
    """A part of a picture, and how networks see it."""

    across: Span
    down: Span
    frame: Frame

    @classmethod
    def whole(cls, size: Size, area: Area, multiple: int) -> "Window":
        """Return a whole picture, scaled only if it is smaller or larger than an area."""
        return cls(Span(0, size[0]), Span(0, size[1]), exact([size], None, area, multiple).target)

    @classmethod
    def around(cls, mask: Mask, margin: int, area: Area, aspect: float, multiple: int) -> "Window":
        """Return what lies around a mask.

        Args:
            mask: The mask; it is not black everywhere.
            margin: Pixels on each side of what is painted.
            area: Pixels that networks should see.
            aspect: Longer side divided by shorter side, at most, as far as the picture allows.
            multiple: Pixels along one side of a token.
        """
        painted = mask[0, 0] > 0
        height, width = painted.shape
        across = _span(painted.any(0).nonzero(), margin, width)
        down = _span(painted.any(1).nonzero(), margin, height)
        least = math.ceil(max(across.end - across.first, down.end - down.first) / aspect)
        across, down = across.widened(least, width), down.widened(least, height)
        size = across.end - across.first, down.end - down.first
        return cls(across, down, exact([size], None, area, multiple).target)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, as Pillow has them."""
        return self.across.first, self.down.first, self.across.end, self.down.end

    def take(self, picture: Image.Image) -> Image.Image:
        """Return the part of a picture as networks see it."""
        return self.frame.place(picture.crop(self.box))

    def put(self, part: Image.Image, picture: Image.Image) -> Image.Image:
        """Return a picture with a part that networks made in place."""
        picture = picture.copy()
        picture.paste(self.frame.take(part), self.box)
        return picture

    def on_latents(self, mask: Mask, factor: int) -> Float[Tensor, "1 1 h w"]:
        """Return a picture's mask on the latents of the part; the freest pixel of each counts.

        Args:
            mask: The mask of the whole picture.
            factor: Pixels along one side of a latent, as networks see it.
        """
        part = mask[..., slice(*self.down), slice(*self.across)]
        padded = Canvas(*self.frame.size, *self.frame.padded).pad(part)
        width, height = self.frame.shown
        return F.adaptive_max_pool2d(padded, (height // factor, width // factor))


def _span(painted: Int[Tensor, "_ 1"], margin: int, side: int) -> Span:
    return Span(max(0, int(painted[0]) - margin), min(side, int(painted[-1]) + 1 + margin))
