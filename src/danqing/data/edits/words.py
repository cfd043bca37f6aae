"""The words that edits are asked for with, beyond those of captions."""

import re
from collections.abc import Iterable

from danqing.data.edits.refer import SIDES_SAID
from danqing.data.edits.wordings import (
    GROWTH_SAID,
    PLACES_SAID,
    POSES_SAID,
    STYLES_SAID,
    WORDINGS,
)
from danqing.data.synthesis.captions import Vocabulary
from danqing.scorers.world import Language


def vocabulary() -> Vocabulary:
    """Return the words of all wordings and of all that stands in their fields but nouns."""
    frames = [frame for wordings in WORDINGS.values() for frame in wordings["en"]]
    english = _words([*frames, *_said("en")])
    chinese = [frame for wordings in WORDINGS.values() for frame in wordings["zh"]]
    openings = {frame.split()[0] for frame in frames if not frame.startswith("{")}
    openings |= {place.split()[0] for place, _ in PLACES_SAID["en"].values()}
    openings |= {grow for _, grow in GROWTH_SAID["en"].values()} | {"the"}
    return Vocabulary(
        english=english,
        starters=tuple(sorted(openings)),
        chinese=_words([*chinese, *_said("zh")]),
        marks=(),
        characters=(),
    )


def _said(language: Language) -> list[str]:
    """Return what stands in fields."""
    pairs = (*PLACES_SAID[language].values(), *GROWTH_SAID[language].values())
    return [
        *(said for pair in pairs for said in pair),
        *SIDES_SAID[language].values(),
        *STYLES_SAID[language].values(),
        *POSES_SAID[language].values(),
    ]


def _words(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return the different words of some phrases, without fields and marks."""
    plain = re.sub(r"\{\w+\}|[,，]", " ", " ".join(phrases))
    return tuple(dict.fromkeys(plain.split()))
