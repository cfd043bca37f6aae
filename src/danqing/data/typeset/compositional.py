"""Compositional rendering: text on things, bent, turned and lit, in front of a background."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Literal

import numpy as np
from PIL import Image

from danqing.data.typeset.backdrop import backdrop
from danqing.data.typeset.fonts import Face
from danqing.data.typeset.noise import Pixels, Plane, clouds, grain
from danqing.data.typeset.perspective import (
    Bend,
    Cylinder,
    Flat,
    Matrix,
    Ripple,
    apply,
    outline,
    pose,
    project,
    view,
)
from danqing.data.typeset.placed import Picture, Points, Refused
from danqing.data.typeset.sheet import Sheet, sheet
from danqing.data.typeset.surfaces import Form, Surface, surfaces
from danqing.data.typeset.texts import Texts
from danqing.scorers.world import Language

Mount = Literal["close", "board", "banner", "cylinder"]
"""Text fills the picture; a board turned in space; a cloth in waves; a can or a pillar."""

MOUNTS: Final[tuple[Mount, ...]] = ("close", "board", "board", "banner", "cylinder", "cylinder")

SMALLEST: Final = 9.0
"""Pixels an em below which text in the picture is no text."""

_SAID: Final[dict[str, dict[Language, str]]] = {
    "close": {"en": "A close view of {thing}", "zh": "{thing}的近景"},
    "board": {"en": "{Thing}, seen {how} {where}", "zh": "{where}，{how}的{thing}"},
    "banner": {"en": "{Thing} that hangs in waves {where}", "zh": "{where}，波浪般垂挂的{thing}"},
    "cylinder": {
        "en": "A cylinder covered in {stuff} {where}",
        "zh": "{where}，包着{stuff}的圆柱体",
    },
}
_ALONG: Final[dict[str, dict[Language, str]]] = {
    "lines": {"en": "", "zh": ""},
    "arc": {"en": ", the title along an arc", "zh": "，标题沿弧线排列"},
    "ring": {"en": ", with words around a circle", "zh": "，文字沿圆环排列"},
    "wave": {"en": ", the title along a wavy line", "zh": "，标题沿波浪线排列"},
}


@dataclass(frozen=True, slots=True)
class _Mounted:
    """A sheet on its way into the picture."""

    mount: Mount
    material: Surface
    sheet: Sheet
    bend: Bend
    matrix: Matrix

    def forward(self, points: Points) -> Points:
        return apply(self.matrix, self.bend.forward(points))


def compositional(
    rng: Random,
    size: tuple[int, int],
    language: Language,
    among: Sequence[Face],
    texts: Texts,
    folder: Path | None = None,
) -> Picture:
    """Return text on a thing in front of a background.

    Args:
        rng: Decides everything else.
        size: Width and height in pixels.
        language: Of the text.
        among: The typefaces there are.
        texts: Where words come from.
        folder: Of the user's photographs to put behind; none means scenes of our own.

    Raises:
        Refused: the text cannot be drawn or would be too small.
    """
    mount = rng.choice(MOUNTS)
    if mount == "close":
        name, material = _material(rng, "stiff", "soft", "wall")
        flat = sheet(rng, size, language, material, among, texts, inset=rng.uniform(0.08, 0.16))
        pixels, strings = flat.pixels, flat.strings
        where: dict[Language, str] = {"en": "", "zh": ""}
        how = where
    else:
        name, material = _material(rng, "soft", *(() if mount == "banner" else ("stiff",)))
        mounted, how = _mounted(rng, size, language, mount, material, among, texts)
        pixels, where = backdrop(rng, size, folder)
        pixels = _placed(pixels, mounted, size)
        flat = mounted.sheet
        each = 1 if isinstance(mounted.bend, Flat) else 12
        strings = tuple(placed.moved(mounted.forward, each) for placed in flat.strings)
        scale = _scale(mounted)
        if min(placed.size for placed in strings) * scale < SMALLEST:
            raise Refused("the text would be too small")
    lit = _light(rng, pixels)
    said: dict[Language, str] = {
        lang: _SAID[mount][lang].format(
            thing=material.thing[lang],
            Thing=material.thing[lang].capitalize(),
            stuff=material.said[lang],
            where=where[lang],
            how=how[lang],
        )
        + _ALONG[flat.arrangement][lang]
        for lang in ("en", "zh")
    }
    return Picture(
        image=Image.fromarray((np.clip(lit, 0, 1) * 255).round().astype(np.uint8)),
        strings=strings,
        kind="compositional",
        template=f"{mount} {name} {flat.arrangement}",
        language=language,
        said=said,
    )


def _material(rng: Random, *forms: Form) -> tuple[str, Surface]:
    name = rng.choice([name for name in surfaces if surfaces[name].form in forms])
    return name, surfaces[name]


def _mounted(
    rng: Random,
    size: tuple[int, int],
    language: Language,
    mount: Mount,
    material: Surface,
    among: Sequence[Face],
    texts: Texts,
) -> tuple[_Mounted, dict[Language, str]]:
    """Return a sheet with its shape and its place, and from where it is said to be seen."""
    width, height = size
    ratio = {
        "board": rng.uniform(0.8, 2.2),
        "banner": rng.uniform(1.4, 2.4),
        "cylinder": rng.uniform(0.7, 1.3),
    }[mount]
    across = round(min(width, height * ratio) * 1.15)
    flat = across, round(across / ratio)
    inset = 0.24 if mount == "cylinder" else 0.1
    page = sheet(rng, flat, language, material, among, texts, inset=inset)
    bend: Bend = Flat()
    strength = rng.uniform(0.35, 1.0)
    if mount == "cylinder":
        half, sag = rng.uniform(1.2, 1.5), rng.choice((-1, 1)) * rng.uniform(0.03, 0.14)
        bend, strength = Cylinder(width=float(across), half=half, sag=sag), 0.12
    elif mount == "banner":
        crest = rng.uniform(0.03, 0.06) * flat[1]
        waves, phase = rng.uniform(1.0, 2.2), rng.uniform(0.0, 6.2)
        bend, strength = (
            Ripple(width=float(across), height=crest, waves=waves, phase=phase),
            strength * 0.4,
        )
    edge = bend.forward(outline(float(flat[0]), float(flat[1])))
    free = rng.uniform(0.04, 0.12)
    shift = rng.uniform(-free, free) * 0.8, rng.uniform(-free, free) * 0.8
    room = (
        (free + shift[0]) * width,
        (free + shift[1]) * height,
        (1 - free + shift[0]) * width,
        (1 - free + shift[1]) * height,
    )
    turn = pose(rng, strength)
    how: dict[Language, str] = (
        {"en": "at an angle", "zh": "斜着看去"}
        if strength > 0.55
        else {"en": "almost straight on", "zh": "近乎正面"}
    )
    return _Mounted(mount, material, page, bend, view(edge, turn, room)), how


def _placed(ground: Pixels, mounted: _Mounted, size: tuple[int, int]) -> Pixels:
    """Lay a sheet over the background, with the shadow it throws."""
    import cv2

    seen, cover = project(mounted.sheet.pixels, mounted.bend, mounted.matrix, size)
    side = min(size)
    if isinstance(mounted.bend, Cylinder):
        lid = _filled(
            apply(mounted.matrix, mounted.bend.end(float(mounted.sheet.pixels.shape[0]))), size
        )
        tone = 0.55 * mounted.sheet.pixels.mean((0, 1)) + (0.3 if mounted.bend.sag > 0 else 0.0)
        seen = (tone * (1 - cover[..., None]) + seen * cover[..., None]).astype(np.float32)
        cover = np.maximum(cover, lid)
    drop = max(1, round(side * 0.012))
    shadow = np.roll(cover, (drop, drop), (0, 1))
    shadow[:drop], shadow[:, :drop] = 0, 0
    shadow = cv2.GaussianBlur(shadow, (0, 0), side * 0.014)
    dimmed = ground * (1 - 0.55 * shadow[..., None])
    return (dimmed * (1 - cover[..., None]) + seen * cover[..., None]).astype(np.float32)


def _filled(corners: Points, size: tuple[int, int]) -> Plane:
    import cv2

    mask = np.zeros((size[1], size[0]), np.float32)
    # Four more bits place corners between pixels.
    cv2.fillPoly(mask, [(corners * 16).round().astype(np.int32)], 1.0, cv2.LINE_AA, 4)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return mask


def _scale(mounted: _Mounted) -> float:
    """Return how large a pixel of the sheet is in the picture, on average."""
    height, width = mounted.sheet.pixels.shape[:2]
    middle = np.array([[0.5, 0.25], [0.5, 0.75]]) * (width, height)
    top, bottom = mounted.forward(middle)
    return float(np.linalg.norm(bottom - top)) / (0.5 * height)


def _light(rng: Random, pixels: Pixels) -> Pixels:
    """Let light fall from one side, darken corners a little, and add a camera's grain."""
    noise = np.random.default_rng(rng.getrandbits(64))
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.2)
    fall: Plane = (1 + strength * (np.cos(angle) * columns + np.sin(angle) * rows)).astype(
        np.float32
    )
    if rng.random() < 0.25:
        # A shadow of leaves or a window's frame, soft enough to read through.
        fall *= 1 - 0.16 * np.clip(clouds(noise, (width, height), (3, 3), 2), 0, 1)
    fall *= 1 - rng.uniform(0.0, 0.16) * (rows**2 + columns**2) / 2
    warm = np.asarray((1, 1, 1), np.float32) + rng.uniform(-0.03, 0.03) * np.asarray(
        (1, 0, -1), np.float32
    )
    dust = rng.uniform(0.0, 0.012) * grain(noise, (width, height))
    return np.clip(pixels * fall[..., None] * warm + dust[..., None], 0, 1).astype(np.float32)
