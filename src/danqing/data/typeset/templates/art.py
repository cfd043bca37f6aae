"""Drawings without words, for where a designed page has a picture."""

import math
from collections.abc import Callable
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from danqing.core.registry import Registry
from danqing.data.typeset.colors import mix
from danqing.data.typeset.templates.arrange import Box
from danqing.data.typeset.templates.nodes import Art
from danqing.data.typeset.templates.theme import Palette
from danqing.scorers.world import Color, Point

Pen = ImageDraw.ImageDraw
Drawing = Callable[[Pen, Box, Palette, Color, Random], None]

drawings: Final[Registry[Drawing]] = Registry("drawing")
"""Drawings by name. Each fills its box and may use the page's colours and its own tone."""


def draw(image: Image.Image, art: Art, box: Box, palette: Palette, seed: int) -> None:
    """Draw into a box of a picture; what lies outside of the box is left alone.

    Args:
        image: The picture.
        art: What to draw.
        box: Where, in pixels.
        palette: The page's colours.
        seed: Decides details.
    """
    left, top, right, bottom = (round(side) for side in box)
    if right <= left or bottom <= top:
        return
    tile = image.crop((left, top, right, bottom))
    room = (0.0, 0.0, float(right - left), float(bottom - top))
    tone = palette.color(art.tone)
    drawings[art.name](ImageDraw.Draw(tile), room, palette, tone, Random(f"art {seed}"))
    image.paste(tile, (left, top))


@drawings.register("landscape")
def landscape(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A sun over hills."""
    _, _, width, height = box
    sky = mix(tone, (255, 255, 255), 0.72)
    _fade(pen, box, sky, mix(palette.second, (255, 250, 235), 0.5))
    radius = 0.14 * min(width, height)
    _disc(pen, rng.uniform(0.2, 0.8) * width, 0.34 * height, radius, (255, 244, 214))
    for level, share in ((0.5, 0.5), (0.64, 0.25), (0.8, 0.0)):
        waves, phase = rng.uniform(0.7, 1.6), rng.uniform(0.0, 6.28)
        ridge: list[Point] = []
        for i in range(61):
            swing = math.sin(waves * i / 60 * 2 * math.pi + phase)
            swing += 0.4 * math.sin(2.3 * waves * i / 60 * 2 * math.pi + phase)
            ridge.append((width * i / 60, height * (level + 0.08 * swing)))
        hill = mix(mix(tone, palette.second, 0.35), sky, share)
        pen.polygon([*ridge, (width, height), (0.0, height)], fill=hill)


@drawings.register("city")
def city(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A skyline with lit windows."""
    _, _, width, height = box
    _fade(pen, box, mix(tone, palette.second, 0.65), mix(palette.second, (255, 236, 210), 0.6))
    for layer, share in ((0.45, 0.55), (0.7, 0.0)):
        x = 0.0
        while x < width:
            wide = rng.uniform(0.06, 0.13) * width
            tall = rng.uniform(0.3, 0.95) * layer * height
            color = mix(mix(tone, (20, 20, 30), 0.35), palette.second, share)
            pen.rectangle((x, height - tall, x + wide * 0.96, height), fill=color)
            if share == 0.0:
                _windows(pen, (x, height - tall, x + wide * 0.96, height), palette, rng)
            x += wide


@drawings.register("rays")
def rays(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """Sunbeams from the middle."""
    _, _, width, height = box
    pen.rectangle(box, fill=tone)
    light = mix(tone, palette.second, 0.22)
    x, y, reach = width / 2, height * 0.55, math.hypot(width, height)
    for i in range(16):
        a, b = (i * math.pi / 8, (i + 0.5) * math.pi / 8)
        far = [(x + reach * math.cos(t), y + reach * math.sin(t)) for t in (a, b)]
        pen.polygon([(x, y), *far], fill=light)


@drawings.register("circles")
def circles(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """Large discs over each other."""
    _, _, width, height = box
    pen.rectangle(box, fill=tone)
    for _ in range(5):
        color = mix(tone, rng.choice((palette.second, palette.on_accent)), rng.uniform(0.1, 0.5))
        radius = rng.uniform(0.12, 0.38) * min(width, height)
        _disc(pen, rng.uniform(0, 1) * width, rng.uniform(0, 1) * height, radius, color)


@drawings.register("bands")
def bands(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """Broad waves of related colours."""
    _, _, width, height = box
    pen.rectangle(box, fill=tone)
    phase = rng.uniform(0.0, 6.28)
    for k in range(1, 6):
        edge = [
            (
                width * i / 60,
                height * (k / 6 + 0.09 * math.sin(i / 60 * 5 + phase + 0.8 * k)),
            )
            for i in range(61)
        ]
        color = mix(tone, palette.second, 0.16 * k)
        pen.polygon([*edge, (width, height), (0.0, height)], fill=color)


@drawings.register("bottle")
def bottle(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A bottle with a blank label, on a disc."""
    _, _, width, height = box
    x, side = width / 2, min(width, height)
    _disc(pen, x, height * 0.52, 0.46 * side, mix(palette.second, palette.ground, 0.35))
    wide, tall = 0.13 * side, 0.86 * side
    top = height / 2 - tall / 2
    glass = mix(tone, (255, 255, 255), 0.06)
    pen.rounded_rectangle(
        (x - wide, top + 0.3 * tall, x + wide, top + tall), 0.3 * wide, fill=glass
    )
    pen.ellipse((x - wide, top + 0.2 * tall, x + wide, top + 0.44 * tall), fill=glass)
    pen.rectangle(
        (x - 0.38 * wide, top + 0.06 * tall, x + 0.38 * wide, top + 0.3 * tall), fill=glass
    )
    cap = mix(tone, (0, 0, 0), 0.45)
    pen.rounded_rectangle(
        (x - 0.46 * wide, top, x + 0.46 * wide, top + 0.1 * tall), 0.1 * wide, fill=cap
    )
    pen.rectangle((x - wide, top + 0.5 * tall, x + wide, top + 0.82 * tall), fill=palette.ground)
    shine = mix(glass, (255, 255, 255), 0.35)
    pen.rounded_rectangle(
        (x - 0.78 * wide, top + 0.34 * tall, x - 0.6 * wide, top + 0.47 * tall), 4, fill=shine
    )


@drawings.register("cup")
def cup(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A steaming cup."""
    _, _, width, height = box
    x, y, s = width / 2, height * 0.56, 0.5 * min(width, height)
    pen.ellipse((x - 0.8 * s, y + 0.42 * s, x + 0.8 * s, y + 0.66 * s), fill=palette.second)
    pen.ellipse(
        (x + 0.3 * s, y - 0.2 * s, x + 0.78 * s, y + 0.3 * s), outline=tone, width=round(0.1 * s)
    )
    pen.rounded_rectangle((x - 0.5 * s, y - 0.3 * s, x + 0.5 * s, y + 0.5 * s), 0.22 * s, fill=tone)
    pen.ellipse(
        (x - 0.5 * s, y - 0.42 * s, x + 0.5 * s, y - 0.18 * s), fill=mix(tone, (0, 0, 0), 0.4)
    )
    for k in (-0.22, 0.0, 0.22):
        steam = [
            (x + k * s + 0.05 * s * math.sin(i / 3), y - 0.5 * s - 0.03 * s * i) for i in range(14)
        ]
        pen.line(steam, fill=mix(tone, palette.ground, 0.55), width=max(1, round(0.035 * s)))


@drawings.register("dish")
def dish(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A plate of food from above."""
    _, _, width, height = box
    x, y, s = width / 2, height / 2, 0.47 * min(width, height)
    _disc(pen, x, y, s, mix(palette.ground, (255, 255, 255), 0.6))
    _disc(pen, x, y, 0.94 * s, mix(palette.second, (255, 255, 255), 0.55))
    _disc(pen, x, y, 0.7 * s, mix(tone, (255, 255, 255), 0.2))
    for _ in range(14):
        angle, away = rng.uniform(0, 6.28), rng.uniform(0.0, 0.52) * s
        color = rng.choice(((226, 92, 60), (120, 160, 70), (246, 206, 110), (150, 84, 48)))
        radius = rng.uniform(0.08, 0.16) * s
        _disc(pen, x + away * math.cos(angle), y + away * math.sin(angle), radius, color)


@drawings.register("person")
def person(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A head and shoulders in a disc."""
    _, _, width, height = box
    x, y, s = width / 2, height / 2, 0.48 * min(width, height)
    ground = mix(tone, palette.second, rng.uniform(0.5, 0.9))
    _disc(pen, x, y, s, ground)
    figure = mix(tone, (30, 30, 40), rng.uniform(0.1, 0.5))
    _disc(pen, x, y - 0.18 * s, 0.32 * s, figure)
    pen.chord((x - 0.58 * s, y + 0.22 * s, x + 0.58 * s, y + 1.2 * s), 200, 340, fill=figure)
    pen.pieslice((x - 0.58 * s, y + 0.22 * s, x + 0.58 * s, y + 1.3 * s), 180, 360, fill=figure)


@drawings.register("bars")
def bars(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A bar chart without numbers."""
    _, _, width, height = box
    for k in range(1, 5):
        y = height * (1 - k / 4.4)
        pen.line((0.0, y, width, y), fill=palette.line, width=max(1, round(0.004 * height)))
    for i in range(6):
        tall = height * rng.uniform(0.25, 0.9)
        left = width * (i + 0.2) / 6
        color = tone if i % 2 == 0 else palette.second
        pen.rectangle((left, height - tall, left + width * 0.6 / 6, height), fill=color)


@drawings.register("trend")
def trend(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A line chart without numbers."""
    _, _, width, height = box
    for k in range(1, 5):
        y = height * (1 - k / 4.4)
        pen.line((0.0, y, width, y), fill=palette.line, width=max(1, round(0.004 * height)))
    level, points = 0.75, list[Point]()
    for i in range(9):
        points.append((width * (0.02 + 0.96 * i / 8), height * level))
        level = min(0.9, max(0.12, level + rng.uniform(-0.2, 0.1)))
    below = [(points[-1][0], height), (points[0][0], height)]
    pen.polygon([*points, *below], fill=mix(palette.panel, palette.second, 0.5))
    pen.line(points, fill=tone, width=max(2, round(0.018 * height)), joint="curve")


@drawings.register("frame")
def frame(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A double border with ornaments in its corners."""
    _, _, width, height = box
    side = min(width, height)
    for inset, thick in ((0.028, 0.008), (0.046, 0.002)):
        i = inset * side
        pen.rectangle(
            (i, i, width - i, height - i), outline=tone, width=max(1, round(thick * side))
        )
    reach = 0.09 * side
    i = 0.046 * side
    for x, y in ((i, i), (width - i, i), (i, height - i), (width - i, height - i)):
        for share, color in (
            (1.0, palette.ground),
            (0.82, tone),
            (0.64, palette.ground),
            (0.3, tone),
        ):
            r = share * reach / 2
            pen.polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], fill=color)


@drawings.register("seal")
def seal(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A medal with a scalloped edge and two ribbons."""
    _, _, width, height = box
    s = 0.36 * min(width, height)
    x, y = width / 2, height / 2 - 0.25 * s
    for lean in (-1, 1):
        ribbon = [(x, y), (x + lean * 0.35 * s, y), (x + lean * 0.85 * s, y + 1.75 * s)]
        ribbon += [(x + lean * 0.45 * s, y + 1.55 * s), (x + lean * 0.12 * s, y + 1.8 * s)]
        pen.polygon(ribbon, fill=mix(tone, (0, 0, 0), 0.25))
    ring = [
        (
            x + s * (1 + 0.07 * math.cos(24 * a)) * math.cos(a),
            y + s * (1 + 0.07 * math.cos(24 * a)) * math.sin(a),
        )
        for a in (2 * math.pi * i / 240 for i in range(240))
    ]
    pen.polygon(ring, fill=tone)
    _disc(pen, x, y, 0.76 * s, mix(tone, (255, 255, 255), 0.3))
    _disc(pen, x, y, 0.68 * s, tone)
    star = [
        (
            x + (0.46 if i % 2 == 0 else 0.2) * s * math.sin(i * math.pi / 5),
            y - (0.46 if i % 2 == 0 else 0.2) * s * math.cos(i * math.pi / 5),
        )
        for i in range(10)
    ]
    pen.polygon(star, fill=palette.on_accent)


@drawings.register("badge")
def badge(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A star of many points, for a few words."""
    _, _, width, height = box
    x, y, s = width / 2, height / 2, 0.49 * min(width, height)
    ring = [
        (
            x + s * (1.0 if i % 2 == 0 else 0.88) * math.cos(i * math.pi / 16),
            y + s * (1.0 if i % 2 == 0 else 0.88) * math.sin(i * math.pi / 16),
        )
        for i in range(32)
    ]
    pen.polygon(ring, fill=tone)


@drawings.register("stamp")
def stamp(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A round red seal with a star, as on documents."""
    _, _, width, height = box
    x, y, s = width / 2, height / 2, 0.46 * min(width, height)
    red = (206, 44, 44)
    pen.ellipse((x - s, y - s, x + s, y + s), outline=red, width=max(1, round(0.07 * s)))
    points = [
        (
            x + (0.42 if i % 2 == 0 else 0.17) * s * math.sin(i * math.pi / 5),
            y - (0.42 if i % 2 == 0 else 0.17) * s * math.cos(i * math.pi / 5),
        )
        for i in range(10)
    ]
    pen.polygon(points, fill=red)


@drawings.register("figure")
def figure(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A person of a comic, from the waist up."""
    _, _, width, height = box
    x, edge, s = width / 2, palette.ink, min(width, height)
    thick = max(1, round(0.025 * s))
    coat = mix(tone, palette.second, 0.25)
    shoulders = (x - 0.36 * s, 0.52 * height, x + 0.36 * s, height + 0.5 * s)
    pen.rounded_rectangle(shoulders, 0.2 * s, fill=coat, outline=edge, width=thick)
    head = (x - 0.24 * s, 0.06 * height, x + 0.24 * s, 0.06 * height + 0.48 * s)
    pen.ellipse(head, fill=(250, 222, 196), outline=edge, width=thick)
    pen.chord(head, 185, 355, fill=mix(tone, (30, 24, 20), 0.6))
    for lean in (-0.08, 0.08):
        _disc(pen, x + lean * s, 0.06 * height + 0.27 * s, 0.022 * s, edge)
    smile = (x - 0.09 * s, 0.06 * height + 0.27 * s, x + 0.09 * s, 0.06 * height + 0.4 * s)
    pen.arc(smile, 20, 160, fill=edge, width=thick)


def _balloon(pen: Pen, box: Box, palette: Palette, tone: Color, share: float) -> None:
    """A white balloon whose tail points down, `share` of the way across."""
    _, _, width, height = box
    thick = max(2, round(0.012 * width))
    body = (thick, thick, width - thick, 0.78 * height)
    tail = [
        (width * share - 0.06 * width, 0.74 * height),
        (width * share, height - thick),
        (width * share + 0.06 * width, 0.74 * height),
    ]
    white = (255, 255, 255)
    pen.rounded_rectangle(body, 0.34 * height, fill=white, outline=tone, width=thick)
    pen.polygon(tail, fill=white)
    pen.line(tail, fill=tone, width=thick, joint="curve")


@drawings.register("tail left")
def tail_left(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A balloon over a speaker on the left."""
    _balloon(pen, box, palette, tone, 0.28)


@drawings.register("tail right")
def tail_right(pen: Pen, box: Box, palette: Palette, tone: Color, rng: Random) -> None:
    """A balloon over a speaker on the right."""
    _balloon(pen, box, palette, tone, 0.72)


def _disc(pen: Pen, x: float, y: float, radius: float, color: Color) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def _fade(pen: Pen, box: Box, above: Color, below: Color) -> None:
    _, _, width, height = box
    for y in range(math.ceil(height)):
        pen.line((0, y, width, y), fill=mix(above, below, y / height))


def _windows(pen: Pen, box: Box, palette: Palette, rng: Random) -> None:
    left, top, right, bottom = box
    step = (right - left) / 4
    y = top + step * 0.6
    while y < bottom - step:
        for k in range(3):
            if rng.random() < 0.5:
                x = left + step * (0.7 + k)
                light = mix(palette.second, (255, 230, 160), 0.7)
                pen.rectangle((x, y, x + step * 0.5, y + step * 0.55), fill=light)
        y += step
