"""What a mask means, and what new pixels leave of old ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.mask import cover, lay_over, parse_mask

sides = st.integers(1, 30)
seeds = st.integers(0, 2**32 - 1)


def greys(values):
    return Image.fromarray(np.array(values, np.uint8))


def random_mask(rng, width, height):
    """A few white pixels, at least one."""
    values = (rng.random((height, width)) < 0.05) * np.uint8(255)
    values[rng.integers(height), rng.integers(width)] = 255
    return Image.fromarray(values)


def far_from(mask, reach):
    """Pixels further than `reach` from all white ones, by the plain definition."""
    rows, columns = np.nonzero(np.asarray(mask))
    down, across = np.indices(mask.size[::-1])
    apart = [
        np.maximum(abs(down - row), abs(across - column))
        for row, column in zip(rows, columns, strict=True)
    ]
    return np.min(apart, axis=0) > reach


@settings(max_examples=60)
@given(width=sides, height=sides, seed=seeds, feather=st.integers(0, 9))
def test_bytes_beyond_the_feather_stay_and_those_of_the_mask_are_new(width, height, seed, feather):
    rng = np.random.default_rng(seed)
    old, new = (
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)) for _ in range(2)
    )
    mask = random_mask(rng, width, height)
    seen = cover(parse_mask(mask, old.size), feather)
    result = np.asarray(lay_over(old, new, seen))
    far, white = far_from(mask, feather), np.asarray(mask) > 0
    assert (result[far] == np.asarray(old)[far]).all()
    assert (result[white] == np.asarray(new)[white]).all()
    assert (seen[0, 0].numpy()[~far] > 0).all()


def test_new_fades_into_old_in_even_steps():
    seen = cover(parse_mask(greys([[255] * 5 + [0] * 9]), (14, 1)), 4)
    np.testing.assert_allclose(seen[0, 0, 0, 4:10], [1, 0.8, 0.6, 0.4, 0.2, 0], atol=1e-12)


@pytest.mark.parametrize(
    "image",
    [
        greys([[0, 255, 128]]),
        greys([[0, 255, 128]]).convert("RGB"),
        greys([[0, 255, 128]]).convert("P"),
        Image.fromarray(np.array([[0, 65535, 128 << 8]], np.uint16)),
        Image.fromarray(np.array([[[0, 255], [9, 0], [128, 255]]], np.uint8), "LA"),
    ],
    ids=["L", "RGB", "P", "16 bit", "alpha"],
)
def test_white_is_painted_whatever_the_kind_of_file(image):
    assert parse_mask(image, (3, 1))[0, 0, 0].tolist() == [0, 1, 128 / 255]


def test_black_and_white_masks_count_as_such():
    assert parse_mask(greys([[0, 255]]).convert("1"), (2, 1))[0, 0, 0].tolist() == [0, 1]


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(RequestError, match=r"size of its picture, 4x2, got 2x1; save it at that"):
        parse_mask(greys([[0, 255]]), (4, 2))


def test_a_mask_that_paints_nothing_is_refused():
    with pytest.raises(RequestError, match="got black everywhere"):
        parse_mask(greys([[0, 0]]), (2, 1))
