"""Overlaps of small masks and boxes, and average precisions that can be counted."""

import numpy as np
import pytest

from danqing.evaluation.measures.overlap import (
    THRESHOLDS,
    average_precision,
    box_ious,
    mask_iou,
    matches,
)


def boxes(*rows):
    return np.array(rows, float).reshape(-1, 4)


def test_masks():
    found, there = np.zeros((2, 4, 4), bool)
    assert mask_iou(found, there) == 1
    there[:, :2] = True
    assert mask_iou(found, there) == 0
    found[:, 1:3] = True
    assert mask_iou(found, there) == pytest.approx(1 / 3)
    assert mask_iou(there, there) == 1


def test_boxes():
    ious = box_ious(boxes([0, 0, 4, 2], [10, 10, 12, 12]), boxes([2, 0, 6, 2], [0, 0, 4, 2]))
    assert ious == pytest.approx(np.array([[1 / 3, 1], [0, 0]]))
    assert box_ious(boxes([1, 1, 1, 5]), boxes([1, 1, 1, 5])) == 0
    assert box_ious(boxes(), boxes([0, 0, 1, 1])).shape == (0, 1)


def test_a_thing_is_found_once_and_by_the_surest():
    right = matches(np.array([[0.6], [0.9]]), (0.5, 0.75))
    assert right.tolist() == [[True, False], [False, True]]


def test_each_takes_what_it_overlaps_most_of_what_is_free():
    right = matches(np.array([[0.6, 0.9], [0.7, 0.95]]), (0.5,))
    assert right.tolist() == [[True, True]]
    right = matches(np.array([[0.4, 0.9], [0.3, 0.95]]), (0.5,))
    assert right.tolist() == [[True, False]]


def test_an_overlap_of_the_threshold_is_enough():
    assert matches(np.array([[0.5]]), (0.5,)).all()
    assert not matches(np.array([[0.5 - 1e-6]]), (0.5,)).any()
    assert matches(np.zeros((2, 0))).shape == (len(THRESHOLDS), 2)


def test_thresholds_are_cocos():
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [
        ([1, 1], 2, 1),
        ([], 2, 0),
        ([0, 0], 2, 0),
        # Recall 1/2 at precision 1: the recalls 0 ... .50 are 51 of 101.
        ([1], 2, 51 / 101),
        # A wrong one first halves the precision of all that follow.
        ([0, 1], 1, 1 / 2),
        # Two wrong ones last cost nothing.
        ([1, 0, 0], 1, 1),
        # Precision 1 up to recall 1/3 (34 recalls), then 2/3 up to 2/3 (33 recalls).
        ([1, 0, 1], 3, (34 + 33 * 2 / 3) / 101),
        # The envelope: at recall 1/2 the best that is still to come is 2/3.
        ([0, 1, 1], 2, 2 / 3),
    ],
)
def test_average_precision_of_cases_that_can_be_counted(right, count, expected):
    sure = np.linspace(1, 0.5, len(right))
    assert average_precision(sure, np.array(right, bool), count) == pytest.approx(expected)


def test_nothing_to_be_found_has_no_precision():
    assert average_precision(np.ones(1), np.ones(1, bool), 0) is None


def test_weights_are_repetitions():
    draw = np.random.default_rng(0)
    sure, right = draw.random(30), draw.random(30) < 0.6
    times = draw.integers(0, 4, 30)
    count = int((times * right).sum()) + 3
    repeated = average_precision(np.repeat(sure, times), np.repeat(right, times), count)
    assert average_precision(sure, right, count, times) == pytest.approx(repeated)
