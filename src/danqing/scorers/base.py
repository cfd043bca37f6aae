"""One interface for everything that judges a picture.

A data filter's threshold, a reward, a preference and a benchmark all ask the same question, so
one scorer serves them all. No score is not a zero score: what cannot be judged is *unscored*.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.registry import Registry
from danqing.scorers.world import Specification

Wanted = str | Specification
"""What a picture was asked for: a sentence, or the specification behind one."""


@dataclass(frozen=True, slots=True)
class Score:
    """A number with a reason."""

    value: float | None
    """The higher, the better; None: unscored."""
    reason: str
    """One sentence for people."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the number was made of, as plain data."""


@runtime_checkable
class Scorer(Protocol):
    """Anything that judges pictures."""

    def score(self, images: Sequence[Image.Image], wanted: Sequence[Wanted]) -> list[Score]:
        """Return one score for each picture and what was asked of it."""
        ...


scorers: Final[Registry[type[Scorer]]] = Registry("scorer")
"""Scorers by name; each is a frozen dataclass whose fields are its settings."""


def mean(scores: Iterable[Score]) -> float | None:
    """Return the mean of the scored values; None where nothing is scored."""
    values = [score.value for score in scores if score.value is not None]
    return sum(values) / len(values) if values else None
