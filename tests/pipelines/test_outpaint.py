"""A picture on a larger canvas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.latents import LONGEST
from danqing.pipelines.outpaint import Margins, extend

sides = st.integers(1, 40)
margins = st.integers(0, 90)


def noise(width, height):
    rng = np.random.default_rng(width * 100 + height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


@settings(max_examples=40)
@given(
    width=sides, height=sides, left=margins, top=margins, right=margins, bottom=st.integers(1, 9)
)
def test_a_picture_keeps_its_bytes_and_everything_else_is_masked(
    width, height, left, top, right, bottom
):
    image = noise(width, height)
    larger, mask = extend(image, Margins(left, top, right, bottom))
    box = (left, top, left + width, top + height)
    assert larger.size == mask.size == (left + width + right, top + height + bottom)
    assert larger.crop(box).tobytes() == image.tobytes()
    assert not np.asarray(mask.crop(box)).any()
    assert (np.asarray(mask) == 255).sum() == mask.size[0] * mask.size[1] - width * height


@settings(max_examples=60)
@given(width=st.integers(1, 3000), height=st.integers(1, 3000), a=sides, b=sides)
def test_a_ratio_is_reached_by_the_least_margins_about_the_middle(width, height, a, b):
    left, top, right, bottom = Margins.to_ratio((width, height), f"{a}:{b}")
    wide, tall = left + width + right, top + height + bottom
    assert abs(wide * b - tall * a) <= max(a, b) / 2
    assert 0 in (left + right, top + bottom)
    assert 0 <= right - left <= 1
    assert 0 <= bottom - top <= 1


def test_the_edge_is_a_mirror():
    image = noise(5, 4)
    pixels = np.asarray(extend(image, Margins(left=3, bottom=2)).image)
    assert (pixels[:4, 2::-1] == pixels[:4, 3:6]).all()
    assert (pixels[4:] == pixels[3:1:-1]).all()


@pytest.mark.parametrize("ratio", ["16x9", "0:1", "1:0", "wide", "", "1:-2"])
def test_what_is_no_ratio_is_refused(ratio):
    with pytest.raises(RequestError, match="ratio must be two numbers"):
        Margins.to_ratio((10, 10), ratio)


@pytest.mark.parametrize("wrong", [Margins(), Margins(left=-1, right=3)])
def test_nothing_to_add_is_refused(wrong):
    with pytest.raises(RequestError, match="margins must be pixels to add to a 2x2 picture"):
        extend(noise(2, 2), wrong)


def test_a_canvas_beyond_the_longest_side_is_refused():
    with pytest.raises(RequestError, match=f"up to {LONGEST} pixels .* got {LONGEST + 1}x2"):
        extend(noise(2, 2), Margins(right=LONGEST - 1))
