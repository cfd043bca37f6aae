"""An endless stream of drawn pictures with exact captions, for training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis.captions import TRAINING_TEMPLATES, caption
from danqing.data.synthesis.draw import Style, draw
from danqing.data.synthesis.fonts import FACES, TRAINING_FACES
from danqing.data.synthesis.prompts import Prompt
from danqing.data.synthesis.propose import LONGEST_PHRASE, LONGEST_WORD, Limits, propose
from danqing.data.synthesis.split import bucket
from danqing.data.synthesis.words import CHARACTERS
from danqing.scorers.world import (
    CATEGORIES,
    SHAPES,
    SMALLEST_HEXAGON,
    TEXT_COLORS,
    Language,
    Specification,
)

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn picture and what it shows."""

    image: Image.Image
    """RGB, of the stream's size."""
    caption: str
    spec: Specification
    language: Language
    """The language of the caption."""


@dataclass(frozen=True, kw_only=True)
class Synthesis(Limits, Style):
    """An endless training set: `sample(i)` depends on the settings and `i`, and on nothing else.

    Only specifications of the `train` bucket, training wordings and training typefaces occur.
    """

    size: tuple[int, int] = (256, 256)
    """Width and height in pixels."""
    categories: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 1.0))
    """Weight of each category; those not named do not occur."""
    languages: dict[Language, float] = field(default_factory=lambda: {"en": 1.0, "zh": 1.0})
    """Weight of each language of captions."""
    seed: int = 0
    """Another seed, another stream."""

    def __post_init__(self) -> None:
        _require("categories", self.categories, CATEGORIES)
        _require("languages", self.languages, ("en", "zh"))
        for name, weights in (("categories", self.categories), ("languages", self.languages)):
            if min(weights.values()) < 0 or sum(weights.values()) <= 0:
                raise RecipeError(
                    f"{name} must have weights of 0 or more, not all 0, got {weights}; change them."
                )
        _require("shapes", self.shapes, SHAPES)
        _require("fonts", self.fonts, TRAINING_FACES)
        _require("text_colors", self.text_colors, TEXT_COLORS)
        for name, value, low, high in (
            ("min(size)", min(self.size), 64, 4096),
            ("jitter", self.jitter, 0, 14),
            ("rotation", self.rotation, 0, 12),
            ("freedom", self.freedom, 0, 1),
            ("max_count", self.max_count, 2, 5),
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
        for script, category in (("en", "text_en"), ("zh", "text_zh")):
            if category in self.categories and not any(
                FACES[name].script == script for name in self.fonts
            ):
                raise RecipeError(f"fonts must have one for {category}, got {self.fonts}; add one.")

    def sample(self, index: int) -> Sample:
        """Return the picture of an index, always the same one.

        Args:
            index: Which picture, from 0; any integer is fine.
        """
        rng, prompt = self._ask(index)
        image = draw(prompt.spec, rng, size=self.size, style=self)
        return Sample(image, prompt.prompt, prompt.spec, prompt.language)

    def prompt(self, index: int) -> Prompt:
        """Return what the picture of an index is asked for by, without drawing it."""
        return self._ask(index)[1]

    def _ask(self, index: int) -> tuple[Random, Prompt]:
        rng = Random(f"danqing synthesis {self.seed} {index}")
        category, language = _pick(rng, self.categories), _pick(rng, self.languages)
        spec = propose(rng, category, self)
        while bucket(spec) != "train":
            spec = propose(rng, category, self)
        template = rng.choice(TRAINING_TEMPLATES)
        sentence = caption(spec, language, template)
        return rng, Prompt(sentence, language, template, "train", spec)


def _pick(rng: Random, weights: Mapping[Name, float]) -> Name:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def _require(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not known, and nothing at all."""
    given, known = list(given), list(known)
    if not given or not set(given) <= set(known):
        raise RecipeError(
            f"{name} must be some of {', '.join(known)}, got {', '.join(given) or 'none'}; "
            "change it."
        )
