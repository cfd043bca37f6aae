"""PSNR and SSIM against their formulas, and against cases that can be worked by hand."""

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.measures.pixels import pixels, psnr, ssim


def pair(seed=0, shape=(14, 17, 3), spread=0.1):
    draw = np.random.default_rng(seed)
    first = draw.random(shape)
    return first, np.clip(first + spread * draw.standard_normal(shape), 0, 1)


def formula(first, second):
    """SSIM as it is written down: one window at a time, weights of two dimensions."""
    y, x = np.mgrid[-5:6, -5:6]
    weights = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for channel in range(first.shape[2]):
        for row in range(first.shape[0] - 10):
            for column in range(first.shape[1] - 10):
                window = np.s_[row : row + 11, column : column + 11, channel]
                a, b = first[window], second[window]
                ma, mb = (weights * a).sum(), (weights * b).sum()
                va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
                both = (weights * (a - ma) * (b - mb)).sum()
                light = (2 * ma * mb + 1e-4) / (ma**2 + mb**2 + 1e-4)
                values.append(light * (2 * both + 9e-4) / (va + vb + 9e-4))
    return np.mean(values)


@pytest.mark.parametrize("spread", [0.01, 0.1, 0.5])
def test_ssim_is_what_its_formula_says(spread):
    first, second = pair(spread=spread)
    assert ssim(first, second) == pytest.approx(formula(first, second), abs=1e-12)
    assert ssim(second, first) == pytest.approx(ssim(first, second), abs=1e-12)


def test_ssim_of_flat_pictures_is_the_term_of_light_alone():
    black, white = np.zeros((11, 11, 3)), np.ones((11, 11, 3))
    assert ssim(black, black) == 1
    assert ssim(black, white) == pytest.approx(1e-4 / (1 + 1e-4), rel=1e-9)


def test_ssim_of_a_picture_smaller_than_its_window_is_refused():
    small = np.zeros((10, 30, 3))
    with pytest.raises(SourceError, match="at least 11 pixels a side to be compared, got 30x10"):
        ssim(small, small)


def test_psnr_of_a_known_error():
    first = np.full((4, 4, 3), 0.5)
    assert psnr(first, first + 0.1) == pytest.approx(20, abs=1e-5)
    assert psnr(first, first) == pytest.approx(80)
    levels = np.zeros((4, 4, 3)), np.full((4, 4, 3), 1 / 255)
    assert psnr(*levels) == pytest.approx(20 * np.log10(255), abs=3e-3)


def test_a_mask_leaves_out_what_lies_outside():
    first = np.zeros((4, 4, 3))
    second = first.copy()
    second[:, :2] = 1
    left = np.zeros((4, 4), bool)
    left[:, :2] = True
    assert psnr(first, second, left) == pytest.approx(0, abs=1e-6)
    assert psnr(first, second, ~left) == pytest.approx(80)
    assert psnr(first, second) == pytest.approx(10 * np.log10(2), abs=1e-6)


def test_pixels_are_rgb_from_zero_to_one_and_of_the_size_wanted():
    image = Image.new("L", (6, 4), 255)
    assert pixels(image).shape == (4, 6, 3)
    assert pixels(image, (3, 2)).shape == (2, 3, 3)
    assert pixels(image).max() == 1
