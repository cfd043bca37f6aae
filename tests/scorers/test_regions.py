"""Regions against slow and obvious counterparts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from danqing.scorers.regions import components, core, regions


def flooded(labels):
    """Number components by flooding, one pixel at a time."""
    out = np.zeros(labels.shape, dtype=int)
    count = 0
    for start in zip(*np.nonzero(labels), strict=True):
        if out[start]:
            continue
        count += 1
        todo = [start]
        while todo:
            y, x = todo.pop()
            inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
            if inside and not out[y, x] and labels[y, x] == labels[start]:
                out[y, x] = count
                todo += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return out


pictures = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)
)


@given(pictures)
@settings(max_examples=150)
def test_components_are_those_that_flooding_finds(labels):
    ours, theirs = components(labels), flooded(labels)
    pairs = set(zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert np.array_equal(ours == 0, labels == 0)


def test_a_long_spiral_is_one_component():
    labels = np.zeros((41, 41), dtype=np.uint8)
    y, x, step = 20, 20, 2
    labels[y, x] = 1
    for turn in range(19):
        dy, dx = ((0, 1), (1, 0), (0, -1), (-1, 0))[turn % 4]
        for _ in range(step):
            y, x = y + dy, x + dx
            labels[y, x] = 1
        step += 2 * (turn % 2)
    assert components(labels).max() == 1


@given(pictures)
@settings(max_examples=60)
def test_a_core_pixel_has_a_neighbourhood_of_its_own_label(labels):
    kept = core(labels, 1)
    for y, x in np.ndindex(labels.shape):
        around = labels[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        assert kept[y, x] == (labels[y, x] if (around == labels[y, x]).all() else 0)


def disc(radius, side=64):
    y, x = np.mgrid[:side, :side] - side / 2
    return x**2 + y**2 < radius**2


def test_a_smooth_edge_belongs_to_the_region_it_surrounds():
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[disc(20)] = 2  # the mixed colours of an edge look like another palette colour
    labels[disc(18)] = 1
    (mask,) = regions(labels, reach=1, smallest=10.0)
    assert np.array_equal(mask, disc(20))


def test_things_of_two_colours_that_touch_are_two_regions():
    labels = np.ones((20, 20), dtype=np.uint8)
    labels[:, 12:] = 2
    left, right = regions(labels, reach=1, smallest=10.0)
    assert (left.sum(), right.sum()) == (240, 160)


@pytest.mark.parametrize(("smallest", "count"), [(5.0, 2), (50.0, 1), (5000.0, 0)])
def test_regions_below_the_smallest_area_are_dropped(smallest, count):
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[4:34, 4:34], labels[50:56, 50:56] = 1, 1
    assert len(regions(labels, reach=1, smallest=smallest)) == count


def test_noise_makes_neither_an_error_nor_a_region():
    labels = np.random.default_rng(0).integers(0, 11, (96, 96), dtype=np.uint8)
    assert regions(labels, reach=1, smallest=30.0) == []
