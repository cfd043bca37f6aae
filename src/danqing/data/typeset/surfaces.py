"""What text is written on: paper, wood, walls, cloth, metal and more, made of noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from danqing.core.registry import Registry
from danqing.data.typeset.noise import Pixels, Plane, clouds, grain
from danqing.scorers.world import Color, Language

Finish = Literal["print", "paint", "carve", "chalk", "neon"]
"""How ink lies on a surface."""

Form = Literal["stiff", "soft", "wall"]

Maker = Callable[[np.random.Generator, tuple[int, int]], Pixels]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """A material."""

    make: Maker
    """Returns pixels of a size."""
    said: dict[Language, str]
    """What it is, such as `wood`."""
    thing: dict[Language, str]
    """What is made of it, such as `a wooden board`."""
    finishes: tuple[Finish, ...]
    """How text may lie on it."""
    form: Form = "stiff"
    """`stiff` boards, `soft` cloths that also hang in waves, and `wall`s, only ever seen close."""


surfaces: Final[Registry[Surface]] = Registry("surface")
"""Materials by name."""


def surface(
    name: str,
    en: tuple[str, str],
    zh: tuple[str, str],
    *finishes: Finish,
    form: Form = "stiff",
) -> Callable[[Maker], Maker]:
    """Return a decorator that files a maker as a material.

    Args:
        name: What it is chosen by.
        en: The material and a thing made of it, in English.
        zh: Likewise in Chinese.
        *finishes: How text may lie on it.
        form: What can be made of it.
    """

    def file(make: Maker) -> Maker:
        said: dict[Language, str] = {"en": en[0], "zh": zh[0]}
        thing: dict[Language, str] = {"en": en[1], "zh": zh[1]}
        surfaces.register(name)(
            Surface(make=make, said=said, thing=thing, finishes=finishes, form=form)
        )
        return make

    return file


@surface("paper", ("paper", "a sheet of paper"), ("纸", "一张纸"), "print", form="soft")
def paper(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return fibres and faint stains."""
    base = _pick(rng, (246, 242, 232), (238, 228, 204), (248, 248, 246), (226, 232, 238))
    stains = clouds(rng, size, (3, 3), 3)
    fibres = clouds(rng, size, (size[0] / 10, size[1] / 3), 2)
    return _tinted(base, 0.014 * stains + 0.010 * fibres + 0.008 * grain(rng, size))


@surface("cardboard", ("cardboard", "a piece of cardboard"), ("纸板", "一块纸板"), "print")
def cardboard(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return brown board with its fluting shining through."""
    base = _pick(rng, (190, 152, 108), (176, 136, 94))
    ribs = np.sin(np.arange(size[1], dtype=np.float32)[:, None] * 2 * np.pi / max(8, size[1] / 48))
    specks = clouds(rng, size, (size[0] / 4, size[1] / 4), 1)
    return _tinted(base, 0.02 * ribs + 0.03 * clouds(rng, size, (4, 4)) + 0.03 * specks)


@surface("wood", ("wood", "a wooden board"), ("木头", "一块木板"), "print", "paint", "carve")
def wood(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return planks whose grain runs across."""
    base = _pick(rng, (176, 124, 76), (132, 86, 52), (92, 60, 40), (206, 164, 112), (150, 138, 124))
    height = size[1]
    planks = int(rng.integers(1, 5))
    rows = np.arange(height, dtype=np.float32)[:, None]
    plank = np.minimum(rows * planks // height, planks - 1).astype(int)
    bends = clouds(rng, size, (2.5, 4), 2)
    rings = np.sin((rows / height * 24 + 1.6 * bends) * 2 + 9 * plank)
    streaks = clouds(rng, size, (3, height / 3), 2)
    tone = rng.normal(0, 0.06, planks).astype(np.float32)[plank]
    shade = 0.022 * rings + 0.06 * streaks + tone
    pixels = _tinted(base, shade)
    if planks > 1:
        edge = np.abs((rows * planks / height) % 1 - 0.5) * 2
        pixels *= 1 - 0.55 * np.exp(-(((1 - edge) * height / planks / 3) ** 2))[..., None]
    return pixels


@surface(
    "plaster",
    ("plaster", "a plastered wall"),
    ("灰泥", "一面灰泥墙"),
    "paint",
    "print",
    form="wall",
)
def plaster(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return a rough painted wall."""
    base = _pick(rng, (226, 220, 208), (206, 178, 148), (168, 190, 186), (214, 150, 120))
    bumps = clouds(rng, size, (40, 40), 4, 0.7)
    return _tinted(base, 0.05 * clouds(rng, size, (3, 3), 4) + 0.03 * _lit(bumps))


@surface("stone", ("stone", "a stone slab"), ("石头", "一块石碑"), "carve", "paint")
def stone(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return speckled rock."""
    base = _pick(rng, (158, 156, 150), (120, 122, 124), (190, 182, 168))
    rough = clouds(rng, size, (24, 24), 5, 0.75)
    return _tinted(base, 0.05 * rough + 0.05 * _lit(rough) + 0.03 * grain(rng, size))


@surface("brick", ("brick", "a brick wall"), ("砖", "一面砖墙"), "paint", form="wall")
def brick(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return courses of bricks, each half a brick along from the one below."""
    base = _pick(rng, (160, 84, 62), (142, 72, 58), (186, 122, 92), (212, 206, 198))
    width, height = size
    tall = max(width, height) / rng.uniform(14, 20)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    course = np.floor(rows / tall)
    along = columns / (2.6 * tall) + 0.5 * (course % 2)
    tones = rng.normal(0, 0.09, (64, 64)).astype(np.float32)
    tone = tones[course.astype(int) % 64, np.floor(along).astype(int) % 64]
    across = np.minimum(along % 1, 1 - along % 1) * 2.6 * tall
    down = np.minimum(rows % tall, tall - rows % tall)
    mortar = np.clip(1.6 - np.minimum(across, down) / (0.035 * tall + 0.6), 0, 1)[..., None]
    rough = clouds(rng, size, (60, 60), 3, 0.8)
    bricks = _tinted(base, tone + 0.04 * rough + 0.03 * _lit(rough))
    joints = _tinted((188, 182, 172), 0.04 * rough)
    return (bricks * (1 - mortar) + joints * mortar).astype(np.float32)


@surface("cloth", ("cloth", "a piece of cloth"), ("布", "一块布"), "print", form="soft")
def cloth(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return a plain weave."""
    base = _pick(rng, (190, 44, 48), (36, 74, 128), (236, 228, 210), (40, 104, 84), (240, 190, 70))
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
    thread = max(2.5, min(size) / 180)
    weave = np.sin(columns * 2 * np.pi / thread) * np.sin(rows * 2 * np.pi / thread)
    slubs = clouds(rng, size, (4, size[1] / 6), 2) + clouds(rng, size, (size[0] / 6, 4), 2)
    return _tinted(base, 0.022 * weave + 0.014 * slubs)


@surface("metal", ("metal", "a metal plate"), ("金属", "一块金属牌"), "carve", "print")
def metal(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return brushed metal."""
    base = _pick(rng, (186, 190, 196), (204, 176, 118), (150, 156, 164))
    brushed = clouds(rng, size, (2, size[1] / 1.5), 1)
    return _tinted(base, 0.025 * brushed + 0.06 * clouds(rng, size, (1.5, 1.2), 1))


@surface("enamel", ("enamel", "an enamel sign"), ("搪瓷", "一块搪瓷招牌"), "print")
def enamel(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return a smooth painted sign with a rim."""
    base = _pick(rng, (24, 70, 142), (24, 104, 76), (172, 34, 40), (246, 244, 236), (246, 196, 44))
    pixels = _tinted(base, 0.008 * clouds(rng, size, (3, 3), 2))
    rim = max(2, round(min(size) * 0.022))
    light = np.float32(0.93) if np.mean(base) < 170 else np.float32(0.16)
    for edge in (np.s_[rim : 2 * rim], np.s_[-2 * rim : -rim]):
        pixels[edge, rim:-rim] = light
        pixels[rim:-rim, edge] = light
    return pixels


@surface("slate", ("slate", "a chalkboard"), ("石板", "一块黑板"), "chalk")
def slate(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return a chalkboard that was wiped."""
    base = _pick(rng, (44, 50, 48), (34, 62, 52), (40, 42, 46))
    wiped = clouds(rng, size, (2, 7), 4, 0.6)
    return _tinted(base, 0.045 * wiped + 0.012 * grain(rng, size))


@surface("night", ("brick", "a dark brick wall"), ("砖", "一面昏暗的砖墙"), "neon", form="wall")
def night(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Return a brick wall at night."""
    return brick(rng, size) * np.float32(0.2) * np.asarray((0.8, 0.85, 1.1), np.float32)


def _pick(rng: np.random.Generator, *colors: Color) -> Color:
    color = colors[int(rng.integers(len(colors)))]
    red, green, blue = (int(np.clip(c + rng.integers(-8, 9), 0, 255)) for c in color)
    return red, green, blue


def _tinted(color: Color, shade: np.ndarray) -> Pixels:
    """Return a colour made lighter and darker."""
    base = np.asarray(color, np.float32) / 255
    return np.clip(base * (1 + 2 * shade[..., None]), 0, 1).astype(np.float32)


def _lit(height: Plane) -> Plane:
    """Return how the light from the upper left falls on bumps."""
    down, across = np.gradient(height)
    slope = -(down + across)
    return (slope / max(float(slope.std()), 1e-6)).astype(np.float32)
