"""Which specifications are trained on, decided by hash before any training.

The bucket of a specification follows from the specification alone, never from the wording of a
prompt: first come whole families that training must not touch (a shape in a colour, a pair of
shapes, a shape in a number, a word, a character), then the sha256 of the canonical JSON deals
what is left. Held-out wordings live in `captions`, held-out typefaces in `fonts`.

To a family belong also the choices that a prompt leaves open: a picture of "a star" is never
drawn for training in the colour whose pairing with stars is held out (see `allowed_colors`).
"""

import hashlib
from collections.abc import Sequence
from itertools import combinations
from typing import Final, Literal

from danqing.data.synthesis.words import CHARACTERS
from danqing.scorers.world import (
    CATEGORIES,
    PALETTE,
    SHAPES,
    Object,
    Specification,
    TextSpec,
)

Split = Literal[
    "train",
    "dev",
    "test_iid",
    "test_comp",
    "test_pair",
    "test_count",
    "test_para",
    "test_word",
    "test_char",
    "test_font",
]
"""`test_para` and `test_font` hold the specifications of `test_iid`, worded or drawn anew."""

_PAIRED = ("two_object", "position", "color_attr", "compound")
HELD_OUT_CATEGORIES: Final[dict[Split, tuple[str, ...]]] = {
    "dev": CATEGORIES,
    "test_iid": CATEGORIES,
    "test_comp": ("colors", "color_attr", "compound"),
    "test_pair": _PAIRED,
    "test_count": ("counting",),
    "test_para": CATEGORIES,
    "test_word": ("text_en", "text_zh"),
    "test_char": ("text_zh",),
    "test_font": ("text_en", "text_zh"),
}
"""For every held-out split, the categories that have it."""

HELD_OUT_COLORS: Final = {
    shape: tuple(PALETTE)[(3 * row + 1) % len(PALETTE)] for row, shape in enumerate(SHAPES)
}
"""One colour a shape, as in a Latin square: no colour is taken from two shapes."""

HELD_OUT_PAIRS: Final = frozenset(
    frozenset(pair) for pair in (("circle", "star"), ("square", "heart"), ("triangle", "diamond"))
)
"""Shapes that never share a training scene; every shape keeps all its other partners."""

HELD_OUT_COUNTS: Final = frozenset({("circle", 2), ("triangle", 3), ("heart", 4), ("diamond", 5)})
"""Numbers in which a shape is never counted, one for every number."""

_DEV, _TEST = 0.08, 0.2
"""Shares of what no family holds out."""

_CHOOSING = 0.25
"""Share of `dev` in what training never draws."""

_DIGITS = slice(16, 24)
"""The hex digits of an id that deal it. These keep tests of `single_object`, the category with the
fewest specifications, for every common shape but one; the first digits would starve it."""

_WORDS = 0.2
"""Share of the strings of two letters and more that training never writes."""


def allowed_colors(shape: str) -> tuple[str, ...]:
    """Return the colours in which training may draw a shape."""
    return tuple(color for color in PALETTE if color != HELD_OUT_COLORS[shape])


def held_out_string(string: str) -> bool:
    """Return whether a string of two letters or characters and more is kept from training.

    Case does not matter: the word is held out, not one way to write it.
    """
    digest = hashlib.sha256(f"string {string.upper()}".encode()).hexdigest()
    return len(string) > 1 and _share(digest) < _WORDS


def _share(digest: str) -> float:
    """Return where the hex sha256 of something stands among all, from 0 to 1."""
    return int(digest[_DIGITS], 16) / 16**8


Dealt = Literal["train", "dev", "test"]
"""Training may have the first part only."""

Part = Literal["dev", "test"]
"""What training never draws is dealt, too: some of it to choose a model by, the rest to test it."""


def part_of(digest: str) -> Part:
    """Return the part of what training never draws that something with this sha256 belongs to."""
    return "dev" if _share(digest) < _CHOOSING else "test"


def bucket(spec: Specification) -> Split:
    """Return the one split a specification belongs to (never `test_para` or `test_font`)."""
    family = _text_family(spec) if isinstance(spec, TextSpec) else scene_family(spec.objects)
    if family is not None:
        return family
    part = dealt(spec.id)
    return "test_iid" if part == "test" else part


def dealt(digest: str) -> Dealt:
    """Return the part that something with this sha256 belongs to where no family holds it out."""
    place = _share(digest)
    return "dev" if place < _DEV else "test" if place < _DEV + _TEST else "train"


def _text_family(spec: TextSpec) -> Split | None:
    if spec.language == "zh" and any(character not in CHARACTERS for character in spec.string):
        return "test_char"
    return "test_word" if held_out_string(spec.string) else None


def scene_family(things: Sequence[Object]) -> Split | None:
    """Return the family that holds some things out together, if one does."""
    if any(thing.color == HELD_OUT_COLORS[thing.shape] for thing in things):
        return "test_comp"
    if any(frozenset((a.shape, b.shape)) in HELD_OUT_PAIRS for a, b in combinations(things, 2)):
        return "test_pair"
    if any((thing.shape, thing.count) in HELD_OUT_COUNTS for thing in things):
        return "test_count"
    return None
