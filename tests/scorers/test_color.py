"""CIELAB against published values."""

import numpy as np
import pytest

from danqing.scorers.color import border_median, lab, nearest, swatches


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
        ((5, 5, 5), (1.37, 0.0, 0.0)),
    ],
)
def test_srgb_becomes_the_published_lab_value(rgb, expected):
    assert swatches([rgb])[0] == pytest.approx(expected, abs=0.02)


def test_a_picture_is_converted_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    alone = swatches([tuple(int(v) for v in pixels[3, 2])])[0]
    assert lab(pixels)[:, 3, 2] == pytest.approx(alone, abs=1e-4)


def test_the_border_median_ignores_what_stands_inside_and_little_at_the_rim():
    pixels = np.full((64, 64, 3), 176, dtype=np.uint8)
    pixels[8:56, 8:56] = (214, 32, 38)
    pixels[:20, :2] = (32, 78, 208)
    assert border_median(lab(pixels)) == pytest.approx(swatches([(176,) * 3])[0], abs=1e-4)


def test_the_nearest_colour_comes_with_its_lead_over_the_next():
    named = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]], dtype=np.float32)
    assert nearest(np.array([3.0, 0.0, 0.0], dtype=np.float32), named) == (0, 3.0, 4.0)
