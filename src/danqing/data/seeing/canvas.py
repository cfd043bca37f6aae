"""Outlines painted over one another: which of them every pixel shows.

One canvas of three times the picture's size gives both the picture, whose edges are smooth, and
the truth, which is what the middle of each pixel shows.

Dimension key:
    H, W  picture in pixels
    h, w  three times as many
    N     outlines
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image, ImageDraw

from danqing.scorers.world import Point

_FINE: Final = 3


@dataclass(frozen=True, slots=True)
class Canvas:
    """The number of the outline that is on top, from 1; 0 where there is none."""

    fine: UInt8[np.ndarray, "h w"]

    @property
    def shown(self) -> UInt8[np.ndarray, "H W"]:
        """What the middle of each pixel shows."""
        return self.fine[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE]

    def painted(self, colors: Num[np.ndarray, "N 3"]) -> Image.Image:
        """Return an RGB picture, smooth at its edges.

        Args:
            colors: The colour of what is under all outlines, then that of each.
        """
        table = np.clip(np.rint(colors), 0, 255).astype(np.uint8)
        image = Image.fromarray(self.fine)
        image.putpalette(table.tobytes())
        return image.convert("RGB").reduce(_FINE)


def canvas(outlines: Iterable[Sequence[Point]], size: tuple[int, int]) -> Canvas:
    """Paint outlines, each over those before it.

    Args:
        outlines: Across and down in pixels.
        size: Width and height of the picture in pixels.
    """
    fine = Image.new("L", (_FINE * size[0], _FINE * size[1]))
    for number, outline in enumerate(outlines, 1):
        places = [(_FINE * x, _FINE * y) for x, y in outline]
        ImageDraw.Draw(fine).polygon(places, fill=number)
    return Canvas(np.asarray(fine))
