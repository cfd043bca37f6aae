"""Pictures in rows on one sheet, each row below its caption."""

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from PIL import Image

from danqing.data.typeset.fonts import choose, faces
from danqing.data.typeset.ink import language_of, write
from danqing.data.typeset.layout import Block, Setting, set_text

_EM: Final = 14
_GAP: Final = 6
"""Pixels between pictures, and around captions."""


class Row(NamedTuple):
    """Pictures side by side, and what they should show."""

    caption: str
    images: Sequence[Image.Image]


def sheet(rows: Sequence[Row]) -> Image.Image:
    """Return the rows one below the other on white.

    A caption is left out where no typeface of the package has all its characters.
    """
    width = max(sum(image.width + _GAP for image in row.images) for row in rows) - _GAP
    captions = [_set(row.caption, width) for row in rows]
    heights = [
        (round(caption.height) + 2 * _GAP if caption else 0)
        + max(image.height for image in row.images)
        for caption, row in zip(captions, rows, strict=True)
    ]
    whole = Image.new("RGB", (width, sum(heights)), "white")
    top = 0
    for row, caption, height in zip(rows, captions, heights, strict=True):
        if caption is not None:
            language = language_of(row.caption, "en")
            place = (0.0, float(top + _GAP))
            write(whole, caption, place, (0, 0, 0), role="caption", language=language)
        left = 0
        for image in row.images:
            whole.paste(image, (left, top + height - image.height))
            left += image.width + _GAP
        top += height
    return whole


def _set(caption: str, width: int) -> Block | None:
    text = " ".join(caption.split())
    language = language_of(text, "en")
    face = choose(Random(0), faces(), [text], language=language, kind="sans", bold=False)
    return set_text(text, face, _EM, float(width), Setting()) if face and text else None
