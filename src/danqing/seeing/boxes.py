"""Boxes as frames in a picture, and a picture's frames as boxes.

A frame lies inside its box: its outermost pixels are the box's. Frames are found by rule: the
picture is resized to its source without mixing colours; pixels that are within `reach` of a
label's colour (CIELAB, 1976) and were not so in the source belong to its frames; each connected
part is one box, from its outermost pixels. How sure it is, which orders boxes, is the share of the
box's four sides that is painted. Frames that touch become one box.

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image, ImageDraw

from danqing.scorers.regions import components
from danqing.scorers.world import Color
from danqing.seeing.labels import Legend, within

THICK: Final = 8 / 256
"""A frame's thickness as a share of the picture's shorter side, so that a VAE keeps it."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing in a picture."""

    label: str
    box: tuple[int, int, int, int]
    """Left, top, right and bottom in pixels, the far edges not included."""
    confidence: float = 1.0
    """How sure it is, from 0 to 1."""

    @property
    def record(self) -> dict[str, Any]:
        """The box as plain data."""
        return {"label": self.label, "box": list(self.box), "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class Boxes:
    """What a picture's frames say."""

    found: tuple[Box, ...]
    """The surest first."""
    unread: float
    """The share of the picture that has a label's colour and is of no frame."""


def show(image: Image.Image, boxes: Iterable[Box], colors: Legend) -> Image.Image:
    """Return a picture with a frame for each box."""
    shown = image.convert("RGB")
    thick = max(1, round(THICK * min(image.size)))
    for box in boxes:
        left, top, right, bottom = box.box
        # Pillow's rectangles include their far edges.
        inside = (left, top, right - 1, bottom - 1)
        ImageDraw.Draw(shown).rectangle(inside, outline=colors[box.label], width=thick)
    return shown


def read(
    image: Image.Image,
    source: Image.Image,
    colors: Legend,
    *,
    reach: float = 25.0,
    speck: float = 1e-4,
    sure: float = 0.0,
) -> Boxes:
    """Return the boxes that a picture shows.

    Args:
        image: The picture.
        source: The picture without frames, whose pixels boxes are told in.
        colors: The colour of each label's frames.
        reach: How far from its colour a frame's pixel may be, in Delta-E.
        speck: Parts of fewer pixels, as a share of the picture, are overlooked.
        sure: So are those that are less sure.

    Raises:
        SourceError: a colour is none of 8 bits.
    """
    source = source.convert("RGB")
    image = image.resize(source.size, Image.Resampling.NEAREST)
    found: list[Box] = []
    left = 0
    for label, color in colors.items():
        parts = components(_painted(image, source, color, reach))
        sizes = np.bincount(parts.ravel())
        for part in range(1, len(sizes)):
            large = sizes[part] >= max(1, speck * parts.size)
            if large and (box := _box(parts, part, label)).confidence >= sure:
                found.append(box)
            else:
                left += int(sizes[part])
    found.sort(key=lambda box: -box.confidence)
    return Boxes(tuple(found), left / (source.width * source.height))


def _painted(
    image: Image.Image, source: Image.Image, color: Color, reach: float
) -> UInt8[np.ndarray, "H W"]:
    return (within(image, color, reach) & ~within(source, color, reach)).astype(np.uint8)


def _box(parts: Int[np.ndarray, "H W"], part: int, label: str) -> Box:
    mine = parts == part
    rows, columns = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
    top, bottom, left, right = (int(x) for x in (rows[0], rows[-1], columns[0], columns[-1]))
    inside = mine[top : bottom + 1, left : right + 1]
    sides = [inside[0], inside[-1], inside[:, 0], inside[:, -1]]
    drawn = float(np.concatenate(sides).mean())
    return Box(label, (left, top, right + 1, bottom + 1), drawn)
