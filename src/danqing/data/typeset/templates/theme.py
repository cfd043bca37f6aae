"""Themes: the colours and typefaces of a designed page, chosen together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from danqing.data.typeset.fonts import Face, Kind, choose
from danqing.data.typeset.grammar import words
from danqing.data.typeset.layout import has_wide
from danqing.data.typeset.placed import Refused
from danqing.data.typeset.templates.nodes import Tone, Voice
from danqing.scorers.world import Color, Language


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they do."""

    ground: Color
    panel: Color
    ink: Color
    muted: Color
    """Ink of what matters less."""
    accent: Color
    second: Color
    """A lighter companion of the accent."""
    on_accent: Color
    """Ink on the accent."""
    line: Color

    def color(self, tone: Tone) -> Color:
        """Return the colour of a tone."""
        return getattr(self, tone)


def _hex(*codes: str) -> Palette:
    colors = [(int(c[:2], 16), int(c[2:4], 16), int(c[4:], 16)) for c in codes]
    return Palette(*colors)


PALETTES: Final[dict[str, Palette]] = {
    #             ground    panel     ink       muted     accent    second   on_accent  line
    "paper": _hex("faf7f0", "f0e9da", "2b2622", "6d635a", "9c2f2f", "e3c9a8", "fffaf2", "d8cdbb"),
    "ocean": _hex("f4f8fb", "e2edf5", "16283c", "546a80", "1d5d9b", "a9cfe8", "ffffff", "c9d9e6"),
    "forest": _hex("f5f8f2", "e4eee0", "1d2d22", "5a6d60", "2b6a4a", "b9d8b4", "ffffff", "ccdac8"),
    "plum": _hex("faf5f9", "f0e4ee", "2f1c32", "73597a", "7b3078", "e3bfdc", "ffffff", "e0cfdd"),
    "sunset": _hex("fff6ee", "ffe7d3", "3b2218", "805f50", "c2501c", "ffc48c", "ffffff", "f0d3bd"),
    "slate": _hex("f5f6f8", "e8ebef", "1f242b", "5f6873", "334155", "c3ccd8", "ffffff", "d3d9e0"),
    "mint": _hex("f1faf7", "d9f2ea", "123530", "4c726a", "0f766e", "9fdccb", "ffffff", "c2e3d9"),
    "rose": _hex("fff5f6", "fde3e7", "3a1a22", "855b66", "b8324f", "f6b8c4", "ffffff", "f0ced5"),
    "night": _hex("12161f", "1d2431", "f1f4f9", "a3aebf", "e8b04a", "3a475c", "1a1610", "39445a"),
    "ink": _hex("17120f", "251d18", "f6ecdd", "bfae98", "d8603c", "5b4334", "1d120c", "4a3b31"),
    "jade": _hex("0e2a26", "163a34", "eaf6ef", "a4c4b8", "e0c06a", "2a5c50", "14241f", "2f5a50"),
    "royal": _hex("1b1440", "271e56", "f3f0ff", "b8aee0", "f0b429", "4a3d94", "1d1636", "43387c"),
    "cream": _hex("fffdf7", "f7f1e1", "3a3325", "6f6650", "8a6a1f", "e8d8a8", "ffffff", "e4dac0"),
    "sky": _hex("ffffff", "edf3ff", "182338", "5b6983", "2f5fe0", "bfd2ff", "ffffff", "d7e0f2"),
    "chalk": _hex("22302b", "2b3b35", "f3f0e4", "b9c2b6", "f2cf6a", "4c6158", "22302b", "5a6d64"),
}
"""Ink reads on ground and panel with a contrast of 7 or more, `on_accent` on accent with 4.5."""

LIGHT: Final = words("paper ocean forest plum sunset slate mint rose cream sky")
DARK: Final = ("night", "ink", "jade", "royal", "chalk")

_LOOKS: Final[tuple[dict[Voice, tuple[Kind, bool | None]], ...]] = (
    {"title": ("sans", True), "body": ("sans", False)},
    {"title": ("serif", True), "body": ("serif", False)},
    {"title": ("serif", True), "body": ("sans", False)},
    {"title": ("script", None), "body": ("serif", False)},
)
"""Kinds and weights of typefaces that go together."""

PLAIN: Final = (0, 1, 2)
"""The pairs whose titles are upright letters, which capitals look well in."""

FANCY: Final = (*PLAIN, 3)
"""All pairs."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What a page looks like."""

    palette: Palette
    fonts: Mapping[tuple[Language, Voice], Face]

    def face(self, text: str, voice: Voice, language: Language) -> Face:
        """Return the typeface of a string.

        Raises:
            Refused: it lacks a glyph.
        """
        face = self.fonts["zh" if has_wide(text) else "en", voice]
        if face.draws(text):
            return face
        # Signs of money and of arithmetic may stand in only one of the two.
        other = self.fonts[language, voice]
        if not other.draws(text):
            raise Refused(f"{face.name} lacks {face.missing(text)!r}")
        return other


def theme(
    rng: Random,
    among: Sequence[Face],
    languages: Sequence[Language],
    palettes: Sequence[str],
    looks: Sequence[int] = FANCY,
) -> Theme:
    """Return colours and typefaces that go together.

    Args:
        rng: Chooses.
        among: The typefaces there are.
        languages: Those that the page is written in.
        palettes: Names of palettes that suit it.
        looks: Pairs of typefaces that suit it.

    Raises:
        Refused: there is no typeface for a language.
    """
    pair = _LOOKS[rng.choice(looks)]
    kinds: dict[Voice, tuple[Kind, bool | None]] = {
        **pair,
        "strong": (pair["body"][0], True),
        "hand": ("script", None),
        "mono": ("mono", None),
    }
    fonts: dict[tuple[Language, Voice], Face] = {}
    # Digits and signs are ASCII on Chinese pages too, so a Latin face is always there.
    for language in dict.fromkeys((*languages, "en")):
        for voice, (kind, bold) in kinds.items():
            face = choose(rng, among, [], language=language, kind=kind, bold=bold)
            if face is None:
                raise Refused(f"no typeface writes {language}")
            fonts[language, voice] = face
    return Theme(PALETTES[rng.choice(palettes)], fonts)
