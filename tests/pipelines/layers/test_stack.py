"""Layers lie on each other as light does: laws of "over", and a correction that is exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.layers.stack import (
    BAND,
    CORRECTION,
    Layer,
    compose,
    correction,
    likeness,
)

SHAPE = (3, 4)
"""Rows and columns; see the last test for more rows than are computed at a time."""
pixels = arrays(np.uint8, (*SHAPE, 4))
stacks = st.lists(pixels, min_size=1, max_size=4)


def layer(array, name="1"):
    return Layer(name, Image.fromarray(np.asarray(array, np.uint8)))


def stack_of(arrays_):
    return [layer(array, str(n + 1)) for n, array in enumerate(arrays_)]


def flat(*value):
    return np.broadcast_to(np.array(value, np.uint8), (*SHAPE, 4))


def bytes_of(image):
    return np.asarray(image)


@given(stacks)
def test_a_stack_is_what_the_closed_form_says(arrays_):
    color, alpha = np.zeros((*SHAPE, 3)), np.zeros((*SHAPE, 1))
    # Seen from the top, each layer shows through all alphas above it.
    for n, array in enumerate(arrays_):
        through = np.ones((*SHAPE, 1))
        for above in arrays_[n + 1 :]:
            through = through * (1 - above[..., 3:] / 255)
        color += through * array[..., 3:] / 255 * array[..., :3]
        alpha += through * array[..., 3:] / 255
    found = bytes_of(compose(stack_of(arrays_))).astype(float)
    assert found[..., 3:] == pytest.approx(alpha * 255, abs=0.5 + 1e-9)
    seen = alpha[..., 0] > 0
    assert found[seen][:, :3] == pytest.approx((color / np.maximum(alpha, 1e-9))[seen], abs=0.501)


@given(pixels)
def test_a_layer_alone_is_itself_where_it_can_be_seen(array):
    found = bytes_of(compose([layer(array)]))
    assert np.array_equal(found[..., 3], array[..., 3])
    seen = array[..., 3] > 0
    assert np.array_equal(found[seen], array[seen])
    assert not found[~seen].any()


@given(stacks, pixels)
def test_an_empty_layer_changes_nothing_and_an_opaque_one_hides_all(arrays_, array):
    below = stack_of(arrays_)
    empty, opaque = array.copy(), array.copy()
    empty[..., 3], opaque[..., 3] = 0, 255
    assert compose([*below, layer(empty)]) == compose(below)
    assert np.array_equal(bytes_of(compose([*below, layer(opaque)])), opaque)


@given(stacks, stacks)
def test_what_lies_on_an_opaque_ground_may_be_laid_together_step_by_step(low, high):
    ground = low[0].copy()
    ground[..., 3] = 255
    whole = compose(stack_of([ground, *low, *high]))
    first = layer(compose(stack_of([ground, *low])))
    steps = bytes_of(compose([first, *stack_of(high)])).astype(int)
    assert np.abs(steps - bytes_of(whole)).max() <= 1


@given(stacks, arrays(np.uint8, (*SHAPE, 3)))
def test_with_its_correction_a_stack_is_the_picture_to_the_byte(arrays_, wanted):
    picture = Image.fromarray(wanted)
    stack = stack_of(arrays_)
    fixed = [*stack, correction(stack, picture)]
    assert fixed[-1].name == CORRECTION
    assert np.array_equal(bytes_of(compose(fixed))[..., :3], wanted)
    assert (bytes_of(compose(fixed))[..., 3] == 255).all()
    assert likeness(fixed, picture) == pytest.approx(80)


@given(pixels)
def test_a_correction_is_empty_where_nothing_is_wrong(array):
    array = array.copy()
    array[..., 3] = 255
    wanted = array[..., :3].copy()
    wanted[0, 0] ^= 255
    fixed = bytes_of(correction([layer(array)], Image.fromarray(wanted)).image)
    assert fixed[0, 0, 3] == 255
    assert fixed[..., 3].astype(int).sum() == 255


def test_likeness_is_the_psnr_of_what_is_seen():
    picture = Image.fromarray(np.full((*SHAPE, 3), 100, np.uint8))
    near = [layer(flat(110, 110, 110, 255))]
    assert likeness(near, picture) == pytest.approx(20 * np.log10(255 / 10), abs=1e-3)
    assert likeness([layer(flat(100, 100, 100, 255))], picture) == pytest.approx(80)


@pytest.mark.parametrize("tone", [0, 255])
def test_a_hole_is_seen_whatever_the_colour_behind_it_would_be(tone):
    picture = Image.fromarray(np.full((*SHAPE, 3), tone, np.uint8))
    assert likeness([layer(flat(tone, tone, tone, 0))], picture) == pytest.approx(0, abs=1e-3)


def test_a_transparent_picture_has_a_likeness_and_no_correction():
    picture = Image.fromarray(flat(10, 20, 30, 128).copy())
    stack = [layer(flat(10, 20, 30, 128))]
    assert likeness(stack, picture) == pytest.approx(80)
    with pytest.raises(RequestError, match="must be of an opaque picture"):
        correction(stack, picture)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: compose([]), "one size"),
        (
            lambda: compose([layer(flat(0, 0, 0, 0)), layer(np.zeros((9, 9, 4)))]),
            r"one size, got \[\(4, 3\), \(9, 9\)\]",
        ),
        (
            lambda: likeness([layer(flat(0, 0, 0, 0))], Image.new("RGB", (5, 5))),
            "picture must be 4x3 as its layers are, got 5x5",
        ),
        (lambda: Layer("1", Image.new("RGB", (2, 2))), "layer 1 must be RGBA, got RGB"),
    ],
)
def test_what_is_no_stack_is_refused_in_one_line(mistake, message):
    with pytest.raises(RequestError, match=message) as error:
        mistake()
    assert "\n" not in str(error.value)


def test_more_rows_than_are_computed_at_a_time_make_one_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 2 * BAND + 3, 5, 4), np.uint8)
    whole = bytes_of(compose(stack_of(pixels)))
    rows = [compose(stack_of(pixels[:, n : n + 1])) for n in range(len(whole))]
    assert np.array_equal(whole, np.concatenate([bytes_of(row) for row in rows]))
