"""Stage 4, what is written in pictures: in which language, how much, how small (read by OCR)."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from danqing.data.filters.base import Batch, Cut, Measured, Page, Reads, each, filters

LANGUAGES: Final = ("none", "en", "zh", "other")
"""The report's splits; a number in the column is a place in this list."""

_SOME: Final = 2
"""Letters below which a picture has no text: readers see single letters in textures."""
_BOX: Final = 4 / 3
"""Height of a line's box, in ems."""
_ACCENTED: Final = 30
"""One accented letter in so many makes a Latin text another language; English has hardly any."""


@filters.register("text_language")
@dataclass(frozen=True, kw_only=True, slots=True)
class TextLanguage(Reads):
    """The language of what is written: 0 none, 1 English, 2 Chinese, 3 other; all are kept.

    One Chinese character in eight letters makes a Chinese text, because pictures with Chinese text
    have Latin names and numbers in it, and not the other way round. Accents tell other languages
    from English; Italian or Dutch on a short sign may have none. What is written and cannot be read
    is in another script.
    """

    cut: Cut = Cut()

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a place in `LANGUAGES`; the text is the note."""
        return [
            Measured(None, page)
            if isinstance(page, str)
            else Measured(
                float(LANGUAGES.index(_language(page))),
                " ".join(line.text for line in page.lines)[:500] or None,
            )
            for page in batch.pages
        ]


@filters.register("intensive_text")
@dataclass(frozen=True, kw_only=True, slots=True)
class IntensiveText(Reads):
    """The share of a picture that lines of text cover; the bound is our own starting point."""

    cut: Cut = Cut(high=0.5)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a share from 0 to about 1."""
        return each(batch.pages, _covered)


@filters.register("characters")
@dataclass(frozen=True, kw_only=True, slots=True)
class Characters(Reads):
    """How many characters are written in a picture; the bound is our own starting point."""

    cut: Cut = Cut(high=300.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a count, spaces left out."""
        return each(batch.pages, _count)


@filters.register("small_characters")
@dataclass(frozen=True, kw_only=True, slots=True)
class SmallCharacters(Reads):
    """The median height of lines of text over the shorter side of the picture.

    At 256 pixels letters below six pixels run together; a line's box is a third taller than its
    letters, hence a thirtieth. Around small letters a reader's box is too tall by up to half, so a
    line counts as no taller than its letters are wide. Pictures without text have no such number.
    """

    cut: Cut = Cut(low=1 / 30)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a share of the side."""
        return [
            Measured(None, page)
            if isinstance(page, str)
            else Measured(_median(page) if page.lines else None)
            for page in batch.pages
        ]


def language(texts: Iterable[str]) -> str:
    """Return which of `LANGUAGES` texts are in, by their scripts."""
    scripts = Counter(_script(letter) for text in texts for letter in text if letter.isalpha())
    total = scripts.total()
    if total < _SOME:
        return "zh" if scripts["zh"] else "none"
    if scripts["other"] * 4 > total:
        return "other"
    if scripts["zh"] * 8 >= total:
        return "zh"
    # A single one may be a café's.
    accented = scripts["accented"]
    return "other" if accented > 1 and accented * _ACCENTED >= total else "en"


def _language(page: Page) -> str:
    return "other" if page.unread else language(line.text for line in page.lines)


def _covered(page: Page) -> float:
    return sum(line.area for line in page.lines) / (page.width * page.height)


def _count(page: Page) -> float:
    return float(sum(len("".join(line.text.split())) for line in page.lines))


def _median(page: Page) -> float:
    heights = [min(line.height, _BOX * line.length / _ems(line.text)) for line in page.lines]
    return float(np.median(heights)) / min(page.width, page.height)


def _ems(text: str) -> float:
    """Return how wide a line of text is set, usually."""
    return sum(0.5 if letter.isascii() else 1.0 for letter in text)


def _script(letter: str) -> str:
    if letter.isascii():
        return "en"
    name = unicodedata.name(letter, "")
    if name.startswith("CJK"):
        return "zh"
    return "accented" if name.startswith("LATIN") else "other"
