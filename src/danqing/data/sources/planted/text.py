"""Text in pictures: signs that are kept; pages, fine print and marks of owners that are not."""

from random import Random
from typing import Final, Literal, get_args

import numpy as np
from PIL import Image

from danqing.data.sources.planted.plant import Change, Plant, of_picture
from danqing.data.synthesis.fonts import FOLDER
from danqing.data.typeset.fonts import Face, choose, faces
from danqing.data.typeset.ink import write
from danqing.data.typeset.layout import Block, Setting, fit, set_text
from danqing.data.typeset.texts import sentences, title
from danqing.scorers.world import Language

_OTHER: Final = (
    "Открыто ежедневно",
    "Добро пожаловать в музей",
    "Свежий хлеб и молоко",
    "Καλημέρα και καλώς ήρθατε",
    "Φρέσκο ψωμί κάθε μέρα",
    "Geöffnet täglich außer sonntags",
    "Frische Brötchen für Frühaufsteher",
    "Crème brûlée et café à côté",
    "Fermé jusqu'à la rentrée des élèves",
    "Mañana será otro día más",
)
"""Signs in neither English nor Chinese: other scripts, and Latin with letters of its own."""
_MARKS: Final = {
    "en": (
        "© {year} Jane Example",
        "www.example.com",
        "shutterstock",
        "gettyimages",
        "@example.photo",
        "https://example.org/p/{year}",
        "iStock by Example",
        "dreamstime.com",
    ),
    "zh": (
        "视觉中国",
        "图虫创意",
        "千图网",
        "版权所有 请勿转载",
        "摄图网 {year}",
        "www.example.cn 版权所有",
    ),
}
_Script = Literal["en", "zh", "other"]


def _face(draw: Random, text: str, language: _Script) -> Face:
    if language == "other" and not any(face.draws(text) for face in faces() if face.writes("en")):
        return next(face for face in faces(FOLDER) if face.draws(text))
    spoken: Language = "zh" if language == "zh" else "en"
    # Faces that imitate hands are no harder to keep or drop, but to read.
    plain = [face for face in faces() if face.kind in ("sans", "serif")]
    face = choose(draw, plain, [text], language=spoken)
    assert face is not None, f"no face draws {text!r}"
    return face


def _panel(image: Image.Image, box: tuple[float, float, float, float], light: bool) -> None:
    """Fade a part of a picture, so that ink on it can be read."""
    part = image.crop(box)
    paper = Image.new("RGB", part.size, (250, 248, 240) if light else (24, 26, 32))
    image.paste(Image.blend(part, paper, 0.75), (round(box[0]), round(box[1])))


def _set(image: Image.Image, block: Block, left: float, top: float, light: bool) -> None:
    gap = 0.5 * block.em
    box = left - gap, top - gap, left + block.width + gap, top + block.height + gap
    _panel(image, box, light)
    ink = (20, 22, 28) if light else (245, 244, 238)
    write(image, block, (left, top), ink, role="sign", language="en")


def _sign(language: _Script) -> Change:
    """Return what puts a few large words into a picture."""

    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        draw = Random(int(rng.integers(2**32)))
        text = draw.choice(_OTHER) if language == "other" else title(draw, language)
        room = 0.75 * image.width, 0.4 * image.height
        block = fit(
            text,
            _face(draw, text, language),
            room,
            Setting(lines=3, balance=True),
            largest=min(image.size) // 7,
        )
        assert block is not None
        signed = image.copy()
        left = draw.uniform(0.05, 0.2) * image.width
        top = draw.uniform(0.05, 0.9) * (image.height - block.height)
        _set(signed, block, left, top, light=draw.random() < 0.6)
        return signed

    return change


def _prose(language: Language, *, em: float, width: float, characters: int) -> Change:
    """Return what puts running text into a picture.

    Args:
        language: Of the text.
        em: Letters' size over the picture's shorter side.
        width: Of the text, over the picture's.
        characters: About how many there are; fewer where the picture is full.
    """

    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        draw = Random(int(rng.integers(2**32)))
        text = sentences(draw, language, 2 + characters // 12)
        size = round(min(image.size) * em * draw.uniform(0.9, 1.1))
        face = _face(draw, text, language)
        setting = Setting(leading=1.3)
        end = characters + (text[characters:].find(" ") if language == "en" else 0)
        text, block = text[:end], None
        while block is None or block.height > image.height - 2 * size:
            block = set_text(text, face, size, width * image.width, setting)
            text = text[: round(len(text) * 0.9)]
            text = text.rpartition(" ")[0] if language == "en" else text
        written = image.copy()
        left = (image.width - block.width) * draw.uniform(0.4, 0.6)
        _set(written, block, left, (image.height - block.height) / 2, light=draw.random() < 0.7)
        return written

    return change


def _mark(language: Language) -> Change:
    """Return what puts an owner's mark on a picture, once or three times."""

    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        draw = Random(int(rng.integers(2**32)))
        text = draw.choice(_MARKS[language]).format(year=draw.randint(1998, 2026))
        size = round(min(image.size) * draw.uniform(1 / 20, 1 / 12))
        room = 0.9 * image.width, 0.9 * image.height
        block = fit(text, _face(draw, text, language), room, Setting(lines=1), largest=size)
        assert block is not None
        mask = Image.new("L", image.size)
        long = block.face.advance(text, block.em)
        rows = draw.choice([1, 1, 3])
        for row in range(rows):
            left = draw.uniform(0.03, 0.97) * max(0.0, image.width - long)
            top = (row + draw.uniform(0.1, 0.8)) * (image.height - block.height) / rows
            write(mask, block, (left, top), (255, 255, 255), role="mark", language=language)
        opaque = draw.uniform(0.6, 0.9)
        marked = image.copy()
        # A dark edge below light letters, as stock marks have it, shows them on any ground.
        for tone, shift in ((0, 2), (255, 0)):
            moved = Image.new("L", image.size)
            moved.paste(mask.point(lambda ink: ink * opaque), (shift, shift))
            marked.paste((tone,) * 3, mask=moved)
        return marked

    return change


_EMS: Final[dict[Language, float]] = {"en": 1 / 26, "zh": 1 / 32}
"""Letters' size, over the shorter side, at which 300 characters are many and cover little."""

SIGNS: Final[dict[str, Plant]] = {
    f"sound-sign-{script}": Plant("", of_picture(_sign(script)), language=script)
    for script in get_args(_Script)
}

TEXT: Final[dict[str, Plant]] = {
    f"{name}-{language}": Plant(name, of_picture(change), also, language)
    for language, em in _EMS.items()
    for name, change, also in (
        (
            "intensive_text",
            _prose(language, em=1 / 18, width=0.9, characters=1500),
            ("characters",),
        ),
        ("characters", _prose(language, em=em, width=0.7, characters=370), ()),
        ("small_characters", _prose(language, em=1 / 54, width=0.4, characters=150), ()),
        ("watermark_text", _mark(language), ()),
    )
}
