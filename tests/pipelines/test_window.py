"""The part of a picture that is worked on."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.pipelines.mask import parse_mask
from danqing.pipelines.window import Window

AREA = (16, 4096)
sides = st.integers(1, 60)


def spot(size, box):
    mask = Image.new("L", size)
    mask.paste(255, box)
    return parse_mask(mask, size)


@settings(max_examples=100)
@given(
    width=sides,
    height=sides,
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    margin=st.integers(0, 20),
    aspect=st.floats(1, 4),
)
def test_a_window_holds_the_mask_and_its_margin_and_lies_within(
    width, height, corner, margin, aspect
):
    left, top = int(corner[0] * (width - 1)), int(corner[1] * (height - 1))
    mask = spot((width, height), (left, top, left + 1, top + 1))
    window = Window.around(mask, margin, AREA, aspect, 4)
    (x, x_end), (y, y_end) = window.across, window.down
    assert 0 <= x <= max(0, left - margin)
    assert min(width, left + 1 + margin) <= x_end <= width
    assert 0 <= y <= max(0, top - margin)
    assert min(height, top + 1 + margin) <= y_end <= height
    wide, tall = x_end - x, y_end - y
    assert window.frame.size == (wide, tall)
    if wide < width and tall < height:
        assert max(wide, tall) <= aspect * min(wide, tall)


@settings(max_examples=100)
@given(width=sides, height=sides, corner=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_no_stroke_is_lost_and_no_grey_is_made_on_latents(width, height, corner):
    left, top = int(corner[0] * (width - 1)), int(corner[1] * (height - 1))
    mask = spot((width, height), (left, top, left + 1, top + 1))
    window = Window.whole((width, height), (16, 400), 4)
    latents = window.on_latents(mask, 2)
    assert (latents.shape[3] * 2, latents.shape[2] * 2) == window.frame.shown
    assert latents.max() == 1
    assert set(latents.unique().tolist()) <= {0.0, 1.0}


def test_a_latent_is_as_free_as_the_pixels_under_it():
    mask = torch.zeros(1, 1, 16, 24, dtype=torch.float64)
    mask[..., 5, 7], mask[..., 8:12, 20] = 0.5, 1.0
    latents = Window.whole((24, 16), AREA, 4).on_latents(mask, 2)
    assert torch.equal(latents, F.max_pool2d(mask, 2))


@pytest.mark.parametrize(
    ("margin", "part", "shown"),
    [(0, (4, 4), (16, 16)), (6, (16, 16), (64, 64)), (100, (60, 40), (80, 56))],
)
def test_what_lies_around_a_mask_is_seen_at_the_model_s_size(margin, part, shown):
    window = Window.around(spot((60, 40), (20, 10, 24, 14)), margin, (4096, 5000), 3.0, 4)
    assert window.frame.size == part
    assert window.frame.shown == shown


def test_a_part_that_was_not_scaled_is_put_back_to_the_byte():
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8))
    window = Window.around(spot((60, 40), (20, 10, 31, 15)), 3, (16, 4096), 3.0, 4)
    part = window.take(picture)
    assert part.size == window.frame.shown
    assert window.put(part, picture).tobytes() == picture.tobytes()
    black = window.put(Image.new("RGB", part.size), picture)
    assert not np.asarray(black.crop(window.box)).any()
    assert black.crop((0, 0, 60, 7)).tobytes() == picture.crop((0, 0, 60, 7)).tobytes()
