"""Stage 2: what the saturation of a picture is."""

import numpy as np
import pytest

from danqing.data.filters import Batch, filters
from danqing.data.sources.planted import encode


def saturation(pixels):
    from PIL import Image

    data = encode(Image.fromarray(np.asarray(pixels, np.uint8)), "PNG")
    (found,) = filters["saturation"]().measure(Batch({"image": [data], "name": ["a.png"]}, 256))
    return found.value


def test_saturation_of_one_colour_is_hsv_s():
    assert saturation(np.full((64, 64, 3), (200, 100, 50))) == pytest.approx(0.75)
    assert saturation(np.full((64, 64, 3), 90)) == 0
    assert saturation(np.zeros((64, 64, 3))) == 0


def test_noise_in_the_dark_is_not_garish():
    pixels = np.full((64, 64, 3), 150)
    pixels[:48] = (0, 4, 0)
    assert saturation(pixels) < 0.1
