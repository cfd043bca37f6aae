"""Specifications at random: what might be asked for, before any split has its say."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from danqing.data.synthesis.words import CHARACTERS, LETTERS, PHRASES, WORDS
from danqing.scorers.world import (
    BACKGROUNDS,
    PALETTE,
    RELATIONS,
    SHAPES,
    TEXT_COLORS,
    Object,
    Scene,
    Specification,
    TextSpec,
)

COMMON_SHAPES: Final = tuple(shape for shape in SHAPES if shape != "hexagon")
"""The shapes that stay apart at every size."""

LONGEST_WORD: Final = 8
LONGEST_PHRASE: Final = 4
_WORDS_BY_LENGTH: Final = {
    n: [word for word in WORDS if len(word) == n] for n in range(1, LONGEST_WORD + 1)
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of the world occurs; a curriculum widens it."""

    shapes: tuple[str, ...] = COMMON_SHAPES
    """Shapes that occur, at least three."""
    named_ground: float = 0.6
    """Share of scenes that name their ground; strings always do."""
    max_count: int = 5
    """Largest number in `counting`, 2 to 5."""
    told_colors: float = 0.0
    """Share of `counting` that tells a colour; all other scenes that leave it open have a twin that
    tells it: `colors`, `color_attr` and `compound`."""
    letter_case: Literal["upper", "lower", "title"] = "upper"
    """How English is written."""
    min_word: int = 1
    """Fewest letters of an English string."""
    max_word: int = 4
    """Most letters of an English string, 1 to 8."""
    invented: float = 0.3
    """Share of strings of two letters or characters and more that are dealt at random."""
    max_phrase: int = 1
    """Most characters of a Chinese string, 1 to 4."""
    characters: int | None = None
    """Use only the first, simplest so many characters; None: all."""
    text_colors: tuple[str, ...] = TEXT_COLORS
    """Colours of strings."""


def propose(
    rng: Random, category: str, limits: Limits, alphabet: str = CHARACTERS
) -> Specification:
    """Return a random specification of a category, from any bucket.

    Args:
        rng: Decides everything.
        category: One of `CATEGORIES`.
        limits: How much of the world to use.
        alphabet: The Chinese characters that strings are made of.
    """
    if category in _STRINGS:
        string = _STRINGS[category](rng, limits, alphabet[: limits.characters])
        language = "en" if category == "text_en" else "zh"
        color, ground = rng.choice(limits.text_colors), rng.choice(tuple(BACKGROUNDS))
        return TextSpec(category, string, language, color, ground)
    ground = rng.choice(tuple(BACKGROUNDS)) if rng.random() < limits.named_ground else None
    return Scene(category, _OBJECTS[category](rng, limits), ground)


def _single_object(rng: Random, limits: Limits) -> tuple[Object, ...]:
    return (Object(rng.choice(limits.shapes)),)


def _two_object(rng: Random, limits: Limits) -> tuple[Object, ...]:
    first, second = rng.sample(limits.shapes, 2)
    return Object(first), Object(second)


def _counting(rng: Random, limits: Limits) -> tuple[Object, ...]:
    shape, count = rng.choice(limits.shapes), rng.randint(2, limits.max_count)
    # Without it nothing is drawn, so that the stream of older settings stays what it was.
    told = limits.told_colors > 0 and rng.random() < limits.told_colors
    return (Object(shape, count, rng.choice(tuple(PALETTE)) if told else None),)


def _colors(rng: Random, limits: Limits) -> tuple[Object, ...]:
    return (Object(rng.choice(limits.shapes), color=rng.choice(tuple(PALETTE))),)


def _position(rng: Random, limits: Limits) -> tuple[Object, ...]:
    anchor, subject = rng.sample(limits.shapes, 2)
    return Object(anchor), Object(subject, position=(rng.choice(tuple(RELATIONS)), 0))


def _color_attr(rng: Random, limits: Limits) -> tuple[Object, ...]:
    shapes, colors = rng.sample(limits.shapes, 2), rng.sample(tuple(PALETTE), 2)
    first, second = (Object(s, color=c) for s, c in zip(shapes, colors, strict=True))
    return first, second


def _compound(rng: Random, limits: Limits) -> tuple[Object, ...]:
    shapes, colors = rng.sample(limits.shapes, 2), rng.sample(tuple(PALETTE), 2)
    few, many = rng.randint(1, 2), rng.randint(2, min(3, limits.max_count))
    anchors, subjects = rng.choice(((few, many), (many, few), (1, 1)))
    relation = rng.choice(tuple(RELATIONS))
    return (
        Object(shapes[0], anchors, colors[0]),
        Object(shapes[1], subjects, colors[1], (relation, 0)),
    )


def _english(rng: Random, limits: Limits, _: str) -> str:
    length = rng.randint(limits.min_word, limits.max_word)
    string = _dealt(rng, length, _WORDS_BY_LENGTH[length], LETTERS, limits.invented)
    cases = {"upper": string.upper(), "lower": string.lower(), "title": string.title()}
    return cases[limits.letter_case]


def _chinese(rng: Random, limits: Limits, alphabet: str) -> str:
    length = rng.randint(1, limits.max_phrase)
    phrases = [p for p in PHRASES if len(p) == length and all(c in alphabet for c in p)]
    return _dealt(rng, length, phrases, alphabet, limits.invented)


def _dealt(rng: Random, length: int, known: list[str], alphabet: str, invented: float) -> str:
    """Return one of the known strings, or one dealt from the alphabet where none is known."""
    if known and rng.random() >= invented:
        return rng.choice(known)
    return "".join(rng.choice(alphabet) for _ in range(length))


_OBJECTS: Final[dict[str, Callable[[Random, Limits], tuple[Object, ...]]]] = {
    "single_object": _single_object,
    "two_object": _two_object,
    "counting": _counting,
    "colors": _colors,
    "position": _position,
    "color_attr": _color_attr,
    "compound": _compound,
}
_STRINGS: Final[dict[str, Callable[[Random, Limits, str], str]]] = {
    "text_en": _english,
    "text_zh": _chinese,
}
