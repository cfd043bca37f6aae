"""Sizes of pictures, and latents packed into the tokens of the transformer.

A picture may have any size. The networks work on a canvas whose sides are multiples of what one
token covers; the picture is the middle of it, and the margin is cut away again.

Dimension key:
    B batch    C latent channels    h w latent height and width    H W pixels
    I tokens, row by row    D channels of a token = C times patch squared
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from danqing.core.errors import RequestError

Size = tuple[int, int]
"""Width and height in pixels."""

LONGEST = 16_384
"""Longest side of a picture in pixels; beyond it a typing error is likelier than a wish."""

SAME_RATIO = 1.03
"""How far two ratios may lie apart and still be called the same: 1664x928 is called 16:9."""


class Canvas(NamedTuple):
    """A picture's size and the size of the canvas around it, in pixels."""

    width: int
    height: int
    outer_width: int
    outer_height: int

    @classmethod
    def around(cls, size: Size, multiple: int) -> "Canvas":
        """Return the smallest canvas around a picture with sides that are multiples."""
        return cls(*size, *(math.ceil(side / multiple) * multiple for side in size))

    @property
    def left(self) -> int:
        """Pixels of the margin before the picture; one more may follow it."""
        return (self.outer_width - self.width) // 2

    @property
    def top(self) -> int:
        """Pixels of the margin above the picture; one more may lie below it."""
        return (self.outer_height - self.height) // 2

    def crop(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C _ _"]:
        """Return the picture in the middle of a canvas."""
        left, top = self.left, self.top
        return image[..., top : top + self.height, left : left + self.width]

    def pad(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C _ _"]:
        """Return a canvas with the picture in its middle; the margin repeats its edge."""
        right = self.outer_width - self.width - self.left
        bottom = self.outer_height - self.height - self.top
        return F.pad(image, (self.left, right, self.top, bottom), mode="replicate")


def same_ratio(one: Size, other: Size) -> bool:
    """Return whether one size is the other, scaled evenly and rounded to pixels."""
    (width, height), (wide, high) = one, other
    return abs(width * high / height - wide) <= 1 or abs(height * wide / width - high) <= 1


def parse_size(wanted: str | Size, known: Sequence[Size], multiple: int) -> Size:
    """Return the size that `1024x768`, or a ratio such as `16:9`, means to a model.

    A ratio means the known size of that ratio, or else one of about the area of the first known
    size whose sides are multiples.

    Args:
        wanted: A size or its text.
        known: Sizes the model was trained on, the best one first.
        multiple: Pixels along one side of a token.

    Raises:
        RequestError: the text is neither, or a side is below 1 or above 16,384 pixels.
    """
    if isinstance(wanted, str):
        match = re.fullmatch(r"\s*(\d{1,9})\s*([x×:])\s*(\d{1,9})\s*", wanted)
        if match is None:
            raise RequestError(
                f"size must be WIDTHxHEIGHT or a ratio, got {wanted!r}; try 1024x768 or 16:9."
            )
        first, separator, second = match.groups()
        numbers = int(first), int(second)
        if separator == ":" and min(numbers) > 0:
            wanted = _of_ratio(numbers[0] / numbers[1], known, multiple)
        else:
            wanted = numbers
    if not all(1 <= side <= LONGEST for side in wanted):
        raise RequestError(
            f"size must have sides from 1 to {LONGEST} pixels, got {wanted[0]}x{wanted[1]}; "
            "try 1024x1024."
        )
    return wanted


def _of_ratio(ratio: float, known: Sequence[Size], multiple: int) -> Size:
    def distance(size: Size) -> float:
        return abs(math.log(size[0] / size[1] / ratio))

    nearest = min(known, key=distance)
    if distance(nearest) <= math.log(SAME_RATIO):
        return nearest
    area = known[0][0] * known[0][1]
    width = math.sqrt(area * ratio)
    whole = [max(1, round(side / multiple)) * multiple for side in (width, width / ratio)]
    return whole[0], whole[1]


def pack(latents: Float[Tensor, "B C h w"], patch: int = 2) -> Float[Tensor, "B I D"]:
    """Return latents as tokens, each a square of `patch` by `patch`."""
    return rearrange(latents, "b c (h p) (w q) -> b (h w) (c p q)", p=patch, q=patch)


def unpack(
    tokens: Float[Tensor, "B I D"], height: int, width: int, patch: int = 2
) -> Float[Tensor, "B C h w"]:
    """Return tokens as latents; height and width are those of the latents."""
    return rearrange(
        tokens,
        "b (h w) (c p q) -> b c (h p) (w q)",
        h=height // patch,
        w=width // patch,
        p=patch,
        q=patch,
    )
