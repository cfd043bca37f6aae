"""Pure rendering: paragraphs on a plain ground, with sizes that follow from the canvas.

A paragraph that the typeface cannot draw to the last glyph is dropped whole, and so is one that
does not fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from PIL import Image

from danqing.data.typeset.colors import contrast, name
from danqing.data.typeset.fonts import Face, choose
from danqing.data.typeset.ink import write
from danqing.data.typeset.layout import Align, Setting, fit, set_text
from danqing.data.typeset.placed import Picture, Placed, Refused
from danqing.data.typeset.texts import Texts
from danqing.scorers.world import Color, Language

SMALLEST: Final = 14
"""Pixels an em, below which print is no longer read with ease."""

_CONTRAST = 4.5
_TRIES = 12
"""Paragraphs in a row that may be dropped before a column is called full."""

_GROUNDS: Final[tuple[Color, ...]] = (
    (255, 255, 255), (250, 246, 236), (244, 234, 210), (232, 238, 244), (226, 240, 232),
    (252, 232, 228), (238, 232, 246), (255, 246, 204), (214, 220, 226), (24, 26, 30),
    (20, 34, 62), (18, 56, 48), (74, 24, 36), (52, 34, 24), (48, 30, 74), (38, 40, 44),
)  # fmt: skip
_INKS: Final[tuple[Color, ...]] = (
    (20, 20, 22), (20, 20, 22), (46, 48, 52), (24, 36, 84), (128, 26, 34), (24, 74, 52),
    (62, 40, 28), (32, 78, 168), (92, 44, 132), (176, 40, 40), (250, 250, 250),
    (250, 250, 250), (244, 234, 210), (248, 214, 96), (190, 226, 240), (246, 190, 170),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Page:
    """What one draw decides about all of its paragraphs."""

    face: Face
    em: int
    setting: Setting
    ink: Color
    gap: float
    """Between paragraphs, in pixels."""


def pure(
    rng: Random, size: tuple[int, int], language: Language, among: Sequence[Face], texts: Texts
) -> Picture:
    """Return paragraphs on a plain ground.

    Args:
        rng: Decides everything else.
        size: Width and height in pixels.
        language: Of the text.
        among: The typefaces there are.
        texts: Where paragraphs come from.

    Raises:
        Refused: no paragraph fits, or none can be drawn by a typeface of the language.
    """
    ground = rng.choice(_GROUNDS)
    inks = [ink for ink in _INKS if contrast(ink, ground) >= _CONTRAST]
    title = texts.phrase(rng, language) if rng.random() < 0.4 else ""
    samples = [texts.paragraph(rng, language) for _ in range(3)]
    kind = rng.choice((None, "sans", "serif", "script"))
    face = choose(rng, among, [title, *samples[:1]], language=language, kind=kind)
    if face is None:
        raise Refused("no typeface draws this paragraph")
    page = _Page(face, _em(rng, size), _setting(rng, language), rng.choice(inks), 0.0)
    page = replace(page, gap=page.em * rng.uniform(0.5, 1.2))
    image = Image.new("RGB", size, ground)
    margin = max(page.em * 0.8, min(size) * rng.uniform(0.05, 0.12))
    left, right = margin, size[0] - margin
    top, bottom = margin, size[1] - margin
    strings: list[Placed] = []
    if title:
        heading = _title(image, title, page, (left, top, right), language, rng, among)
        if heading is not None:
            strings.append(heading)
            top = max(y for _, y in heading.polygon) + page.em * 0.9
    columns = 2 if right - left > page.em * 44 and rng.random() < 0.7 else 1
    alley = 2.4 * page.em
    width = (right - left - (columns - 1) * alley) / columns
    for column in range(columns):
        x = left + column * (width + alley)
        strings += _column(image, rng, page, (x, top, width, bottom), language, texts, samples)
    if not any(placed.role == "paragraph" for placed in strings):
        raise Refused("no paragraph fits")
    return Picture(
        image=image,
        strings=tuple(strings),
        kind="pure",
        template=f"{columns} column{'s' * (columns > 1)}",
        language=language,
        said={
            "en": f"A page of printed text on a plain {name(ground, 'en')} background",
            "zh": f"{name(ground, 'zh')}纯色背景上的一页印刷文字",
        },
    )


def _em(rng: Random, size: tuple[int, int]) -> int:
    """Return a size: from what fills a canvas with a line or two to what fills it with print."""
    side = min(size)
    smallest = max(SMALLEST, side * 0.022)
    largest = max(smallest * 1.2, side * 0.1)
    return round(smallest * (largest / smallest) ** rng.random())


def _setting(rng: Random, language: Language) -> Setting:
    aligns: tuple[Align, ...] = ("left", "left", "justify", "center", "right")
    if language == "zh":
        aligns = ("left", "justify", "justify", "center")
    return Setting(align=rng.choice(aligns), leading=round(rng.uniform(1.3, 1.75), 2))


def _title(
    image: Image.Image,
    text: str,
    page: _Page,
    place: tuple[float, float, float],
    language: Language,
    rng: Random,
    among: Sequence[Face],
) -> Placed | None:
    left, top, right = place
    face = choose(rng, among, [text], language=language, kind=page.face.kind, bold=True)
    align: Align = "center" if page.setting.align in ("center", "justify") else page.setting.align
    setting = Setting(align=align, leading=1.25, balance=True, lines=2)
    room = right - left, image.height * 0.3
    block = fit(
        text, face or page.face, room, setting, largest=round(page.em * 1.9), smallest=page.em
    )
    if block is None:
        return None
    return write(image, block, (left, top), page.ink, role="title", language=language)


def _column(
    image: Image.Image,
    rng: Random,
    page: _Page,
    place: tuple[float, float, float, float],
    language: Language,
    texts: Texts,
    samples: list[str],
) -> Iterator[Placed]:
    """Fill a column from its top with whole paragraphs."""
    x, y, width, bottom = place
    dropped = 0
    while dropped < _TRIES:
        text = samples.pop() if samples else texts.paragraph(rng, language)
        block = None
        if page.face.draws(text):
            block = set_text(text, page.face, page.em, width, page.setting)
        if block is None or y + block.height > bottom:
            dropped += 1
            continue
        yield write(image, block, (x, y), page.ink, role="paragraph", language=language)
        y += block.height + page.gap + (page.setting.leading - 1) * page.em
