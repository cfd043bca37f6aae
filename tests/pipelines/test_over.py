"""Painting over pictures, on a toy model."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from danqing.core.errors import RequestError
from danqing.flow.samplers import samplers
from danqing.pipelines.load import wish_of
from danqing.pipelines.outpaint import Margins, extend
from danqing.pipelines.request import Defaults, Request
from danqing.testing import toy


@pytest.fixture(scope="module")
def pipeline():
    return toy()


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def spot(size, box, grey=255):
    mask = Image.new("L", size)
    mask.paste(grey, box)
    return mask


def paint(pipeline, **settings):
    return pipeline.paint(Request("a red square", **settings))


def image(result):
    return result.pictures[0].image


@settings(max_examples=12)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    feather=st.integers(0, 6),
    crop=st.none() | st.integers(0, 9),
    data=st.data(),
)
def test_any_picture_keeps_its_size_and_its_bytes_beyond_the_feather(
    pipeline, width, height, feather, crop, data
):
    left = data.draw(st.integers(0, width - 1))
    top = data.draw(st.integers(0, height - 1))
    box = (left, top, min(width, left + 9), min(height, top + 5))
    over = noise(width, height)
    asked = {"over": over, "mask": spot(over.size, box), "feather": feather, "crop": crop}
    painted = image(paint(pipeline, **asked, steps=1, guidance=1.0))
    assert painted.size == over.size
    kept = np.ones((height, width), bool)
    kept[
        max(0, box[1] - feather) : box[3] + feather, max(0, box[0] - feather) : box[2] + feather
    ] = 0
    assert (np.asarray(painted)[kept] == np.asarray(over)[kept]).all()
    assert (np.asarray(painted) != np.asarray(over)).any()


@pytest.mark.parametrize("size", [(1, 1), (37, 199), (33, 17), (300, 200)])
def test_image_to_image_gives_the_size_of_its_picture(pipeline, size):
    assert image(paint(pipeline, over=noise(*size), strength=0.5, steps=2)).size == size


@pytest.mark.parametrize("name", list(samplers))
def test_latents_that_are_kept_are_those_of_the_picture_by_every_sampler(pipeline, name):
    over = noise(32, 32)
    mask = spot(over.size, (8, 8, 16, 24))
    first, second = (
        paint(pipeline, over=over, mask=mask, sampler=name, steps=4, **more).tokens
        for more in ({}, {"guidance": 1.0, "strength": 0.7})
    )
    free = torch.zeros(8, 8, dtype=torch.bool)
    free[2:6, 2:4] = True
    kept = ~free.flatten()
    assert_close(first[:, kept], second[:, kept], atol=2e-6, rtol=0)
    assert not torch.isclose(first[:, ~kept], second[:, ~kept], atol=1e-3).all()


@pytest.mark.parametrize("grey", [51, 128, 230])
def test_an_even_grey_mask_is_a_strength(pipeline, grey):
    over = noise(32, 32)
    mask = Image.new("L", over.size, grey)
    masked = paint(pipeline, over=over, mask=mask, steps=10)
    begun = paint(pipeline, over=over, strength=grey / 255, steps=10)
    assert_close(masked.tokens, begun.tokens, atol=1e-5, rtol=0)


def test_more_strength_goes_further_from_the_picture(pipeline):
    over = noise(32, 32)
    start = paint(pipeline, over=over, strength=0.001, steps=10).tokens
    apart = [
        (paint(pipeline, over=over, strength=s, steps=10).tokens - start).square().mean().item()
        for s in (0.3, 0.6, 1.0)
    ]
    assert 0 < apart[0] < apart[1] < apart[2]


def test_a_batch_gives_the_pictures_that_its_seeds_give_alone(pipeline):
    asked = {"over": noise(32, 32), "mask": spot((32, 32), (4, 4, 20, 20))}
    batch = paint(pipeline, **asked, seed=3, batch=2)
    for k in range(2):
        alone = paint(pipeline, **asked, seed=3 + k)
        assert_close(batch.tokens[k : k + 1], alone.tokens, atol=1e-5, rtol=0)


def test_what_is_seen_of_a_large_picture_is_of_a_size_that_the_model_knows(pipeline):
    over = noise(400, 300)
    mask = spot(over.size, (100, 100, 108, 112))
    asked = {"over": over, "mask": mask, "steps": 1, "guidance": 1.0}
    for crop, most in ((None, 64 * 64), (4, 64 * 64)):
        tokens = paint(pipeline, **asked, crop=crop).tokens.shape[1]
        assert 16 * 16 <= tokens * 4 * 4 <= most
    near, far = (image(paint(pipeline, **asked, crop=crop)) for crop in (4, None))
    assert near.tobytes() != far.tobytes()


def test_a_larger_canvas_keeps_the_picture(pipeline):
    over = noise(30, 20)
    larger, mask = extend(over, Margins(left=8, bottom=5))
    painted = image(paint(pipeline, over=larger, mask=mask, feather=0, steps=1))
    assert painted.size == (38, 25)
    assert painted.crop((8, 0, 38, 20)).tobytes() == over.tobytes()


def test_an_edit_keeps_what_its_mask_keeps():
    """Sources are looked at as ever: with others the painted part is another."""
    pipeline, over = toy(edits=True), noise(37, 21)
    asked = {"over": over, "mask": spot(over.size, (4, 4, 20, 12)), "feather": 0}
    one, other = (
        image(paint(pipeline, **asked, sources=(source,)))
        for source in (over, noise(37, 21, seed=1))
    )
    same = np.asarray(one) == np.asarray(over)
    same[4:12, 4:20] = True
    assert same.all()
    assert one.tobytes() != other.tobytes()


def test_memory_is_planned_for_what_networks_see():
    request = Request("a", over=noise(400, 300), strength=0.5)
    defaults = Defaults(sizes=((32, 32),), area=(16 * 16, 64 * 64))
    width, height = wish_of(request, defaults).size
    assert 16 * 16 <= width * height <= 64 * 64


def test_a_mask_that_keeps_nothing_is_told_of(pipeline, caplog):
    with caplog.at_level(logging.WARNING):
        paint(pipeline, over=noise(16, 16), mask=Image.new("L", (16, 16), 255), steps=1)
    assert caplog.messages == ["the mask is white everywhere, so nothing of the picture is kept"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mask": spot((8, 8), (0, 0, 4, 4))}, "mask and strength must come with a picture"),
        ({"strength": 0.5}, "mask and strength must come with a picture"),
        ({"over": noise(8, 8)}, "must come with a mask or a strength, got none"),
        ({"over": noise(8, 8), "strength": 0.5, "crop": 3}, "must come with a mask, got none"),
        ({"over": noise(8, 8), "strength": 0.0}, "strength must be from 0.001 to 1, got 0"),
        ({"over": noise(8, 8), "strength": 1.5}, "strength must be from 0.001 to 1, got 1.5"),
        ({"over": noise(8, 8), "mask": Image.new("L", (8, 8))}, "got black everywhere"),
        ({"over": noise(8, 8), "mask": Image.new("L", (4, 8), 9)}, "8x8, got 4x8"),
        ({"over": noise(8, 8), "strength": 0.5, "size": (16, 8)}, "paint over, 8x8, got"),
    ],
)
def test_requests_that_do_not_fit_together_are_refused(wrong, message):
    with pytest.raises(RequestError, match=message):
        Request("a red square", **wrong)
