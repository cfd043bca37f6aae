"""Classes as colours, and a painted picture as a map of classes.

A pixel is of the class whose colour is nearest, as people see colours (CIELAB, 1976), and of none
where no colour is near enough.

Dimension key:
    H, W  picture in pixels
    N     colours
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from danqing.core.errors import RequestError, SourceError
from danqing.scorers.color import lab, swatches
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, Color

Legend = Mapping[str, Color]
"""The colour of each class, as 8-bit RGB."""

CLASS_COLORS: Final[tuple[str, ...]] = (
    "red", "orange", "yellow", "green", "blue", "brown", "black",
)  # fmt: skip
"""The palette's colours that classes have, in this order: far apart, and kept by a VAE of the small
world."""

REST: Final = "rest"
"""The class of what nobody asked for."""
GROUND: Final = "gray"
"""Its colour, on which such a VAE keeps all others."""
_UNKNOWN: Final = (255, 0, 255)
_REACH: Final = 40.0
"""How far from its colour a class's pixel may be, in Delta-E."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Which class every pixel is of."""

    classes: tuple[str, ...]
    map: UInt8[np.ndarray, "H W"]
    """The place of its class, from 1; 0 is no class."""

    def mask(self, name: str) -> Bool[np.ndarray, "H W"]:
        """Return the pixels of one class."""
        return self.map == 1 + self.classes.index(name)

    @property
    def unread(self) -> float:
        """The share of pixels of no class."""
        return float((self.map == 0).mean())


def legend(classes: Sequence[str]) -> dict[str, Color]:
    """Return a colour for each class, in the order of `CLASS_COLORS`.

    Raises:
        RequestError: there are no classes, two of one name, or more than there are colours.
    """
    if len(set(classes)) != len(classes) or not 0 < len(classes) <= len(CLASS_COLORS):
        raise RequestError(
            f"classes must be 1 to {len(CLASS_COLORS)} different names, got "
            f"{', '.join(classes) or 'none'}; ask for the others in another picture."
        )
    return {name: PALETTE[color] for name, color in zip(classes, CLASS_COLORS, strict=False)}


SHAPE_COLORS: Final = legend(tuple(SHAPES)[: len(CLASS_COLORS)])
"""The colour of each shape of the small world, wherever shapes are to be told apart."""


def with_rest(classes: Legend) -> dict[str, Color]:
    """Return a legend with gray for all that is of none of its classes."""
    return {REST: BACKGROUNDS[GROUND], **classes}


def blank(size: tuple[int, int]) -> Image.Image:
    """Return a picture of nothing that anybody asked for."""
    return Image.new("RGB", size, BACKGROUNDS[GROUND])


def show(labels: Labels, colors: Legend) -> Image.Image:
    """Return a map of classes as an RGB picture; what is of no class is magenta."""
    table = np.array([_UNKNOWN, *(colors[name] for name in labels.classes)], np.uint8)
    return Image.fromarray(table[labels.map])


def read(image: Image.Image, colors: Legend, reach: float = _REACH) -> Labels:
    """Return the map of classes that a picture shows.

    Args:
        image: The picture.
        colors: The colour of each class.
        reach: How far from its colour a class's pixel may be, in Delta-E.

    Raises:
        SourceError: a colour is none of 8 bits.
    """
    pixels = lab(np.asarray(image.convert("RGB")))
    distances = np.stack([((pixels - c[:, None, None]) ** 2).sum(0) for c in _lab(colors.values())])
    known = distances.min(0) <= reach**2
    return Labels(tuple(colors), ((distances.argmin(0) + 1) * known).astype(np.uint8))


def within(image: Image.Image, color: Color, reach: float) -> Bool[np.ndarray, "H W"]:
    """Return where a picture is within some Delta-E of a colour.

    Raises:
        SourceError: the colour is none of 8 bits.
    """
    return read(image, {"": color}, reach).map > 0


def _lab(colors: Iterable[Color]) -> Float[np.ndarray, "N 3"]:
    for color in (colors := list(colors)):
        if not all(0 <= value <= 255 for value in color):
            raise SourceError(f"colours must be three numbers of 8 bits, got {color}; change it.")
    return swatches(colors)
