"""A picture read for its transparency keeps it, whatever way the file says it."""

import numpy as np
import pytest
from PIL import Image

from danqing.core.pictures import read_picture


def picture(mode):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_kept_if_it_is_asked_for(tmp_path, mode):
    picture(mode).save(tmp_path / "a.png")
    kept = read_picture(tmp_path / "a.png", alpha=True)
    assert kept.image.mode == "RGBA"
    assert kept.image.tobytes() == picture(mode).convert("RGBA").tobytes()
    assert kept.remarks == ()
    flat = read_picture(tmp_path / "a.png")
    assert flat.image.mode == "RGB"
    assert flat.remarks == ("transparency laid on white",)


def test_a_transparent_colour_of_a_palette_is_transparency(tmp_path):
    drawn = Image.new("P", (4, 4), 1)
    drawn.putpalette([0, 0, 0, 200, 100, 50])
    drawn.putpixel((0, 0), 0)
    drawn.save(tmp_path / "a.png", transparency=0)
    kept = read_picture(tmp_path / "a.png", alpha=True).image
    assert kept.getpixel((0, 0))[3] == 0
    assert kept.getpixel((1, 1)) == (200, 100, 50, 255)


def test_an_opaque_picture_stays_rgb(tmp_path):
    picture("RGB").save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", alpha=True).image.mode == "RGB"
