"""Looks are functions of the picture, and each is plainly itself."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from danqing.data.edits import STYLES, Edits

PICTURES = [Edits(tasks={"reconstruct": 1.0}).sample(index).target for index in range(12)]


@pytest.mark.parametrize("name", STYLES)
def test_a_look_depends_on_the_picture_alone_and_keeps_its_size(name):
    for picture in PICTURES[:3]:
        for image in (picture, picture.resize((97, 61))):
            once, again = STYLES[name](image), STYLES[name](image.copy())
            assert once.tobytes() == again.tobytes()
            assert (once.mode, once.size) == ("RGB", image.size)


def distance(one, other):
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).mean()


@pytest.mark.parametrize("picture", range(len(PICTURES)))
def test_looks_are_told_apart_from_each_other_and_from_the_picture(picture):
    source = PICTURES[picture]
    styled = [STYLES[name](source) for name in STYLES]
    assert min(distance(a, b) for a, b in combinations([source, *styled], 2)) > 1.5


def test_outlines_and_sketches_are_gray_and_mostly_paper():
    for picture in PICTURES:
        for name in ("outline", "sketch"):
            pixels = np.asarray(STYLES[name](picture)).astype(int)
            assert np.ptp(pixels, axis=-1).max() == 0
            assert (pixels == 250).mean() > 0.6
            assert (pixels < 90).mean() > 0.01


def test_neon_is_dark_where_nothing_changes_and_bright_where_something_does():
    for picture in PICTURES:
        pixels = np.asarray(STYLES["neon"](picture)).astype(int)
        assert (pixels.max(-1) < 60).mean() > 0.5
        assert (pixels.max(-1) == 255).mean() > 0.01


def test_pixels_are_blocks_of_one_colour():
    for picture in PICTURES:
        blocks = np.asarray(STYLES["pixel"](picture)).reshape(16, 16, 16, 16, 3)
        assert (blocks == blocks[:, :1, :, :1]).all()
        means = np.asarray(picture, float).reshape(16, 16, 16, 16, 3).mean((1, 3))
        assert np.abs(blocks[:, 0, :, 0] - means).max() <= 1


def test_watercolor_is_paler_and_softer():
    def steepest(image):
        return np.abs(np.diff(np.asarray(image.convert("L"), int), axis=1)).max()

    for picture in PICTURES:
        painted = STYLES["watercolor"](picture)
        assert np.asarray(painted).mean() > np.asarray(picture).mean()
        assert steepest(painted) < 0.7 * steepest(picture)


def test_an_empty_picture_has_no_lines():
    plain = Image.new("RGB", (256, 256), (186, 208, 234))
    assert np.asarray(STYLES["outline"](plain)).min() == 250
    assert np.asarray(STYLES["neon"](plain)).max() < 60
