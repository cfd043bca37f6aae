"""Blocks are drawn into pictures, and what was drawn is noted exactly."""

import math
from collections.abc import Iterator

from PIL import Image, ImageDraw

from danqing.data.typeset.layout import Block, Line, has_han
from danqing.data.typeset.placed import Placed, PlacedLine, Refused, box
from danqing.scorers.world import Color, Language, Point


def write(
    image: Image.Image,
    block: Block,
    at: Point,
    color: Color,
    *,
    role: str,
    language: Language,
) -> Placed:
    """Draw a block and return where each of its lines stands.

    Args:
        image: RGB, or L for a mask whose ink is 255.
        block: What to draw.
        at: The block's upper left corner, in pixels.
        color: Of the ink; a mask only notes it.
        role: What the string does in the picture.
        language: The string's language where its characters leave that open, as digits do.
    """
    pen = ImageDraw.Draw(image)
    # Base lines fall on whole pixels, which keeps level strokes sharp.
    x, y = at[0], float(round(at[1]))
    font = block.face.at(block.em)
    fill = color if image.mode == "RGB" else 255
    for line in block.lines:
        for run in line.runs:
            origin = (x + run.x, y + round(line.baseline))
            pen.text(origin, run.text, font=font, fill=fill, anchor="ls")
    return Placed(
        text=block.text,
        lines=tuple(_outlines(block, x, y)),
        face=block.face.name,
        size=float(block.em),
        color=color,
        language=language_of(block.text, language),
        role=role,
    )


def language_of(text: str, default: Language) -> Language:
    """Return a string's language, or the one given where no letter tells it."""
    if has_han(text):
        return "zh"
    return "en" if any(c.isalpha() for c in text) else default


def _outlines(block: Block, x: float, y: float) -> Iterator[PlacedLine]:
    for line in block.lines:
        left, top, right, bottom = _ink(line, block, x)
        down = y + round(line.baseline)
        yield PlacedLine(line.text, box(left, down + top, right, down + bottom))


def _ink(line: Line, block: Block, x: float) -> tuple[float, float, float, float]:
    """Return the box of a line's ink, to the pixel; down from its base line."""
    font = block.face.at(block.em)
    boxes: list[tuple[int, int, int, int]] = []
    for run in line.runs:
        fraction, whole = math.modf(x + run.x)
        mask, (across, down) = font.getmask2(run.text, "L", anchor="ls", start=(fraction, 0.0))
        if (ink := mask.getbbox()) is not None:
            left = int(whole) + across
            boxes.append((left + ink[0], down + ink[1], left + ink[2], down + ink[3]))
    if not boxes:
        raise Refused(f"{line.text!r} leaves no ink")
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return float(min(lefts)), float(min(tops)), float(max(rights)), float(max(bottoms))
