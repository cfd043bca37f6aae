"""Polygons hold the ink, all of it, and little else."""

from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.data.typeset.curves import Arc, Wave, along, largest
from danqing.data.typeset.fonts import faces
from danqing.data.typeset.ink import language_of, write
from danqing.data.typeset.layout import Setting, set_text

FACES = [face for face in faces() if not face.bold]


def area(polygon, size, grow=0):
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(polygon, fill=255, outline=255, width=1 + 2 * grow)
    return np.asarray(mask) > 0


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
@pytest.mark.parametrize("align", ["left", "center", "justify"])
def test_the_box_of_a_line_is_the_box_of_its_ink(face, align):
    text = "gypsy jars, Quick Wolf: two lines of (text)"
    block = set_text(text, face, 28, 300.0, Setting(align=align))
    image = Image.new("RGB", (360, 200), "white")
    placed = write(image, block, (20.3, 15.6), (0, 0, 0), role="title", language="en")
    ink = np.asarray(image).min(-1) < 255
    for line in placed.lines:
        (left, top), _, (right, bottom), _ = line.polygon
        rows = ink[int(top) : int(bottom)]
        found = np.flatnonzero(rows.any(0))
        assert (found[0], found[-1]) == (left, right - 1)
        ink[int(top) : int(bottom)] = False
    assert not ink.any()


def test_a_mask_gets_the_same_ink_as_a_picture():
    block = set_text("天地人", next(f for f in faces() if f.writes("zh")), 40, 200.0, Setting())
    image, mask = Image.new("RGB", (200, 80), "black"), Image.new("L", (200, 80))
    for canvas in (image, mask):
        write(canvas, block, (10.0, 10.0), (255, 255, 255), role="title", language="zh")
    assert (np.asarray(image)[..., 0] == np.asarray(mask)).all()


@pytest.mark.parametrize(
    ("text", "language"), [("a", "zh"), ("12:30", "zh"), ("12:30", "en"), ("A天", "en")]
)
def test_letters_tell_the_language_and_digits_leave_it_open(text, language):
    expected = {"a": "en", "A天": "zh"}.get(text, language)
    assert language_of(text, language) == expected


PATHS = {
    "arc": Arc((200.0, 260.0), 150.0, 0.0, 2.4),
    "tilted": Arc((200.0, 200.0), 120.0, 0.8, 2.0),
    "hollow": Arc((200.0, 150.0), 150.0, 3.14159, 2.4, hollow=True),
    "wave": Wave((30.0, 200.0), 340.0, 20.0, 1.3, 0.5),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("text", ["Along the path", "沿着小路走"])
def test_the_outline_of_a_curved_text_holds_its_ink(name, text):
    face = next(f for f in faces() if f.draws(text))
    path = PATHS[name]
    em = largest(text, face, path.length, 44)
    mask = Image.new("L", (400, 400))
    placed = along(mask, text, face, em, path, (0, 0, 0), role="title", language="en")
    assert placed.text == text
    ink = np.asarray(mask) > 40
    assert ink.any()
    (line,) = placed.lines
    assert (ink & ~area(line.polygon, mask.size, grow=2)).sum() <= 0.004 * ink.sum()


def test_a_text_longer_than_its_path_is_not_drawn():
    mask = Image.new("L", (400, 400))
    face = FACES[0]
    arc = Arc((200.0, 200.0), 60.0, 0.0, 1.0)
    text = "much too long for this"
    assert along(mask, text, face, 40, arc, (0, 0, 0), role="title", language="en") is None
    assert mask.getbbox() is None


def test_letters_stand_on_the_path_in_their_order():
    rng = Random(3)
    for _ in range(5):
        arc = Arc((300.0, 300.0), rng.uniform(120, 200), rng.uniform(-0.5, 0.5), 2.0)
        mask = Image.new("L", (600, 600))
        placed = along(mask, "abcdef", FACES[0], 30, arc, (0, 0, 0), role="t", language="en")
        corners = placed.lines[0].polygon
        angles = [np.arctan2(x - 300, 300 - y) for x, y in corners[: len(corners) // 2]]
        middles = np.array(angles).reshape(-1, 2).mean(1)
        assert (np.diff(middles) > 0).all()
