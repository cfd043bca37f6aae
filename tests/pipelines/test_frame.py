"""Nothing is shifted or stretched on the way to the grid of tokens and back."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.models.conditioner.vision import EDIT_AREA
from danqing.pipelines.frame import Frame, sizings

NANO, LARGE = (60_000, 70_000), (256**2, 1328**2)
SIDES = st.integers(1, 2000)
exact, published = sizings["exact"], sizings["published"]


def frame(size, area=LARGE, multiple=16):
    (only,) = exact([size], None, area, multiple).sources
    return only


@given(SIDES, SIDES, st.sampled_from([NANO, LARGE]), st.sampled_from([4, 8, 16]))
def test_one_scale_serves_both_sides_and_what_is_seen_is_whole_tokens(width, height, area, patch):
    made = frame((width, height), area, patch)
    (wide, high), (left, top) = made.shown, made.padded
    assert wide % patch == high % patch == 0
    assert wide * top == high * left
    assert wide * high <= area[1]
    covered = left * patch // wide
    assert covered * wide == left * patch
    assert 0 <= left - width < covered
    assert 0 <= top - height < covered
    # It is scaled only where what is seen would be beyond what the model was trained on.
    native = -(-width // patch) * -(-height // patch) * patch**2
    assert covered == patch or not area[0] <= native <= area[1]


@given(SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_pixels_come_back_as_they_were_where_nothing_is_scaled(width, height, seed):
    width, height = width // 8 + 256, height // 8 + 256
    made = frame((width, height))
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    assert made.place(image).size == made.shown == made.padded
    assert made.take(made.place(image)).tobytes() == image.tobytes()


@pytest.mark.parametrize("size", [(1000, 700), (61, 83), (37, 1999), (1, 1)])
def test_what_is_scaled_comes_back_in_its_place(size):
    made = frame(size, NANO)
    assert made.shown != made.padded
    width, height = size
    ramps = np.stack(np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height)), -1)
    pixels = np.concatenate([ramps, ramps[..., :1]], -1).round().astype(np.uint8)
    back = np.asarray(made.take(made.place(Image.fromarray(pixels))), np.float32)
    # Half a pixel of a shift would be half of a step of these ramps, everywhere.
    off = back - pixels
    steps = [255 / max(side - 1, 1) for side in size]
    for channel, step in enumerate(steps):
        assert abs(off[..., channel].mean()) < max(0.1, 0.1 * step)


def test_the_margin_repeats_the_edge():
    image = Image.fromarray(np.arange(3 * 5 * 3, dtype=np.uint8).reshape(5, 3, 3))
    padded = np.asarray(Frame(size=(3, 5), padded=(8, 8), shown=(8, 8)).pad(image))
    assert np.array_equal(padded[1:6, 2:5], np.asarray(image))
    assert np.array_equal(padded[0], padded[1])
    assert np.array_equal(padded[:, 7], padded[:, 4])
    assert np.array_equal(padded[:, 0], padded[:, 2])


def test_200_random_sizes_come_back_as_they_were():
    rng = random.Random(0)
    for _ in range(200):
        size = rng.randint(64, 2000), rng.randint(64, 2000)
        for area in (NANO, LARGE):
            target, _ = exact([size, (64, 64)], None, area, 16)
            assert target.size == size
            assert target.take(Image.new("L", target.shown)).size == size


@given(SIDES, SIDES, SIDES, SIDES)
def test_the_published_rule_is_that_of_diffusers(width, height, wide, high):
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    ours = published([(width, height), (wide, high)], None, LARGE, 16)
    for made, size in zip(ours.sources, [(width, height), (wide, high)], strict=True):
        assert made.shown == calculate_dimensions(EDIT_AREA, size[0] / size[1])
        assert made.padded == made.size == size
    last = calculate_dimensions(EDIT_AREA, wide / high)
    assert ours.target.size == tuple(max(side // 16, 1) * 16 for side in last)
    asked = published([(width, height)], (1000, 700), LARGE, 16).target
    assert asked.size == asked.padded == asked.shown == (992, 688)


@pytest.mark.parametrize(
    ("size", "rule", "words"),
    [
        ((512, 256), "exact", "512x256, as it is"),
        ((1000, 700), "exact", "1000x700, padded to 1008x704"),
        ((3000, 2000), "exact", "3000x2000, padded to 3000x2010, scaled to 1600x1072"),
        ((1000, 700), "published", "1000x700, stretched to 1216x864"),
    ],
)
def test_a_frame_says_what_it_does(size, rule, words):
    (made,) = sizings[rule]([size], None, LARGE, 16).sources
    assert str(made) == words
