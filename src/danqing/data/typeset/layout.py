"""A text becomes lines of placed runs: wrapping, alignment, and the size that fits a box.

Latin text breaks at spaces. Chinese breaks between any two characters, but no line begins with
closing punctuation or ends with opening punctuation (GB/T 15834, W3C's "Requirements for Chinese
Text Layout"). Nothing is lost: the lines and the spaces between them are the text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from danqing.data.typeset.fonts import Face

Align = Literal["left", "center", "right", "justify"]

CLOSING: Final = "，。、；：？！）》」』】〉〕”’…—～·％℃,.;:?!)]}%>"
"""No line begins with these."""

OPENING: Final = "（《「『【〈〔“‘([{<¥$£€#"
"""No line ends with these."""

_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECES = re.compile(rf"\s+|[{_WIDE}]|[^\s{_WIDE}]+")
_SQUARE = re.compile(rf"[{_WIDE}]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

_STRETCH = 0.9
"""Ems that a gap of a justified line may grow by; a looser line stays ragged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """How lines are set."""

    align: Align = "left"
    leading: float = 1.35
    """From one base line to the next, in ems."""
    tracking: float = 0.0
    """Added between characters, in ems."""
    balance: bool = False
    """Whether lines are made about equally long, as in titles."""
    lines: int | None = None
    """No more lines than this; none means as many as there is height for."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters drawn in one go."""

    text: str
    x: float
    """Where the pen starts, in pixels from the block's left edge."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block."""

    text: str
    after: str
    """The white space at which the line was broken, which is not drawn."""
    runs: tuple[Run, ...]
    baseline: float
    """In pixels from the block's upper edge."""


@dataclass(frozen=True, slots=True)
class Block:
    """A text, set in a width."""

    lines: tuple[Line, ...]
    face: Face
    em: int
    """Size, in pixels an em."""
    width: float
    """The width it was set in; lines may be shorter."""
    height: float

    @property
    def text(self) -> str:
        """The text, as it was before it was set."""
        return "".join(line.text + line.after for line in self.lines)


@dataclass(frozen=True, slots=True)
class Unit:
    """What no line break may part."""

    text: str
    gap: str
    """White space that follows it."""


def has_wide(text: str) -> bool:
    """Return whether any character takes a full square, as Chinese ones and their marks do."""
    return _SQUARE.search(text) is not None


def has_han(text: str) -> bool:
    """Return whether any character is a Chinese one."""
    return _HAN.search(text) is not None


def units(text: str) -> list[Unit]:
    """Part a text where lines may break; joined again, the units are the text without its ends."""
    found: list[Unit] = []
    for piece in _PIECES.findall(text.strip()):
        if piece.isspace():
            found[-1] = replace(found[-1], gap=piece)
        elif found and not found[-1].gap and _glued(found[-1].text, piece):
            found[-1] = Unit(found[-1].text + piece, "")
        else:
            found.append(Unit(piece, ""))
    return found


def _glued(before: str, after: str) -> bool:
    return after[0] in CLOSING or before[-1] in OPENING


def set_text(text: str, face: Face, em: int, width: float, setting: Setting) -> Block | None:
    """Set a text in a width.

    Args:
        text: What to set; white space at its ends is dropped.
        face: A typeface that draws all of it.
        em: Size in pixels an em.
        width: Room in pixels.
        setting: How to set it.

    Returns:
        The block, or nothing where a word is wider than the room or there are too many lines.
    """
    parts = units(text)
    lines = _wrap(parts, face, em, width, setting.tracking)
    if not lines or (setting.lines is not None and len(lines) > setting.lines):
        return None
    if setting.balance and len(lines) > 1:
        lines = _balanced(parts, lines, face, em, width, setting.tracking)
    above, below = (reach * em for reach in face.extent)
    placed: list[Line] = []
    for i, line in enumerate(lines):
        last = i == len(lines) - 1
        runs = tuple(_runs(line, face, em, width, setting, last=last))
        words = "".join(unit.text + unit.gap for unit in line[:-1]) + line[-1].text
        placed.append(Line(words, line[-1].gap, runs, above + i * setting.leading * em))
    height = above + below + (len(lines) - 1) * setting.leading * em
    return Block(tuple(placed), face, em, width, height)


def fit(
    text: str,
    face: Face,
    room: tuple[float, float],
    setting: Setting,
    *,
    largest: int,
    smallest: int = 6,
) -> Block | None:
    """Set a text as large as a box allows.

    Args:
        text: What to set.
        face: A typeface that draws all of it.
        room: Width and height of the box, in pixels.
        setting: How to set it.
        largest: The size to stop at, in pixels an em.
        smallest: The size below which it is not set at all.
    """
    found: Block | None = None
    low, high = smallest, largest
    while low <= high:
        middle = (low + high) // 2
        block = set_text(text, face, middle, room[0], setting)
        if block is not None and block.height <= room[1]:
            found, low = block, middle + 1
        else:
            high = middle - 1
    return found


def _wrap(
    parts: Sequence[Unit], face: Face, em: int, width: float, tracking: float
) -> list[list[Unit]]:
    """Fill lines one after the other; nothing where a unit is wider than the width."""
    lines: list[list[Unit]] = []
    length = 0.0
    for unit in parts:
        advance = _length(unit.text, face, em, tracking)
        if advance > width:
            return []
        gap = _length(lines[-1][-1].gap, face, em, tracking) if lines else 0.0
        if lines and length + gap + advance <= width:
            lines[-1].append(unit)
            length += gap + advance
        else:
            lines.append([unit])
            length = advance
    return lines


def _balanced(
    parts: Sequence[Unit],
    lines: list[list[Unit]],
    face: Face,
    em: int,
    width: float,
    tracking: float,
) -> list[list[Unit]]:
    """Return as many lines as were given, broken at the smallest width that needs no more."""
    low, high = width / 2, width
    for _ in range(8):
        middle = (low + high) / 2
        narrower = _wrap(parts, face, em, middle, tracking)
        if narrower and len(narrower) == len(lines):
            lines, high = narrower, middle
        else:
            low = middle
    return lines


def _length(text: str, face: Face, em: int, tracking: float) -> float:
    return face.advance(text, em) + tracking * em * len(text)


def _runs(
    line: Sequence[Unit], face: Face, em: int, width: float, setting: Setting, *, last: bool
) -> Iterator[Run]:
    lengths = [_length(u.text, face, em, setting.tracking) for u in line]
    gaps = [_length(u.gap, face, em, setting.tracking) for u in line[:-1]]
    spare = width - sum(lengths) - sum(gaps) + setting.tracking * em
    if setting.align == "justify" and not last and gaps and spare / len(gaps) < _STRETCH * em:
        x = 0.0
        for unit, length, gap in zip(line, lengths, [*gaps, 0.0], strict=True):
            yield from _spaced(unit.text, x, face, em, setting.tracking)
            x += length + gap + spare / len(gaps)
        return
    x = {"center": spare / 2, "right": spare}.get(setting.align, 0.0)
    if setting.tracking:
        for unit, length, gap in zip(line, lengths, [*gaps, 0.0], strict=True):
            yield from _spaced(unit.text, x, face, em, setting.tracking)
            x += length + gap
    else:
        yield Run("".join(unit.text + unit.gap for unit in line[:-1]) + line[-1].text, x)


def _spaced(text: str, x: float, face: Face, em: int, tracking: float) -> Iterator[Run]:
    """Yield a word, or its characters one by one where they stand apart."""
    if not tracking:
        yield Run(text, x)
        return
    for character in text:
        yield Run(character, x)
        x += _length(character, face, em, tracking)
