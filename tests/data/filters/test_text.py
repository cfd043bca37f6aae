"""Stage 4: the language, the amount and the size of what is written."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("rapidocr", reason="reading needs the extra `eval`")

from danqing.data.filters import Batch, filters
from danqing.data.filters.text import LANGUAGES, language
from danqing.data.sources.planted import encode, scene
from danqing.data.synthesis.fonts import FACES


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
