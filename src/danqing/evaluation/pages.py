"""What a benchmark asks to be written, set in print: the truth that a reader is measured on."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from danqing.data.typeset.fonts import Face, choose, faces
from danqing.data.typeset.ink import write
from danqing.data.typeset.layout import Setting, set_text
from danqing.scorers.world import Language

SMALLEST: Final = 8
"""Pixels an em, below which nothing is set."""

_SHRINK: Final = 0.92


def page(
    texts: Sequence[str], size: tuple[int, int], language: Language, fonts: Path | None = None
) -> Image.Image | None:
    """Return texts in black on white, one below the other and as large as they all fit.

    Args:
        texts: What to write.
        size: Width and height in pixels.
        language: Of the texts.
        fonts: A folder of typefaces; None: the package's own.

    Returns:
        The page, or nothing where the texts do not fit or no typeface has all their characters.
    """
    texts = [" ".join(text.split()) for text in texts if text.strip()]
    face = choose(Random(0), faces(fonts), texts, language=language, kind="sans", bold=False)
    if not texts or face is None:
        return None
    margin = min(size) * 0.05
    width, height = size[0] - 2 * margin, size[1] - 2 * margin
    em = min(size) // 8
    while em >= SMALLEST:
        blocks = [set_text(text, face, em, width, Setting()) for text in texts]
        whole = [block for block in blocks if block is not None]
        gap = 0.8 * em
        if len(whole) == len(texts) and sum(b.height + gap for b in whole) - gap <= height:
            image = Image.new("RGB", size, "white")
            y = margin
            for block in whole:
                write(image, block, (margin, y), (0, 0, 0), role="text", language=language)
                y += block.height + gap
            return image
        em = int(em * _SHRINK)
    return None


def character(text: str, face: Face, side: int) -> Image.Image:
    """Return one character in black in the middle of a white square.

    Args:
        text: The character.
        face: A typeface that has it.
        side: Pixels of the square.
    """
    image = Image.new("RGB", (side, side), "white")
    font = face.at(round(side * 0.6))
    ImageDraw.Draw(image).text((side / 2, side / 2), text, "black", font, anchor="mm")
    return image
