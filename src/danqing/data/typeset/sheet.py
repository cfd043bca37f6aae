"""A sheet of some material with text on it: straight lines, an arc, a ring or a wave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from random import Random
from typing import Final

import numpy as np
from PIL import Image

from danqing.data.typeset import finishes
from danqing.data.typeset.colors import contrast
from danqing.data.typeset.curves import Arc, Path, Wave, along, largest
from danqing.data.typeset.fonts import Face, choose
from danqing.data.typeset.ink import write
from danqing.data.typeset.layout import Block, Setting, fit
from danqing.data.typeset.noise import Pixels
from danqing.data.typeset.placed import Placed, Refused
from danqing.data.typeset.surfaces import Surface
from danqing.data.typeset.texts import Texts
from danqing.scorers.world import Color, Language, Point

_INKS: Final[tuple[Color, ...]] = (
    (24, 24, 26), (250, 248, 240), (172, 30, 36), (26, 60, 130), (24, 84, 60), (62, 40, 28),
    (246, 206, 84), (236, 238, 242), (214, 84, 40),
)  # fmt: skip
_GLOWS: Final[tuple[Color, ...]] = ((255, 70, 110), (80, 220, 255), (255, 170, 60), (130, 255, 140))
_CHALKS: Final[tuple[Color, ...]] = ((244, 242, 234), (250, 226, 140), (246, 190, 190))

LEGIBLE: Final = 3.0
"""Least contrast between ink and surface; WCAG's for large letters."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A flat thing with text on it."""

    pixels: Pixels
    strings: tuple[Placed, ...]
    arrangement: str
    """`lines`, `arc`, `ring` or `wave`."""


@dataclass(frozen=True, slots=True)
class _Pen:
    """What all strings of a sheet share."""

    rng: Random
    mask: Image.Image
    inset: float
    """Part of the width that is kept free on each side."""
    color: Color
    language: Language
    among: Sequence[Face]
    texts: Texts

    def face(self, text: str) -> Face:
        kind = self.rng.choice(("sans", "serif", "script", None))
        found = choose(self.rng, self.among, [text], language=self.language, kind=kind, bold=True)
        if found is None:
            raise Refused(f"no typeface draws {text!r}")
        return found

    def phrase(self) -> str:
        return self.texts.phrase(self.rng, self.language)


def sheet(
    rng: Random,
    size: tuple[int, int],
    language: Language,
    material: Surface,
    among: Sequence[Face],
    texts: Texts,
    *,
    inset: float = 0.1,
) -> Sheet:
    """Return a thing with text on it, seen straight on.

    Args:
        rng: Decides everything else.
        size: Width and height in pixels.
        language: Of the text.
        material: What it is made of.
        among: The typefaces there are.
        texts: Where words come from.
        inset: Part of the width that is kept free on each side.

    Raises:
        Refused: no typeface has every glyph, or the text does not fit.
    """
    noise = np.random.default_rng(rng.getrandbits(64))
    pixels = material.make(noise, size)
    finish = rng.choice(material.finishes)
    ink = _ink(rng, pixels, finish)
    color = finishes.seen(pixels, ink) if finish == "carve" else ink
    mask = Image.new("L", size)
    names = [*_ARRANGEMENTS, "lines"] if finish != "neon" else ["lines", "arc", "wave"]
    arrangement = rng.choice(names)
    pen = _Pen(rng, mask, inset, color, language, among, texts)
    strings = tuple(_ARRANGEMENTS[arrangement](pen))
    cover = np.asarray(mask, np.float32) / 255
    return Sheet(finishes.apply(pixels, cover, ink, finish, noise), strings, arrangement)


def _ink(rng: Random, pixels: Pixels, finish: str) -> Color:
    if finish == "neon":
        return rng.choice(_GLOWS)
    if finish == "chalk":
        return rng.choice(_CHALKS)
    red, green, blue = (round(float(c) * 255) for c in pixels.mean((0, 1)))
    able = [ink for ink in _INKS if contrast(ink, (red, green, blue)) >= LEGIBLE]
    if finish == "carve":
        return min(_INKS, key=sum)
    return rng.choice(able)


def _lines(pen: _Pen) -> list[Placed]:
    """A title of one to three lines, and often a sentence below it."""
    width, height = pen.mask.size
    left, room = pen.inset * width, (1 - 2 * pen.inset) * width
    title, below = pen.phrase(), ""
    if pen.rng.random() < 0.55:
        below = pen.texts.line(pen.rng, pen.language)
    face = pen.face(title + below)
    setting = Setting(align="center", leading=1.2, balance=True, lines=3)
    share = 0.5 if below else 0.72
    block = fit(title, face, (room, share * height), setting, largest=round(0.42 * height))
    if block is None:
        raise Refused("the title does not fit")
    small = None
    if below:
        most = max(6, round(block.em * 0.6))
        small = fit(below, face, (room, 0.22 * height), setting, largest=most)
    gap = 0.35 * block.em
    total = block.height + (gap + small.height if small else 0.0)
    top = (height - total) / 2
    strings = [_write(pen, block, (left, top), "title")]
    if small is not None:
        strings.append(_write(pen, small, (left, top + block.height + gap), "subtitle"))
    return strings


def _arc(pen: _Pen) -> list[Placed]:
    """A title along an arc, and a line below it."""
    width, height = pen.mask.size
    title = pen.phrase()
    face = pen.face(title)
    span = pen.rng.uniform(0.5, 0.85) * pi
    reach = (0.5 - pen.inset) * width * 0.94
    radius = min(reach if span > pi / 2 else reach / np.sin(span / 2), 0.62 * height)
    em = largest(title, face, radius * span, round(0.2 * height))
    path = Arc((width / 2, 0.34 * height + radius), float(radius), 0.0, span)
    strings = [_along(pen, title, face, em, path, "title")]
    below = pen.phrase()
    if face.draws(below):
        room = (1.2 * float(radius), 0.16 * height)
        setting = Setting(align="center", leading=1.2, lines=1)
        block = fit(below, face, room, setting, largest=round(0.8 * em))
        if block is not None:
            at = (width - room[0]) / 2, 0.34 * height + 0.55 * float(radius)
            strings.append(_write(pen, block, at, "subtitle"))
    return strings


def _ring(pen: _Pen) -> list[Placed]:
    """A badge: a text around the top of a circle, one around its bottom, one in the middle."""
    width, height = pen.mask.size
    radius = min((0.5 - pen.inset) * width, 0.44 * height) * 0.8
    centre = width / 2, height / 2
    over, under, inside = pen.phrase(), pen.phrase(), pen.phrase()
    face = pen.face(over + under + inside)
    most = round(0.3 * radius)
    em = min(largest(t, face, radius * pi * 0.8, most, 0.1) for t in (over, under))
    outside = radius + em * face.extent[0] * 0.8
    strings = [
        _along(pen, over, face, em, Arc(centre, radius, 0.0, pi * 0.85), "ring"),
        _along(pen, under, face, em, Arc(centre, outside, pi, pi * 0.85, hollow=True), "ring", 0.1),
    ]
    side = 1.35 * radius
    setting = Setting(align="center", leading=1.15, balance=True, lines=3)
    block = fit(inside, face, (side, side * 0.7), setting, largest=round(1.8 * em))
    if block is not None:
        at = centre[0] - side / 2, centre[1] - block.height / 2
        strings.insert(0, _write(pen, block, at, "title"))
    return strings


def _wave(pen: _Pen) -> list[Placed]:
    """A title along a wave."""
    width, height = pen.mask.size
    title = pen.phrase()
    face = pen.face(title)
    left, room = pen.inset * width, (1 - 2 * pen.inset) * width
    waves = pen.rng.uniform(0.7, 1.3)
    crest = min(0.1 * height, 0.06 * room / waves)
    phase = pen.rng.uniform(0.0, 2 * pi)
    path = Wave((left, 0.54 * height), room, crest, waves, phase)
    # Letters in a trough lean together: none is taller than half of the sharpest bend's radius.
    bend = (room / (2 * pi * waves)) ** 2 / crest
    em = largest(title, face, path.length, round(min(0.3 * height, 0.5 * bend)))
    return [_along(pen, title, face, em, path, "title")]


_ARRANGEMENTS: Final[dict[str, Callable[[_Pen], list[Placed]]]] = {
    "lines": _lines,
    "arc": _arc,
    "ring": _ring,
    "wave": _wave,
}


def _write(pen: _Pen, block: Block, at: Point, role: str) -> Placed:
    return write(pen.mask, block, at, pen.color, role=role, language=pen.language)


def _along(
    pen: _Pen, text: str, face: Face, em: int, path: Path, role: str, tracking: float = 0.0
) -> Placed:
    placed = along(
        pen.mask,
        text,
        face,
        em,
        path,
        pen.color,
        role=role,
        language=pen.language,
        tracking=tracking,
    )
    if placed is None:
        raise Refused(f"the path is too short for {text!r}")
    return placed
