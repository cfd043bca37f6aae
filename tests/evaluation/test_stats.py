"""Intervals must cover the truth as often as they promise."""

from math import comb

import numpy as np
import pytest

from danqing.evaluation.stats import Interval, clustered_bootstrap, upper_bound, wilson


def covered(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


@pytest.mark.parametrize("truth", [0.05, 0.5, 0.9])
def test_wilson_covers_the_true_proportion_about_as_often_as_it_says(truth):
    trials = 60
    chance = [comb(trials, k) * truth**k * (1 - truth) ** (trials - k) for k in range(trials + 1)]
    coverage = sum(p for k, p in enumerate(chance) if covered(wilson(k, trials), truth))
    assert 0.93 < coverage < 0.975


def test_wilson_agrees_with_a_value_worked_by_hand():
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


def test_wilson_stays_within_zero_and_one_and_knows_nothing_without_trials():
    assert wilson(0, 20).low == pytest.approx(0, abs=1e-12)
    assert wilson(20, 20).high == pytest.approx(1, abs=1e-12)
    assert wilson(0, 0) == (0, 1)


def test_nothing_in_six_hundred_bounds_the_share_by_the_rule_of_three():
    assert upper_bound(0, 600) == pytest.approx(1 - 0.05 ** (1 / 600), rel=1e-5)
    assert upper_bound(0, 600) < 0.005 < upper_bound(1, 600)
    assert upper_bound(5, 5) == 1


def test_the_upper_bound_leaves_exactly_the_stated_chance_below():
    bound = upper_bound(3, 40)
    tail = sum(comb(40, k) * bound**k * (1 - bound) ** (40 - k) for k in range(4))
    assert tail == pytest.approx(0.05, abs=1e-6)


def pictures(draw: np.random.Generator, correlation: float):
    """Six categories like GenEval's, four pictures a prompt, true share .87."""
    values, prompts, categories = [], [], []
    sizes = [80, 99, 80, 94, 100, 100]
    for category, size in enumerate(sizes):
        for prompt in range(size):
            share = 0.87
            if correlation:
                total = (1 - correlation) / correlation
                share = draw.beta(0.87 * total, 0.13 * total)
            values += [float(v) for v in draw.random(4) < share]
            prompts += [(category, prompt)] * 4
            categories += [category] * 4
    return values, prompts, categories


@pytest.mark.parametrize(("correlation", "half_width"), [(0.0, 0.014), (0.3, 0.019), (0.5, 0.022)])
def test_pictures_that_resemble_each_other_widen_the_interval(correlation, half_width):
    draw = np.random.default_rng(7)
    widths = []
    for seed in range(4):
        interval = clustered_bootstrap(*pictures(draw, correlation), resamples=1_000, seed=seed)
        widths.append((interval.high - interval.low) / 2)
    assert np.mean(widths) == pytest.approx(half_width, abs=0.0012)


def test_the_clustered_bootstrap_covers_the_true_mean_about_as_often_as_it_says():
    draw = np.random.default_rng(1)
    hits = 0
    for seed in range(200):
        shares = draw.beta(3, 2, size=40)
        values = [float(v) for share in shares for v in draw.random(3) < share]
        clusters = [prompt for prompt in range(40) for _ in range(3)]
        hits += covered(clustered_bootstrap(values, clusters, resamples=400, seed=seed), 0.6)
    assert 180 <= hits <= 199


def test_a_macro_average_weighs_categories_and_not_pictures():
    values = [1.0] * 90 + [0.0] * 10
    strata = ["easy"] * 90 + ["hard"] * 10
    assert clustered_bootstrap(values, list(range(100)), strata) == (0.5, 0.5)


def test_no_items_give_no_interval():
    assert clustered_bootstrap([], []) is None


def test_one_seed_gives_one_interval():
    values, clusters = [0.0, 1.0, 1.0, 0.0, 1.0], [0, 0, 1, 1, 2]
    assert clustered_bootstrap(values, clusters, seed=3) == clustered_bootstrap(
        values, clusters, seed=3
    )
