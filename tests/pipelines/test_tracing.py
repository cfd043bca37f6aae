"""Control pictures without a network: OpenCV's edges, and what must hold for all of them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.pipelines.tracing import HIGH, LOW, canny, tracers

sides = st.integers(1, 40)


def noise(seed, width, height, smooth):
    """Pixels with slopes of all kinds."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.blur(pixels, (smooth, smooth))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), width=sides, height=sides, smooth=st.integers(1, 7))
def test_edges_are_those_of_opencv(seed, width, height, smooth):
    pixels = noise(seed, width, height, smooth)
    found = np.asarray(canny(Image.fromarray(pixels)))
    expected = cv2.Canny(np.ascontiguousarray(pixels), LOW, HIGH)
    assert (found == expected[..., None]).all()


def test_a_photograph_s_edges_are_those_of_opencv():
    pixels = cv2.GaussianBlur(noise(0, 300, 200, 3), (0, 0), 4)
    pixels = cv2.normalize(pixels, None, 0, 255, cv2.NORM_MINMAX)
    cv2.putText(pixels, "danqing", (20, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (200, 40, 90), 3)
    found = np.asarray(canny(Image.fromarray(pixels)))
    assert (found == cv2.Canny(pixels, LOW, HIGH)[..., None]).all()
    assert 0.01 < (found > 0).mean() < 0.5


@pytest.mark.parametrize("name", list(tracers))
@pytest.mark.parametrize("size", [(1, 1), (37, 5), (64, 48)])
def test_a_tracer_keeps_the_size_and_an_even_picture_even(name, size):
    traced = tracers[name](Image.fromarray(noise(1, *size, 3)))
    assert (traced.size, traced.mode) == (size, "RGB")
    even = np.asarray(tracers[name](Image.new("RGB", size, (90, 90, 90))))
    assert (even == even[0, 0]).all()
    assert name in ("blur", "gray") or not even.any()


def test_soft_edges_lie_where_edges_are():
    picture = Image.new("RGB", (60, 60))
    picture.paste((255, 200, 0), (30, 0, 60, 60))
    soft = np.asarray(tracers["soft-edge"](picture))[:, :, 0]
    assert soft[:, 29:31].min() > 250
    assert not soft[:, :20].any()
    assert not soft[:, 40:].any()
