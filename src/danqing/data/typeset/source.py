"""The source `rendered_text`: an endless kind of picture, cut at a count.

A picture depends on the settings and its number, and on nothing else: not on the pictures before
it, the process it is drawn in, or the order.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Literal, TypeVar

from danqing.core.errors import RecipeError, unknown
from danqing.data.record import Item, Record, sources
from danqing.data.typeset.backdrop import photographs
from danqing.data.typeset.captions import caption
from danqing.data.typeset.complex import complex_page
from danqing.data.typeset.compositional import compositional
from danqing.data.typeset.fonts import Face, faces
from danqing.data.typeset.placed import Picture, Refused
from danqing.data.typeset.pure import pure
from danqing.data.typeset.templates.catalog import templates
from danqing.data.typeset.texts import Texts
from danqing.scorers.world import Language

Kind = Literal["pure", "compositional", "complex"]

Name = TypeVar("Name", bound=str)

KINDS: Final[tuple[Kind, ...]] = ("pure", "compositional", "complex")

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "1:2", "2:1")

_TRIES = 24
"""Draws of content, size and typeface before a picture is given up."""


@sources.register("rendered_text")
@dataclass(frozen=True, kw_only=True)
class RenderedText:
    """Rendered text with exact captions (`raw`) and layout (`meta`), under open typefaces only."""

    count: int = 1000
    """How many pictures."""
    kinds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 1.0))
    """Weights of plain pages, things with text on them, and designed pages."""
    languages: dict[str, float] = field(default_factory=lambda: {"en": 1.0, "zh": 1.0})
    """Weights of the languages of texts."""
    captions: dict[str, float] | None = None
    """Weights of the languages of captions; none means each in the language of its text."""
    side: int = 768
    """Root of a picture's area in pixels, 256 to 2048."""
    ratios: tuple[str, ...] = RATIOS
    """Widths to heights to choose from, such as `4:3`."""
    multiple: int = 16
    """Sides are multiples of this."""
    seed: int = 0
    """Another seed, other pictures."""
    templates: tuple[str, ...] | None = None
    """Names of designed pages to draw; none means all."""
    fonts: Path | None = None
    """A folder of typefaces to use instead of the package's own."""
    texts: Path | None = None
    """A UTF-8 file, one paragraph a line, to use instead of our own sentences."""
    photographs: Path | None = None
    """A folder of pictures to put behind things, instead of drawn scenes."""
    format: Literal["png", "jpeg"] = "png"
    """Of the files."""
    quality: int = 92
    """Of JPEG files."""

    def __post_init__(self) -> None:
        for what, weights, known in (
            ("kinds", self.kinds, KINDS),
            ("languages", self.languages, LANGUAGES),
            ("captions", self.captions or self.languages, LANGUAGES),
        ):
            for key in weights:
                if key not in known:
                    raise RecipeError(unknown(f"one of {what}", key, known))
            if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
                raise RecipeError(
                    f"{what} must have weights of 0 or more, not all 0, got {weights}; change them."
                )
        for what, value, low, high in (
            ("count", self.count, 0, 10**9),
            ("side", self.side, 256, 2048),
            ("multiple", self.multiple, 1, 64),
            ("quality", self.quality, 1, 100),
        ):
            if not low <= value <= high:
                raise RecipeError(f"{what} must be {low} to {high}, got {value}; change it.")
        if not self.ratios:
            raise RecipeError("ratios must name at least one, got none; add 1:1.")
        for ratio in self.ratios:
            _size(ratio, self.side, self.multiple)
        for name in self.templates or ():
            _ = templates[name]

    def items(self) -> Iterator[Item]:
        """Yield pictures in the order of their numbers.

        Raises:
            SourceError: the folder of typefaces or photographs or the file of texts is not there,
                or has nothing in it.
        """
        faces(self.fonts)
        Texts(self.texts).require([lang for lang in LANGUAGES if self.languages.get(lang)])
        if self.photographs is not None:
            photographs(self.photographs)
        for number in range(self.count):
            yield Item(f"{number:08d}", lambda number=number: self.record(number))

    def record(self, number: int) -> Record:
        """Return one picture as a record; what cannot be drawn is a record with a trouble.

        Args:
            number: Which picture, from 0.
        """
        name = f"{number:08d}.{'png' if self.format == 'png' else 'jpg'}"
        try:
            picture = self.picture(number)
        except Refused as refusal:
            return Record(name=name, trouble=f"it cannot be drawn ({refusal})")
        except OSError as error:
            return Record(name=name, trouble=f"a file it is made of cannot be read ({error})")
        language: Language = picture.language
        if self.captions is not None:
            other = Random(f"danqing caption {self.seed} {number}")
            language = _pick(other, LANGUAGES, self.captions)
        buffer = io.BytesIO()
        if self.format == "png":
            picture.image.save(buffer, "PNG")
        else:
            picture.image.save(buffer, "JPEG", quality=self.quality)
        return Record(
            name=name,
            image=buffer.getvalue(),
            raw=caption(picture, language),
            meta=picture.meta(),
        )

    def picture(self, number: int) -> Picture:
        """Return one picture with everything that is known about it.

        Args:
            number: Which picture, from 0.

        Raises:
            Refused: it cannot be drawn with these settings.
        """
        rng = Random(f"danqing typeset {self.seed} {number}")
        kind: Kind = _pick(rng, KINDS, self.kinds)
        language: Language = _pick(rng, LANGUAGES, self.languages)
        refusal: Refused | None = None
        for _ in range(_TRIES):
            size = _size(rng.choice(self.ratios), self.side, self.multiple)
            try:
                return self._draw(rng, kind, language, size, faces(self.fonts))
            except Refused as error:
                refusal = error
        assert refusal is not None
        raise refusal

    def _draw(
        self,
        rng: Random,
        kind: Kind,
        language: Language,
        size: tuple[int, int],
        among: tuple[Face, ...],
    ) -> Picture:
        texts = Texts(self.texts)
        if kind == "pure":
            return pure(rng, size, language, among, texts)
        if kind == "compositional":
            return compositional(rng, size, language, among, texts, self.photographs)
        return complex_page(rng, size, language, among, self.templates)


def _pick(rng: Random, known: tuple[Name, ...], weights: dict[str, float]) -> Name:
    return rng.choices(known, [weights.get(name, 0.0) for name in known])[0]


def _size(ratio: str, side: int, multiple: int) -> tuple[int, int]:
    """Return the width and height of about `side` squared pixels."""
    width, colon, height = ratio.partition(":")
    if not (colon and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise RecipeError(f"ratios must be like 4:3, got {ratio!r}; change it.")
    root = (int(width) / int(height)) ** 0.5
    if not 1 / 3 <= root**2 <= 3:
        raise RecipeError(f"ratios must be 1:3 to 3:1, got {ratio!r}; change it.")
    across, down = (
        max(multiple, round(s / multiple) * multiple) for s in (side * root, side / root)
    )
    return across, down
