"""Stage 1, what captions say that is not safe for work: the stand-in where no network can look."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from danqing.core.errors import RecipeError
from danqing.data.filters.base import Batch, Cut, Measured, filters
from danqing.data.filters.captions import Caption, caption_of

WORDS: Final = Path(__file__).with_name("unsafe_words.txt")
"""The package's own list: one word or phrase a line, English and Chinese, `#` before a remark."""


@filters.register("unsafe_words")
@dataclass(frozen=True, kw_only=True, slots=True)
class UnsafeWords:
    """How many words a caption has of a list of sexual, violent and hateful ones.

    The stand-in for `nsfw`, which looks at the picture: this one reads what is said of it, so it
    finds nothing where nothing is said, and drops a harmless picture that is badly described.
    """

    needs: ClassVar = ("raw", "recaption", "fused")
    slow: ClassVar = False
    cut: Cut = Cut(high=0.0)
    caption: Caption = "any"
    words: str = ""
    """A UTF-8 file of your own, one word a line; empty: the package's. Columns go by its path, so a
    list with other words needs another name."""

    def load(self) -> None:
        """Read the list.

        Raises:
            RecipeError: it cannot be read, or has no words.
        """
        _pattern(self.words)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a count of different words; rows without this caption have none."""
        pattern = _pattern(self.words)
        found: list[Measured] = []
        for text in caption_of(batch, self.caption):
            said = [] if text is None else pattern.findall(text)
            value = None if text is None else float(len({word.lower() for word in said}))
            found.append(Measured(value, f"it says {said[0]!r}" if said else None))
        return found


@cache
def _pattern(path: str) -> re.Pattern[str]:
    try:
        lines = Path(path or WORDS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"words must be a UTF-8 file, got {path}, which cannot be read ({error}); check it."
        ) from error
    words = [word for line in lines if (word := line.partition("#")[0].strip())]
    if not words:
        raise RecipeError(f"words must be a file with words, got none in {path}; add one a line.")
    # A Latin word stands alone, with an s at most; Chinese has no spaces to stand between.
    latin = "|".join(re.escape(word) for word in words if word.isascii())
    other = "|".join(re.escape(word) for word in words if not word.isascii())
    parts = [rf"\b(?:{latin})s?\b"] * bool(latin) + [other] * bool(other)
    return re.compile("|".join(parts), re.IGNORECASE)
