"""Every pixel's palette colour."""

import numpy as np
from PIL import Image

from danqing.scorers.labels import labelled
from danqing.scorers.world import BACKGROUNDS, PALETTE


def test_stripes_of_all_colours_are_labelled_in_order_and_the_ground_is_none():
    width, ground = 20, np.array(BACKGROUNDS["gray"])
    pixels = np.tile(ground, (100, width * (len(PALETTE) + 2), 1)).astype(np.uint8)
    for number, color in enumerate(PALETTE.values(), 1):
        pixels[20:80, width * number : width * (number + 1)] = color
    seen = labelled(Image.fromarray(pixels), 12.0)
    middles = seen.labels[50, width // 2 :: width]
    assert list(middles) == [0, *range(1, len(PALETTE) + 1), 0]
    assert not seen.labels[:10].any()


def test_what_is_far_from_the_ground_and_nearest_to_it_has_a_number_of_its_own():
    pixels = np.full((64, 64, 3), BACKGROUNDS["gray"], np.uint8)
    pixels[16:48, 16:48] = (110, 110, 110)
    assert labelled(Image.fromarray(pixels), 12.0).labels[32, 32] == len(PALETTE) + 1
