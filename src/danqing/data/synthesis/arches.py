"""Words bent along an arch: which there are, how they are asked for, and how they are drawn.

Nothing in training is bent, so no picture of one can have been seen; they are still dealt by hash
into `dev`, to choose a model by, and `test`. A sagitta is how high the middle of a line stands over
its ends, over the distance of the ends.
"""

import math
from itertools import permutations
from random import Random
from typing import Final

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis.captions import COLORS_ZH, GROUNDS_ZH
from danqing.data.synthesis.split import Part, part_of
from danqing.data.synthesis.words import PHRASES, WORDS
from danqing.data.typeset.curves import Arc, along
from danqing.data.typeset.fonts import Face, choose, faces
from danqing.scorers.arch import ArchedText, Bend
from danqing.scorers.world import BACKGROUNDS, PALETTE, TEXT_COLORS, Language

_ENGLISH: Final = tuple(word for word in WORDS if 4 <= len(word) <= 8)
_CHINESE: Final = tuple(phrase for phrase in PHRASES if 3 <= len(phrase) <= 4) or tuple(
    map("".join, permutations([phrase for phrase in PHRASES if len(phrase) == 2], 2))
)
STRINGS: Final[dict[Language, tuple[str, ...]]] = {"en": _ENGLISH, "zh": _CHINESE}
"""What is written: words of 4 to 8 letters, phrases of 3 or 4 characters."""

_BENDS: Final[dict[Language, dict[Bend, tuple[str, str]]]] = {
    "en": {
        "up": ("bent upwards into an arch like a rainbow",
               "along the top of a circle, its middle higher than its ends"),
        "down": ("bent downwards like the rim of a bowl",
                 "along the bottom of a circle, its middle lower than its ends"),
    },
    "zh": {
        "up": ("像彩虹一样向上拱起", "沿圆的上弧排列，中间高两头低"),
        "down": ("像碗口一样向下弯曲", "沿圆的下弧排列，中间低两头高"),
    },
}  # fmt: skip
_FRAMES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        'the {kind} "{string}" in {color} on a {ground} background, {bend}',
        'a picture of the {color} {kind} "{string}" {bend}, on a {ground} background',
        'on a {ground} background, draw the {kind} "{string}" in {color}, {bend}',
    ),
    "zh": (
        "{color}的{kind}“{string}”，{bend}，{ground}背景",
        "一张图片，画着{color}的{kind}“{string}”，{bend}，{ground}背景",
        "在{ground}背景上画{color}的{kind}“{string}”，{bend}",
    ),
}
_KINDS: Final[dict[Language, dict[Language, str]]] = {
    "en": {"en": "all-caps word", "zh": "characters"},
    "zh": {"en": "大写单词", "zh": "汉字"},
}
"""What a string is called, by the language of the prompt and then by its own."""

_WIDTH, _EM = 0.84, 0.3
"""Room for an arch from end to end, and for one em, as shares of the picture's sides."""
_SAGITTAS: Final = (0.14, 0.24)
_SPACING: Final[dict[Bend, float]] = {"up": 0.02, "down": 0.25}
"""Ems between letters; in a bowl their heads lean towards each other."""
_PATIENCE: Final = 100
"""Draws for each word that is wanted, after which there are not so many."""


def arches(
    bend: Bend, script: Language, count: int, part: Part = "test", language: Language | None = None
) -> list[tuple[ArchedText, str, Language]]:
    """Return different bent words with a prompt each and its language, always the same ones.

    Args:
        bend: Which way they are bent.
        script: The language of what is written.
        count: How many; strings may come again in other colours.
        part: Which part of all there are.
        language: The language of prompts; None: English and Chinese in turn.

    Raises:
        RecipeError: there are not so many.
    """
    rng = Random(f"danqing arches {part} {bend} {script}")
    found: dict[str, tuple[ArchedText, str, Language]] = {}
    for _ in range(_PATIENCE * count):
        wanted = ArchedText(
            string=rng.choice(STRINGS[script]),
            script=script,
            color=rng.choice(TEXT_COLORS),
            background=rng.choice(tuple(BACKGROUNDS)),
            bend=bend,
        )
        if part_of(wanted.id) == part:
            told: Language = language or ("en", "zh")[len(found) % 2]
            found.setdefault(wanted.id, (wanted, _prompt(wanted, told, rng), told))
        if len(found) == count:
            return list(found.values())
    raise RecipeError(
        f"per_category must be at most {len(found)} for {part} of {script}, got {count}; lower it."
    )


def draw_arch(
    wanted: ArchedText,
    rng: Random,
    *,
    size: tuple[int, int] = (256, 256),
    face: Face | None = None,
    sagitta: float | None = None,
) -> Image.Image:
    """Draw a bent word.

    Args:
        wanted: What the picture must show.
        rng: Decides typeface, sagitta and place.
        size: Width and height in pixels.
        face: A typeface that has all characters; None: any of the package's.
        sagitta: How far it is bent; None: plainly.

    Returns:
        An RGB picture of exactly `size`.
    """
    string, (width, height) = wanted.string, size
    face = face or choose(rng, faces(), [string], language=wanted.script)
    assert face is not None, "the package's typefaces have all its words"
    half = 2 * math.atan(2 * (sagitta or rng.uniform(*_SAGITTAS)))
    spacing, hollow = _SPACING[wanted.bend], wanted.bend == "down"
    ems = face.advance(string, 100) / 100 + spacing * len(string)
    # The widest part of a rainbow is its upper edge, of a bowl the line that letters stand on.
    reach = (ems / (2 * half) + (0 if hollow else face.extent[0])) * 2 * math.sin(half)
    em = math.floor(min(_WIDTH * width / reach, _EM * height))
    length = 1.001 * (face.advance(string, em) + spacing * em * len(string))
    radius = length / (2 * half)
    heads = face.extent[0] * em * (-1 if hollow else 1)
    # The height from the circle's centre to the middle of all ink.
    middle = (radius * math.cos(half) + radius + heads) / 2
    if hollow:
        middle = -(radius + (radius + heads) * math.cos(half)) / 2
    centre = (
        width * (0.5 + rng.uniform(-0.03, 0.03)),
        height * (0.5 + rng.uniform(-0.03, 0.03)) + middle,
    )
    arc = Arc(centre, radius, math.pi if hollow else 0.0, 2 * half, hollow)
    mask = Image.new("L", size)
    color = PALETTE[wanted.color]
    along(mask, string, face, em, arc, color, role="word", language=wanted.script, tracking=spacing)
    image = Image.new("RGB", size, BACKGROUNDS[wanted.background])
    image.paste(color, (0, 0), mask)
    return image


def _prompt(wanted: ArchedText, language: Language, rng: Random) -> str:
    chinese = language == "zh"
    return rng.choice(_FRAMES[language]).format(
        kind=_KINDS[language][wanted.script],
        string=wanted.string,
        color=COLORS_ZH[wanted.color] if chinese else wanted.color,
        ground=GROUNDS_ZH[wanted.background] if chinese else wanted.background,
        bend=rng.choice(_BENDS[language][wanted.bend]),
    )
