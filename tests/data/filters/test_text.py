"""Stage 4: the language, the amount and the size of what is written."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

pytest.importorskip("rapidocr", reason="reading needs the extra `eval`")

from danqing.data.filters import Batch, filters
from danqing.data.filters.base import Page
from danqing.data.filters.text import LANGUAGES, SmallCharacters, language
from danqing.data.sources.planted import encode, scene
from danqing.data.synthesis.fonts import FACES, FOLDER
from danqing.scorers.ocr import Line


def page(lines, size=40, side=256):
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    face = "hei" if any(ord(c) > 0x3000 for line in lines for c in line) else "grotesque"
    font = FACES[face].at(size)
    for row, line in enumerate(lines):
        pen.text((8, 6 + row * size * 1.4), line, fill="black", font=font)
    return image


def measured(name, image):
    part = filters[name]()
    (found,) = part.measure(Batch({"image": [encode(image, "PNG")], "name": ["a.png"]}, 256))
    return found.value, part.cut.reason(found.value)


def test_scripts_tell_the_language():
    assert language(["Open daily", "9:00"]) == "en"
    assert language(["每天开门 WiFi"]) == "zh"
    assert language(["Откры́то"]) == "other"
    assert language(["1234", "x"]) == "none"
    assert language(["茶"]) == "zh"
    assert language([]) == "none"


def test_accents_tell_latin_languages_from_english():
    assert language(["Crème brûlée et café à côté"]) == "other"
    assert language(["Geöffnet täglich"]) == "other"
    assert language(["Café Roma, open every day until nine in the evening"]) == "en"
    assert language(["naïve café"]) == "other"


def test_writing_that_cannot_be_read_is_in_another_language():
    image = scene(np.random.default_rng(11), 640)
    pen = ImageDraw.Draw(image)
    pen.rectangle((40, 80, 600, 180), fill="white")
    font = ImageFont.truetype(FOLDER / "world.otf", 48)
    pen.text((60, 100), "Открыто ежедневно", fill="black", font=font)
    assert LANGUAGES[int(measured("text_language", image)[0])] == "other"


def test_small_letters_are_measured_by_their_width_where_their_box_is_too_tall():
    corners = np.array([[0, 0], [120, 0], [120, 20], [0, 20]], np.float32)
    values: list[float] = []
    for text in ("一二三四五六七八九十", "一二三四"):
        batch = Batch({"image": [b""], "name": ["a.png"]}, 256)
        batch.pages = [Page([Line(text, corners)], 640, 640)]
        values.append(SmallCharacters().measure(batch)[0].value)
    assert values == pytest.approx([16 / 640, 20 / 640])


def test_the_language_of_a_picture_is_read():
    assert LANGUAGES[int(measured("text_language", page(["Open daily"]))[0])] == "en"
    plain = scene(np.random.default_rng(3), 256)
    assert LANGUAGES[int(measured("text_language", plain)[0])] == "none"


def test_dense_and_small_text_is_found():
    dense = page(["Every line is full of words"] * 12, size=15)
    sparse = page(["Open"], size=48)
    assert measured("intensive_text", dense)[0] > 3 * measured("intensive_text", sparse)[0]
    assert measured("characters", dense)[0] > 200
    small = page(["tiny words at the top of it"] * 3, size=17, side=1024)
    assert measured("small_characters", small)[1]
    assert not measured("small_characters", sparse)[1]
    assert measured("small_characters", scene(np.random.default_rng(3), 256))[0] is None
