"""How sure a score is: intervals for proportions, and for means of grouped items.

Pictures of one prompt resemble each other, so they are resampled together: a bootstrap over
single pictures would call noise a finding.
"""

from collections.abc import Callable, Sequence
from math import lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """The range that holds the true value with the stated confidence."""

    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's interval for a proportion; with no trials, everything is possible.

    Follows E. B. Wilson, "Probable inference" (1927).
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    shrink = 1 + z * z / trials
    return Interval(max(0.0, (centre - spread) / shrink), min(1.0, (centre + spread) / shrink))


def upper_bound(successes: int, trials: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound of a proportion (Clopper and Pearson, 1934).

    None of `n` gives about 3 / n: the rule of three.
    """
    if successes >= trials:
        return 1.0
    low, high = successes / trials, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if _at_most(successes, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def clustered_bootstrap(
    values: Sequence[float],
    clusters: Sequence[object],
    strata: Sequence[object] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval | None:
    """Return the percentile interval of a mean whose items come in clusters.

    Whole clusters are drawn again with replacement, within their stratum. With `strata` the
    mean is the unweighted mean of the strata's means (a macro average over categories). For
    the difference of two models on the same items, pass the differences.

    Args:
        values: One number per item.
        clusters: What each item belongs to, such as its prompt.
        strata: The category of each item; a cluster lies in one stratum.
        confidence: How often the range shall hold the true mean.
        resamples: Draws of the bootstrap.
        seed: Same seed, same interval.

    Returns:
        The interval, or None where there is no item to speak of.
    """
    if not values:
        return None
    strata = strata if strata is not None else [None] * len(values)
    draw = np.random.default_rng(seed)
    groups: dict[object, dict[object, list[float]]] = {}
    for value, cluster, stratum in zip(values, clusters, strata, strict=True):
        groups.setdefault(stratum, {}).setdefault(cluster, []).append(value)
    means = np.zeros(resamples)
    for members in groups.values():
        sums = np.array([sum(items) for items in members.values()])
        sizes = np.array([len(items) for items in members.values()])
        times = draw.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
        means += (times @ sums) / (times @ sizes) / len(groups)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def ratio_bootstrap(
    parts: Sequence[float],
    wholes: Sequence[float],
    clusters: Sequence[object],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval | None:
    """Return the percentile interval of a sum over a sum, such as words read over words asked for.

    Args:
        parts: What was reached by each item.
        wholes: What could be reached.
        clusters: What each item belongs to; whole clusters are drawn again.
        confidence: How often the range shall hold the true ratio.
        resamples: Draws of the bootstrap.
        seed: Same seed, same interval.

    Returns:
        The interval, or None where there is nothing to be reached.
    """
    if not sum(wholes):
        return None
    return totals_bootstrap(
        (parts, wholes),
        clusters,
        lambda tops, bottoms: tops[bottoms > 0] / bottoms[bottoms > 0],
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )


def totals_bootstrap(
    columns: Sequence[Sequence[float]],
    clusters: Sequence[object],
    statistic: Callable[..., np.ndarray],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval | None:
    """Return the percentile interval of what is computed from sums over items.

    Args:
        columns: What is summed, each with one number per item.
        clusters: What each item belongs to; whole clusters are drawn again.
        statistic: Makes numbers of the sums, which it gets as one array of draws a column.
        confidence: How often the range shall hold the true number.
        resamples: Draws of the bootstrap.
        seed: Same seed, same interval.

    Returns:
        The interval, or None where there is no item to speak of.
    """
    if not clusters:
        return None
    names = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    places = np.array([names[cluster] for cluster in clusters])
    draw = np.random.default_rng(seed)
    times = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    # In one product of floats, which is many times faster than one of whole numbers a column.
    totals = times.astype(float) @ np.stack([np.bincount(places, v) for v in columns], axis=1)
    found = statistic(*totals.T)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def _at_most(successes: int, trials: int, share: float) -> float:
    """Return the binomial probability of `successes` or fewer."""
    logs = [
        lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        + k * log(share) + (trials - k) * log1p(-share)
        for k in range(successes + 1)
    ]  # fmt: skip
    return float(np.exp(logs).sum())
