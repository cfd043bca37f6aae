"""Depth is judged up to scale and shift, and by nothing else."""

import numpy as np
import pytest

from danqing.evaluation.measures.depth import aligned, aligned_as_disparity, depth_error


@pytest.fixture
def truth():
    return np.random.default_rng(0).uniform(1, 9, (12, 16))


@pytest.fixture
def valid():
    return np.random.default_rng(1).random((12, 16)) < 0.7


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.1, 3), (-2, 50)])
def test_scale_and_shift_do_not_matter(truth, valid, scale, shift):
    shown = scale * truth + shift
    shown[~valid] = 1e6
    error = depth_error(aligned(shown, truth, valid), truth, valid)
    assert error.abs_rel == pytest.approx(0, abs=1e-9)
    assert error.delta1 == 1


def test_the_fit_is_the_best_of_all(truth, valid):
    shown = truth + np.random.default_rng(2).standard_normal(truth.shape)
    fitted = aligned(shown, truth, valid)

    def squares(x):
        return ((x - truth)[valid] ** 2).sum()

    least = squares(fitted)
    for scale, shift in [(1.01, 0), (0.99, 0), (1, 0.05), (1, -0.05)]:
        assert squares(fitted * scale + shift) > least


def test_inverse_depth_is_fitted_where_disparity_is_shown(truth, valid):
    shown = 3 / truth + 0.2
    exact = depth_error(aligned_as_disparity(shown, truth, valid), truth, valid)
    assert exact.abs_rel == pytest.approx(0, abs=1e-9)
    assert depth_error(aligned(shown, truth, valid), truth, valid).abs_rel > 0.05


def test_a_disparity_of_nothing_is_no_part_of_the_fit_but_of_the_error(truth):
    truth[0, 0] = 2000.0
    shown = 1 / truth
    shown[0, 0] = 0
    everywhere = np.ones_like(truth, dtype=bool)
    depth = aligned_as_disparity(shown, truth, everywhere)
    assert depth[0, 0] == pytest.approx(1000)
    assert depth_error(depth, truth, everywhere).abs_rel == pytest.approx(0.5 / truth.size)


def test_figures_of_a_case_worked_by_hand():
    truth = np.array([[1.0, 2.0, 4.0, 8.0]])
    told = np.array([[1.2, 1.0, 5.0, 20.0]])
    error = depth_error(told, truth, np.array([[True] * 4]), 0.5, 10.0)
    assert error.abs_rel == pytest.approx((0.2 + 0.5 + 0.25 + 0.25) / 4)
    # A ratio of exactly 1.25 is too far: the rule says less.
    assert error.delta1 == 0.25


def test_a_flat_picture_fits_the_mean(truth, valid):
    fitted = aligned(np.full_like(truth, 7.0), truth, valid)
    assert fitted == pytest.approx(truth[valid].mean())
