"""Plots for pages: SVG without any library, the same for the same numbers."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

STYLE: Final = """\
  .plot text { font-size: 12px; fill: #333; }
  .plot .grid { stroke: #ddd; }
  .plot .wide { stroke: #9bc; stroke-width: 7; }
  .plot .range { stroke: #246; stroke-width: 2.5; }
  .plot circle { fill: #d43; }
"""
"""CSS of a page that has plots."""

_NAMES, _WIDTH, _LINE, _HEIGHT = 210.0, 560.0, 26.0, 280.0
"""Pixels: of names, of a scale across, of a row, of a scale upwards."""
_LEFT, _RIGHT, _TOP, _BELOW = 70.0, 30.0, 12.0, 24.0
"""Pixels around a scale: for ticks at its left, for the last tick's ends, for those below it."""
_LETTERS: Final = 30
"""What fits into the room for a name."""
_MOST: Final = 8
"""Steps of a scale, which may have one more at either end."""
_DECADES: Final = 2
"""Powers of ten up to which a scale has ticks between them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure, and how sure it is."""

    name: str
    value: float
    ranges: Sequence[tuple[float, float]] = ()
    """Intervals that it may lie in, the widest first."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Round numbers from one below all values to one above them."""

    ticks: tuple[float, ...]
    is_log: bool = False
    """Whether equal ways are equal ratios."""

    def share(self, value: float) -> float:
        """Return how far along a value is, from 0 to 1."""
        numbers = (self.ticks[0], value, self.ticks[-1])
        first, here, last = map(math.log, numbers) if self.is_log else numbers
        return (here - first) / (last - first)


def linear(values: Iterable[float]) -> Scale:
    """Return a scale in steps of 1, 2 or 5 times a power of ten for one value or more."""
    low, high = _ends(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) / 10 or 1.0
        low, high = low - room, high + room
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if (high - low) / s <= _MOST)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(tuple(place * step for place in range(first, last + 1)))


def logarithmic(values: Iterable[float]) -> Scale:
    """Return a scale of ratios for one value or more, all above 0."""
    low, high = _ends(values)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    between = (1, 2, 5) if last - first <= _DECADES else (1,)
    rounds = [part * 10.0**power for power in range(first, last + 2) for part in between]
    start = max(bisect_right(rounds, low) - 1, 0)
    stop = max(bisect_left(rounds, high), start + 1)
    return Scale(tuple(rounds[start : stop + 1]), is_log=True)


def whiskers(marks: Sequence[Mark], title: str) -> str:
    """Return figures one below the other, each with its intervals.

    Args:
        marks: One or more.
        title: What the plot shows, as plain text.
    """
    scale = linear(_values(marks))
    height = len(marks) * _LINE

    def across(value: float) -> float:
        return _NAMES + scale.share(value) * _WIDTH

    parts = _ticks_below([(across(tick), tick) for tick in scale.ticks], 0.0, height)
    for place, mark in enumerate(marks):
        y = (place + 0.5) * _LINE
        name = mark.name if len(mark.name) <= _LETTERS else mark.name[: _LETTERS - 1] + "…"
        parts.append(_text(0.0, y + 4, name, "start"))
        for kind, (low, high) in zip(_kinds(mark), mark.ranges, strict=True):
            parts.append(_line(kind, across(low), y, across(high), y))
        parts.append(_dot(across(mark.value), y, mark))
    return _svg(_NAMES + _WIDTH + _RIGHT, height + _BELOW, title, parts)


def scatter(
    points: Sequence[tuple[float, Mark]], title: str, below: str, *, log: bool = False
) -> str:
    """Return figures over a number that they may depend on.

    Args:
        points: One or more, each with the number.
        title: What the plot shows, as plain text.
        below: What the number is, as plain text.
        log: Whether equal ways across are equal ratios; all numbers are above 0 then.
    """
    numbers = [number for number, _ in points]
    wide = logarithmic(numbers) if log else linear(numbers)
    high = linear(_values([mark for _, mark in points]))
    bottom = _TOP + _HEIGHT

    def across(number: float) -> float:
        return _LEFT + wide.share(number) * _WIDTH

    def up(value: float) -> float:
        return bottom - high.share(value) * _HEIGHT

    parts = _ticks_below([(across(tick), tick) for tick in wide.ticks], _TOP, bottom)
    for tick in high.ticks:
        parts.append(_line("grid", _LEFT, up(tick), _LEFT + _WIDTH, up(tick)))
        parts.append(_text(_LEFT - 8, up(tick) + 4, _label(tick), "end"))
    for number, mark in points:
        x = across(number)
        for kind, (least, most) in zip(_kinds(mark), mark.ranges, strict=True):
            parts.append(_line(kind, x, up(least), x, up(most)))
        parts.append(_dot(x, up(mark.value), mark))
    parts.append(_text(_LEFT + _WIDTH / 2, bottom + 2 * _BELOW - 8, below, "middle"))
    return _svg(_LEFT + _WIDTH + _RIGHT, bottom + 2 * _BELOW, title, parts)


def _values(marks: Iterable[Mark]) -> list[float]:
    return [value for mark in marks for value in (mark.value, *(e for r in mark.ranges for e in r))]


def _ends(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    return min(known), max(known)


def _kinds(mark: Mark) -> list[str]:
    return ["wide"] * (len(mark.ranges) - 1) + ["range"] * bool(mark.ranges)


def _ticks_below(ticks: Iterable[tuple[float, float]], top: float, bottom: float) -> list[str]:
    """Return lines from top to bottom, and below them the numbers that they stand for."""
    parts: list[str] = []
    for x, tick in ticks:
        parts.append(_line("grid", x, top, x, bottom))
        parts.append(_text(x, bottom + 16, _label(tick), "middle"))
    return parts


def _label(number: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        # Years and ratings, of four digits, are read more easily as they are.
        if abs(number) >= max(size, 1e4):
            return f"{number / size:.10g}{letter}"
    return f"{number:.10g}"


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _dot(x: float, y: float, mark: Mark) -> str:
    said = escape(f"{mark.name}: {mark.value:.4g}")
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{said}</title></circle>'


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg class="plot" width="{width:.0f}" height="{height:.0f}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>\n"
    )
