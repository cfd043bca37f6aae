"""Several edits in a row, anchored: what an edit did not change stays as it was, to the byte.

Every edit takes a picture through the VAE and a sampler, and both lose a little everywhere. So a
new picture is compared with its source, and with what the VAE alone makes of its source. Where it
is like one of them nothing was meant to change, and the source's pixels are put back. What no edit
of a chain has touched is then the first picture's, however many there are.

Dimension key:
    H W pixels
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.mask import Mask, averaged, cover, lay_over
from danqing.pipelines.model import Model, to_image, to_pixels
from danqing.pipelines.window import Window

Edit = Callable[[Image.Image], Image.Image]
"""From an RGB picture to one of the same size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """When a pixel counts as changed.

    Raises:
        RequestError: a setting is not possible.
    """

    threshold: float = 12.0
    """Difference, of 255 levels, from which on it is; it is the mean of its neighbourhood."""
    radius: int = 4
    """Pixels of the neighbourhood on each side; old fades into new over twice as many."""

    def __post_init__(self) -> None:
        if not (0 < self.threshold <= 255 and self.radius >= 0):
            raise RequestError(
                "an anchor must have a threshold from 0 to 255 and a radius of at least 0, got "
                f"{self.threshold:g} and {self.radius}; try 12 and 4."
            )

    def changed(self, image: Image.Image, sources: Iterable[Image.Image]) -> Mask:
        """Return 1 where a picture is like none of others of its size, elsewhere 0."""
        apart = [np.abs(_levels(image) - _levels(source)).max(-1) for source in sources]
        mean = averaged(torch.from_numpy(np.minimum.reduce(apart))[None, None], self.radius)
        return (mean > self.threshold).double()


USUAL = Anchor()
"""Twelve levels are more than a good VAE is off by over nine pixels square."""


class Link(NamedTuple):
    """A picture of a chain."""

    image: Image.Image
    changed: Mask
    """How much of each pixel comes from an edit, of this link or one before; 0 is none."""


def chain(
    image: Image.Image,
    edits: Iterable[Edit],
    through: Edit,
    anchor: Anchor = USUAL,
) -> Iterator[Link]:
    """Yield the picture after each of several edits, each made of the one before and anchored.

    Args:
        image: The first picture, RGB.
        edits: What is done to it.
        through: What the VAE makes of a picture, as `reconstruct`.
        anchor: When a pixel counts as changed.
    """
    before = Link(image, torch.zeros(1, 1, image.height, image.width, dtype=torch.float64))
    for edit in edits:
        new = edit(before.image)
        changed = anchor.changed(new, (before.image, through(before.image)))
        seen = cover(changed, 2 * anchor.radius)
        before = Link(lay_over(before.image, new, seen), torch.maximum(before.changed, seen))
        yield before


@torch.no_grad()
def reconstruct(model: Model, image: Image.Image) -> Image.Image:
    """Return what a model's VAE makes of an RGB picture, at its size."""
    window = Window.whole(image.size, model.defaults.area, model.multiple)
    pixels = to_pixels(window.take(image)).to(next(model.vae.parameters()))
    decoded = model.vae.decode(model.vae.encode(pixels).mode())
    return window.put(to_image(decoded), image)


def _levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64)
