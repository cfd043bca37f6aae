"""What all streams of drawn pictures have in common: how much of the world occurs, and how."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from danqing.core.errors import RecipeError
from danqing.data.synthesis.draw import Style
from danqing.data.synthesis.fonts import TRAINING_FACES
from danqing.data.synthesis.propose import LONGEST_PHRASE, LONGEST_WORD, Limits
from danqing.data.synthesis.words import CHARACTERS
from danqing.scorers.world import SHAPES, SMALLEST_HEXAGON, TEXT_COLORS, Language

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, kw_only=True)
class World(Limits, Style):
    """The settings of a stream, and the refusal of impossible ones."""

    size: tuple[int, int] = (256, 256)
    """Width and height in pixels."""
    languages: dict[Language, float] = field(default_factory=lambda: {"en": 1.0, "zh": 1.0})
    """Weight of each language that is asked in."""
    seed: int = 0
    """Another seed, another stream."""

    def __post_init__(self) -> None:
        weighted("languages", self.languages, ("en", "zh"))
        _require("shapes", self.shapes, SHAPES)
        _require("fonts", self.fonts, TRAINING_FACES)
        _require("text_colors", self.text_colors, TEXT_COLORS)
        for name, value, low, high in (
            ("min(size)", min(self.size), 64, 4096),
            ("jitter", self.jitter, 0, 14),
            ("rotation", self.rotation, 0, 12),
            ("freedom", self.freedom, 0, 1),
            ("named_ground", self.named_ground, 0, 1),
            ("max_count", self.max_count, 2, 5),
            ("told_colors", self.told_colors, 0, 1),
            ("max_word", self.max_word, 1, LONGEST_WORD),
            ("min_word", self.min_word, 1, self.max_word),
            ("max_phrase", self.max_phrase, 1, LONGEST_PHRASE),
            (
                "characters",
                len(CHARACTERS) if self.characters is None else self.characters,
                1,
                len(CHARACTERS),
            ),
            ("len(shapes)", len(self.shapes), 3, len(SHAPES)),
        ):
            if not low <= value <= high:
                raise RecipeError(f"{name} must be {low} to {high}, got {value}; change it.")
        if "hexagon" in self.shapes and min(self.size) < SMALLEST_HEXAGON:
            raise RecipeError(
                f"size must be at least {SMALLEST_HEXAGON} for hexagons, got {self.size}; "
                "enlarge it or take them out of shapes."
            )


def pick(rng: Random, weights: Mapping[Name, float]) -> Name:
    """Return a name at random, by weight."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def weighted(name: str, weights: Mapping[Name, float], known: Iterable[str]) -> None:
    """Refuse a setting whose names are not known or whose weights choose nothing.

    Raises:
        RecipeError: that is so.
    """
    _require(name, weights, known)
    if min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise RecipeError(
            f"{name} must have weights of 0 or more, not all 0, got {dict(weights)}; change them."
        )


def _require(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not known, and nothing at all."""
    given, known = list(given), list(known)
    if not given or not set(given) <= set(known):
        raise RecipeError(
            f"{name} must be some of {', '.join(known)}, got {', '.join(given) or 'none'}; "
            "change it."
        )
