"""Where the words come from: our own sentences, or paragraphs of a file of the user's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

from danqing.core.errors import SourceError
from danqing.data.typeset.grammar import capital, say
from danqing.data.typeset.layout import has_han
from danqing.data.typeset.prose import CHINESE, ENGLISH, TITLES
from danqing.scorers.world import Language

LARGEST: Final = 1 << 30
"""Bytes of a file of texts that is still read."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Paragraphs and short phrases, without an end."""

    file: Path | None = None
    """UTF-8, one paragraph a line; none means our own sentences."""

    def require(self, languages: Sequence[Language]) -> None:
        """Refuse a file that cannot be read or has nothing in a language.

        Raises:
            SourceError: it is so.
        """
        for language in languages:
            if self.file is not None and not _paragraphs(self.file)[language]:
                raise SourceError(
                    f"texts {self.file} must have lines in every language, got none in "
                    f"{language}; add some or take it out of languages."
                )

    def paragraph(self, rng: Random, language: Language) -> str:
        """Return one paragraph, of one to five sentences where it is our own."""
        if self.file is not None:
            return rng.choice(_paragraphs(self.file)[language])
        return sentences(rng, language, rng.randint(1, 5))

    def phrase(self, rng: Random, language: Language) -> str:
        """Return a few words: a title of our own, or the beginning of a paragraph."""
        if self.file is None:
            return title(rng, language)
        return shortened(self.paragraph(rng, language), language)

    def line(self, rng: Random, language: Language) -> str:
        """Return a sentence of our own, or the beginning of a paragraph."""
        if self.file is None:
            return sentences(rng, language, 1)
        return shortened(self.paragraph(rng, language), language)


def sentences(rng: Random, language: Language, count: int) -> str:
    """Return some sentences of our own."""
    rules, gap = (ENGLISH, " ") if language == "en" else (CHINESE, "")
    return gap.join(capital(say(rng, rules, "{sentence}")) for _ in range(count))


def title(rng: Random, language: Language) -> str:
    """Return a title of our own."""
    return say(rng, TITLES[language], "{title}")


def shortened(text: str, language: Language) -> str:
    """Return the first words of a text, up to about a title's length."""
    if language == "zh":
        return text[:8].rstrip("，。、；：？！“‘（《")
    return " ".join(text.split()[:4]).rstrip(",.;:?!")


@lru_cache(maxsize=8)
def _paragraphs(file: Path) -> dict[Language, tuple[str, ...]]:
    try:
        if (size := file.stat().st_size) > LARGEST:
            raise ValueError(f"{size:,} bytes")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SourceError(
            f"texts {file} must be a UTF-8 file, got one that cannot be read ({error})."
        ) from error
    texts = [text for line in lines if (text := " ".join(line.split()))]
    return {
        "en": tuple(text for text in texts if not has_han(text)),
        "zh": tuple(text for text in texts if has_han(text)),
    }
