"""Drift of pictures whose drift is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from danqing.core.errors import SourceError
from danqing.evaluation.measures.drift import drift, shift, shift_within


def texture(seed, height=48, width=64):
    return np.random.default_rng(seed).random((height, width))


def moved(image, right, down):
    """The picture moved exactly, around its edges, by the shift theorem."""
    rows, columns = (np.fft.fftfreq(side) for side in image.shape)
    turn = np.exp(-2j * np.pi * (rows[:, None] * down + columns * right))
    return np.fft.ifft2(np.fft.fft2(image) * turn).real


amounts = st.floats(-5, 5)


@settings(max_examples=40)
@given(right=amounts, down=amounts, seed=st.integers(0, 99))
def test_a_shift_is_found_to_a_tenth_of_a_pixel(right, down, seed):
    first = texture(seed, 128, 160)
    found = shift(first, moved(first, right, down))
    assert found.right == pytest.approx(right, abs=0.1)
    assert found.down == pytest.approx(down, abs=0.1)


@settings(max_examples=20)
@given(height=st.integers(2, 40), width=st.integers(2, 40), seed=st.integers(0, 99))
def test_a_picture_has_not_moved_against_itself(height, width, seed):
    image = texture(seed, height, width)
    assert shift(image, image) == (0, 0)
    assert shift(image, image * 0.5 + 0.2).length <= 0.05


def test_a_picture_of_one_colour_has_not_moved():
    flat = np.full((16, 16), 0.3)
    assert shift(flat, flat) == (0, 0)


def test_an_edit_of_a_quarter_does_not_hide_a_shift():
    first = texture(3, 96, 96)
    second = moved(first, 1.5, -0.5)
    second[:48, :48] = texture(4, 48, 48)
    found = shift(first, second)
    assert (found.right, found.down) == pytest.approx((1.5, -0.5), abs=0.1)


@settings(max_examples=20)
@given(right=amounts, down=amounts, seed=st.integers(0, 99))
def test_the_shift_of_a_part_is_its_own_whatever_lies_beside_it(right, down, seed):
    smooth = gaussian_filter(texture(seed, 96, 112), 2)
    first = (smooth - smooth.min()) / np.ptp(smooth)
    second = moved(first, right, down)
    kept = np.ones(first.shape, bool)
    kept[20:60, 30:90] = kept[:, :8] = False
    beside = np.random.default_rng(seed + 1).random(first.shape)
    found = shift_within(first, np.where(kept, second, beside), kept)
    assert (found.right, found.down) == pytest.approx((right, down), abs=0.25)
    assert shift_within(first, np.where(kept, first, beside), kept).length < 1e-6


def test_where_a_part_is_plain_nothing_can_be_seen_to_move():
    first = texture(5)
    kept = np.zeros(first.shape, bool)
    assert shift_within(first, first, kept) is None
    kept[:, :9] = True
    plain = np.where(kept, 0.4, first)
    assert shift_within(plain, first, kept) is None
    assert shift_within(first, plain, kept) is None


def grey(values):
    return Image.fromarray((values * 255).round().astype(np.uint8)).convert("RGB")


def test_drift_is_that_of_kept_pixels(mean_color):
    first = np.full((12, 20), 0.2)
    last = first.copy()
    last[:, 10:] = 0.9
    left = np.arange(20) < 10
    kept = np.broadcast_to(left, first.shape)
    assert drift(grey(first), grey(last), kept).psnr == 80
    assert drift(grey(first), grey(last), ~kept).psnr == pytest.approx(3.1, abs=0.1)
    assert drift(grey(first), grey(last), kept & ~kept).psnr is None
    assert drift(grey(first), grey(first), kept).likeness is None
    red, blue = (Image.new("RGB", (20, 12), color) for color in ("red", "blue"))
    assert drift(red, red, kept, mean_color).likeness == pytest.approx(1)
    assert drift(red, blue, kept, mean_color).likeness < 0.5


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(SourceError, match="must have one size to be compared, got 4x2 and 2x4"):
        drift(Image.new("RGB", (4, 2)), Image.new("RGB", (2, 4)), np.ones((2, 4), bool))
