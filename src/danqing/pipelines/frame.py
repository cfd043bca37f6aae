"""How pictures get onto the grid of tokens, and how what is painted gets back.

By our rule, `exact`, nothing is shifted, stretched or cut: a picture is continued to a grid in
which a token covers a square of whole pixels of it. Where that square is larger or smaller than a
token's own, one scale serves both sides, to the last pixel. The published pipelines resize every
picture to sides that are multiples of 32, which stretches it, and paint at a size of their own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
from PIL.Image import Image, Resampling, fromarray

from danqing.core.registry import Registry
from danqing.models.conditioner.vision import EDIT_AREA, fit
from danqing.pipelines.latents import Canvas, Size


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A picture, a margin around it, and the size in which networks see both."""

    size: Size
    """Width and height of the picture in pixels."""
    padded: Size
    """The same with its margin; the picture is the middle of it."""
    shown: Size
    """Width and height in which networks see it, whole tokens."""

    def pad(self, image: Image) -> Image:
        """Return a picture with its margin.

        The margin repeats the picture's edge: a plain one would be seen as part of the picture,
        and a mirrored one would show things twice.
        """
        assert image.size == self.size, f"the frame is for {self.size}, not {image.size}"
        if self.padded == self.size:
            return image
        canvas = self._canvas
        columns = (canvas.left, canvas.outer_width - canvas.width - canvas.left)
        rows = (canvas.top, canvas.outer_height - canvas.height - canvas.top)
        return fromarray(np.pad(np.asarray(image), (rows, columns, (0, 0)), mode="edge"))

    def place(self, image: Image) -> Image:
        """Return a picture as networks see it."""
        return _resized(self.pad(image), self.shown)

    def take(self, image: Image) -> Image:
        """Return the picture in what networks made."""
        canvas = self._canvas
        left, top = canvas.left, canvas.top
        box = (left, top, left + canvas.width, top + canvas.height)
        return _resized(image, self.padded).crop(box)

    @property
    def _canvas(self) -> Canvas:
        return Canvas(*self.size, *self.padded)

    def __str__(self) -> str:
        words = [_said(self.size)]
        if self.padded != self.size:
            words.append(f"padded to {_said(self.padded)}")
        if self.shown != self.padded:
            (width, height), (wide, high) = self.padded, self.shown
            way = "scaled" if width * high == height * wide else "stretched"
            words.append(f"{way} to {_said(self.shown)}")
        return ", ".join(words) if len(words) > 1 else f"{words[0]}, as it is"


class Framing(NamedTuple):
    """The frames of an edit."""

    target: Frame
    sources: tuple[Frame, ...]


Sizing = Callable[[Sequence[Size], Size | None, tuple[int, int], int], Framing]
"""From the sizes of sources, the size that is wanted or None, the fewest and most pixels a model
was trained on, and the pixels along one side of a token, to the frames of an edit."""

sizings: Registry[Sizing] = Registry("sizing")
"""Rules of size by name."""


@sizings.register("exact")
def exact(
    sources: Sequence[Size], wanted: Size | None, area: tuple[int, int], multiple: int
) -> Framing:
    """Nothing is shifted or stretched, and the result has the size of the first picture."""

    def frame(size: Size) -> Frame:
        covered = _covered(size, area, multiple)
        canvas = Canvas.around(size, covered)
        padded = (canvas.outer_width, canvas.outer_height)
        width, height = (side // covered * multiple for side in padded)
        return Frame(size=size, padded=padded, shown=(width, height))

    return Framing(frame(wanted or sources[0]), tuple(map(frame, sources)))


@sizings.register("published")
def published(
    sources: Sequence[Size], wanted: Size | None, area: tuple[int, int], multiple: int
) -> Framing:
    """As the pipelines of diffusers do it: the result has about the ratio of the last picture."""
    width, height = (
        max(side // multiple, 1) * multiple for side in wanted or fit(EDIT_AREA, *sources[-1])
    )
    size = (width, height)
    seen = (Frame(size=own, padded=own, shown=fit(EDIT_AREA, *own)) for own in sources)
    return Framing(Frame(size=size, padded=size, shown=size), tuple(seen))


def _covered(size: Size, area: tuple[int, int], multiple: int) -> int:
    """Return how many pixels of a picture a token should cover along one side.

    As many as a token has, unless what is seen has then too many pixels, or too few.
    """

    def seen(covered: int) -> int:
        return math.prod(math.ceil(side / covered) * multiple for side in size)

    few, many = area
    least = next(n for n in count(1) if seen(n) <= many or n >= max(size))
    most = next((n for n in range(multiple, 1, -1) if seen(n) >= few), 1)
    return max(least, most)


def _resized(image: Image, size: Size) -> Image:
    return image if image.size == size else image.resize(size, Resampling.LANCZOS)


def _said(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
