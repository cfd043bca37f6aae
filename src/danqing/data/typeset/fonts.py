"""Typefaces and what they can draw: a text with a character that a face lacks is refused by it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final, Literal

from PIL import ImageFont

from danqing.core.errors import SourceError
from danqing.data.typeset import cmap
from danqing.scorers.world import Language

BUNDLED: Final = Path(__file__).with_name("fonts")
"""The package's own typefaces, all under open licences."""

Kind = Literal["sans", "serif", "script", "mono"]

_SUFFIXES = (".otf", ".ttc", ".ttf")
_KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("mono", r"mono|code|courier|typewriter"),
    ("script", r"script|hand|kai|comic|lobster|dancing|brush|xing|caveat|pacifico"),
    ("sans", r"sans|gothic|hei|grotesque"),
    ("serif", r"serif|song|ming|times|garamond|playfair|roman|book|bodoni|slab|tinos"),
)
_SAMPLE = {
    "en": "".join(map(chr, range(0x21, 0x7F))),
    "zh": "一三上下不中人大小天日月水火山心手国年",
}
"""A face writes a language if it has these; that it has all of a text is asked for each text."""


_ELSEWHERE = re.compile(r"\b(JP|KR|HK|TC|TW)\b")
"""Faces that have all characters, in the forms of another region."""


@dataclass(frozen=True, slots=True)
class Face:
    """One typeface."""

    name: str
    """Family and style, as the file says them."""
    file: Path
    index: int
    """Which face of a collection; 0 in a file of one."""
    characters: frozenset[int] = field(repr=False, compare=False)
    """Code points that it has glyphs for."""
    kind: Kind = "sans"
    bold: bool = False
    slanted: bool = False

    def missing(self, text: str) -> str:
        """Return the characters of a text that this face cannot draw, each once; also spaces."""
        lacking = {c for c in text if ord(c) not in self.characters}
        return "".join(sorted(lacking))

    def draws(self, text: str) -> bool:
        """Return whether every glyph of a text is there."""
        return not self.missing(text)

    def writes(self, language: Language) -> bool:
        """Return whether this is a face for a language; Chinese here is that of the mainland."""
        if language == "zh" and _ELSEWHERE.search(self.name):
            return False
        return self.draws(_SAMPLE[language])

    def at(self, em: int) -> ImageFont.FreeTypeFont:
        """Return the typeface at `em` pixels an em."""
        return _load(self.file, self.index, em)

    def advance(self, text: str, em: int) -> float:
        """Return how far a text moves the pen, in pixels."""
        return _advance(self.file, self.index, em, text)

    @property
    def extent(self) -> tuple[float, float]:
        """How far ordinary letters reach above and below the base line, in ems."""
        return _extent(self.file, self.index, self.writes("zh"))


@lru_cache(maxsize=8)
def faces(folder: Path | None = None) -> tuple[Face, ...]:
    """Return all typefaces in a folder, in the order of their names.

    Args:
        folder: Where to look, folders inside it included; none means the package's own.

    Raises:
        SourceError: there is no such folder, no typeface in it, or one that cannot be read.
    """
    folder = BUNDLED if folder is None else folder
    if not folder.is_dir():
        raise SourceError(f"fonts {folder} must be a folder of typefaces; check the recipe's path.")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in _SUFFIXES)
    # The weights of a family have the same characters; one set of them serves all.
    shared: dict[frozenset[int], frozenset[int]] = {}
    found = [face for file in files for face in _read(file, shared)]
    if not found:
        raise SourceError(f"fonts {folder} must hold .ttf, .otf or .ttc files, got none; add some.")
    return tuple(sorted(found, key=lambda face: (face.name, face.file.as_posix(), face.index)))


def choose(
    rng: Random,
    among: Sequence[Face],
    texts: Iterable[str],
    *,
    language: Language,
    kind: Kind | None = None,
    bold: bool | None = None,
) -> Face | None:
    """Return a typeface that draws every glyph of all texts, or nothing if there is none.

    Args:
        rng: Decides between equals.
        among: The typefaces there are.
        texts: What will be written.
        language: The language that the face must be made for.
        kind: What it should look like, if any such face will do.
        bold: Whether it should be heavy, if any such face will do.
    """
    text = "".join(texts)
    able = [face for face in among if face.writes(language) and face.draws(text)]
    able = [face for face in able if not face.slanted] or able
    if language == "en":
        # A Chinese face has Latin letters too, but one made for them sets them better.
        able = [face for face in able if not face.writes("zh")] or able
    for wish in (
        [face for face in able if kind in (None, face.kind) and bold in (None, face.bold)],
        [face for face in able if kind in (None, face.kind)],
        [face for face in able if bold in (None, face.bold) and face.kind in ("sans", "serif")],
        able,
    ):
        if wish:
            return rng.choice(wish)
    return None


def _read(file: Path, shared: dict[frozenset[int], frozenset[int]]) -> list[Face]:
    tables = cmap.characters(file)
    return [_describe(file, i, shared.setdefault(codes, codes)) for i, codes in enumerate(tables)]


def _describe(file: Path, index: int, codes: frozenset[int]) -> Face:
    try:
        family, style = _load(file, index, 16).getname()
    except OSError as error:
        raise SourceError(
            f"font {file} must be one that FreeType can draw, got {error}; take it out of the "
            "folder."
        ) from error
    name = f"{family or file.stem} {style or ''}".strip()
    low = name.lower()
    return Face(
        name=name,
        file=file,
        index=index,
        characters=codes,
        kind=_kind(low),
        bold=bool(re.search(r"bold|black|heavy", low)),
        slanted=bool(re.search(r"italic|oblique", low)),
    )


def _kind(name: str) -> Kind:
    for kind, names in _KINDS:
        if re.search(names, name):
            return kind
    return "sans"


@lru_cache(maxsize=1024)
def _load(file: Path, index: int, em: int) -> ImageFont.FreeTypeFont:
    # The basic engine lays out the same way with and without the optional Raqm library.
    return ImageFont.truetype(file, em, index, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1 << 16)
def _advance(file: Path, index: int, em: int, text: str) -> float:
    return _load(file, index, em).getlength(text)


@lru_cache(maxsize=256)
def _extent(file: Path, index: int, chinese: bool) -> tuple[float, float]:
    letters = "Hbdfkgjpqy" + "国" * chinese
    _, top, _, bottom = _load(file, index, 200).getbbox(letters, anchor="ls")
    return -top / 200, bottom / 200
