"""Ink apart from its ground."""

import numpy as np
from PIL import Image, ImageDraw

from danqing.scorers.color import lab
from danqing.scorers.ink import color, ink
from danqing.scorers.world import BACKGROUNDS, PALETTE


def test_ink_is_found_in_its_colour_and_a_speck_is_not():
    image = Image.new("RGB", (128, 128), BACKGROUNDS["cream"])
    pen = ImageDraw.Draw(image)
    pen.rectangle((40, 40, 79, 59), fill=PALETTE["blue"])
    pen.point((5, 5), fill="black")
    pixels = lab(np.asarray(image))
    mask = ink(pixels)
    assert mask.sum() == 40 * 20
    assert color(pixels, mask) == "blue"
    assert ink(pixels, speck=0.0)[5, 5]
    assert not ink(pixels, contrast=200.0).any()
