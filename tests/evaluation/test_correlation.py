"""Correlations against their definitions, pair by pair."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from danqing.evaluation.correlation import correlation


def together(x, y):
    return correlation(list(map(float, x)), list(map(float, y)))


def tau_b(x, y):
    pairs = list(combinations(range(len(x)), 2))
    signs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in pairs]
    scale = sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))
    return sum(a * b for a, b in signs) / scale


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("count", [3, 64, 65, 150])
def test_kendall_counts_pairs(levels, count):
    draw = np.random.default_rng(count)
    x = draw.integers(0, levels, count).astype(float)
    x[:2] = 0, 1
    y = np.round(x + draw.normal(0, levels / 2, count))
    y[:2] = 0, 1
    assert together(x, y).krcc == pytest.approx(tau_b(x, y))


def test_a_case_worked_by_hand():
    found = together([1, 2, 3, 4, 5], [2, 1, 4, 3, 50])
    assert found.krcc == pytest.approx((8 - 2) / 10)
    assert found.srcc == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert found.plcc == pytest.approx(98 / sqrt(10 * 1810))
    assert found.count == 5


def test_equal_numbers_share_their_mean_rank():
    # Ranks 1.5, 1.5, 3 against 1, 2, 3.
    assert together([7, 7, 9], [1, 2, 3]).srcc == pytest.approx(1.5 / sqrt(1.5 * 2))


def test_only_the_order_matters_to_ranks_and_the_line_to_values():
    x = np.random.default_rng(0).random(100)
    bent = together(x, np.exp(5 * x))
    assert bent.srcc == pytest.approx(1)
    assert bent.krcc == pytest.approx(1)
    assert bent.plcc < 0.95
    assert together(x, 3 - 2 * x)[:3] == pytest.approx((-1, -1, -1))


def test_who_says_one_number_says_nothing():
    assert together([1, 1, 1], [1, 2, 3])[:3] == (None, None, None)
    assert together([], []) == (None, None, None, 0)
