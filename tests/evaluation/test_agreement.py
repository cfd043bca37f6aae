"""Values worked by hand, symmetries, coverage; and scipy's word where it is installed."""

import numpy as np
import pytest

from danqing.evaluation.agreement import cohen_kappa, rogan_gladen
from danqing.evaluation.correlation import kendall_tau_b, pearson, spearman

X = [1.0, 2.0, 2.0, 3.0, 5.0, 4.0]
Y = [1.0, 3.0, 2.0, 2.0, 6.0, 6.0]


def test_kappa_agrees_with_a_value_worked_by_hand():
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_kappa_is_one_for_twins_and_nothing_where_there_is_no_choice():
    assert cohen_kappa("abba", "abba") == 1
    assert cohen_kappa("aaaa", "aaaa") is None
    assert cohen_kappa([], []) is None


def test_orders_agree_with_values_worked_by_hand():
    # Of 15 pairs one judge ties 1 and the other 2; of the 12 left, 11 are the same way round.
    concordant, discordant = 11, 1
    assert kendall_tau_b(X, Y) == pytest.approx((concordant - discordant) / (14 * 13) ** 0.5)
    # Ranks 1 2.5 2.5 4 6 5 and 1 4 2.5 2.5 5.5 5.5.
    ranks = [1, 2.5, 2.5, 4, 6, 5], [1, 4, 2.5, 2.5, 5.5, 5.5]
    assert spearman(X, Y) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert pearson(X, Y) == pytest.approx(np.corrcoef(X, Y)[0, 1])


@pytest.mark.parametrize("measure", [kendall_tau_b, spearman, pearson])
def test_orders_are_one_for_twins_minus_one_for_opposites_and_symmetric(measure):
    assert measure(X, X) == pytest.approx(1)
    assert measure(X, [-x for x in X]) == pytest.approx(-1)
    assert measure(X, Y) == pytest.approx(measure(Y, X))
    assert measure(X, [7.0] * 6) is None
    assert measure([], []) is None


@pytest.mark.parametrize("measure", [kendall_tau_b, spearman])
def test_only_the_order_matters_to_ranks(measure):
    assert measure(X, Y) == pytest.approx(measure([x**3 for x in X], [3 * y - 1 for y in Y]))


def test_scipy_says_the_same():
    scipy = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 6, (2, 40)).astype(float).tolist()
    assert kendall_tau_b(x, y) == pytest.approx(scipy.kendalltau(x, y).statistic)
    assert spearman(x, y) == pytest.approx(scipy.spearmanr(x, y).statistic)


def test_a_faultless_judge_needs_no_correction():
    told = rogan_gladen(30, 100, 200, 200, 200, 200)
    assert told.share == pytest.approx(0.3)
    assert told.interval == pytest.approx((0.3 - 0.0898, 0.3 + 0.0898), abs=1e-4)


def test_a_correction_agrees_with_a_value_worked_by_hand():
    # (0.4 + 0.95 - 1) / (0.9 + 0.95 - 1)
    assert rogan_gladen(40, 100, 90, 100, 95, 100).share == pytest.approx(0.411765, abs=1e-6)


def test_a_judge_like_a_coin_is_not_corrected():
    assert rogan_gladen(40, 100, 75, 100, 75, 100) is None
    assert rogan_gladen(0, 0, 90, 100, 95, 100) is None


def test_a_corrected_interval_covers_the_true_share_about_as_often_as_it_says():
    draw, truth, sensitivity, specificity = np.random.default_rng(0), 0.6, 0.92, 0.85
    hits = 0
    for _ in range(1_000):
        seen = truth * sensitivity + (1 - truth) * (1 - specificity)
        accepted, right, wrong = draw.binomial([300, 200, 200], [seen, sensitivity, specificity])
        low, high = rogan_gladen(int(accepted), 300, int(right), 200, int(wrong), 200).interval
        hits += low <= truth <= high
    assert 920 <= hits <= 975
