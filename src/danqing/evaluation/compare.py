"""Two models on the same prompts: is one better, among many questions, and could we have seen it?

What was painted from one prompt goes together here too; see `stats`.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist, fmean
from typing import Any, NamedTuple

import numpy as np

from danqing.core.errors import RecipeError
from danqing.evaluation.stats import Interval, clustered_bootstrap


class Comparison(NamedTuple):
    """How much better the first of two models is than the second."""

    difference: float
    interval: Interval
    p: float
    """Chance of a difference this large, either way, if the two models were alike."""
    clusters: int
    """Prompts, or what else was drawn again; the test knows no other size of sample."""


def paired(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[object],
    strata: Sequence[object] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison | None:
    """Compare two models item by item.

    The interval is `clustered_bootstrap`'s of the differences. The test flips the signs of whole
    clusters: if the models were alike, who is called first would not matter.

    Args:
        first: Scores of one model.
        second: Scores of the other for the same items.
        clusters: What each item belongs to, such as its prompt.
        strata: The category of each item; with it, means are macro averages.
        confidence: How often the interval shall hold the true difference.
        resamples: Draws of the bootstrap, and of the test.
        seed: Same seed, same answer.

    Returns:
        The comparison, or None where there is no item to speak of.
    """
    gaps = [a - b for a, b in zip(first, second, strict=True)]
    interval = clustered_bootstrap(
        gaps, clusters, strata, confidence=confidence, resamples=resamples, seed=seed
    )
    if interval is None:
        return None
    kinds = strata if strata is not None else [None] * len(gaps)
    sizes: dict[object, int] = {}
    for kind in kinds:
        sizes[kind] = sizes.get(kind, 0) + 1
    shares: dict[tuple[object, object], float] = {}
    for gap, cluster, kind in zip(gaps, clusters, kinds, strict=True):
        share = gap / (sizes[kind] * len(sizes))
        shares[kind, cluster] = shares.get((kind, cluster), 0.0) + share
    parts = np.array(list(shares.values()))
    difference = float(parts.sum())
    signs = np.random.default_rng(seed).integers(0, 2, (resamples, len(parts))) * 2 - 1
    # A hair of slack: sums of the same parts in another order differ in the last bit.
    as_large = int((np.abs(signs @ parts) >= abs(difference) - 1e-12).sum())
    return Comparison(difference, interval, (1 + as_large) / (1 + resamples), len(parts))


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted for having asked many questions, in the order given.

    What is then below 0.05 is a finding, and the chance that any finding is false is at most 0.05.
    Follows S. Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    adjusted = [0.0] * len(chances)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(chances)), key=lambda i: chances[i])):
        largest = max(largest, min(1.0, (len(chances) - place) * chances[index]))
        adjusted[index] = largest
    return adjusted


class Difference(NamedTuple):
    """How a category fared from one run to another."""

    name: str
    before: float
    after: float
    comparison: Comparison
    chance: float | None
    """p after Holm among the categories; None for the average over them."""


def differences(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """Compare two runs of one benchmark by category, and on the macro average of them all.

    Pictures that either run lacks, or that nobody could judge, are left out of both.

    Args:
        before: The items of a run, as in `items.jsonl`.
        after: Those of another.
    """
    old, new = ({(i["id"], i["seed"]): i for i in items} for items in (before, after))
    shared = [
        (old[key], new[key])
        for key in old
        if key in new and None not in (old[key]["value"], new[key]["value"])
    ]
    kinds = dict.fromkeys(one["category"] for one, _ in shared)
    told = {
        kind: _compared([pair for pair in shared if pair[0]["category"] == kind]) for kind in kinds
    }
    chances = holm([comparison.p for *_, comparison in told.values()])
    found = [
        Difference(kind, *parts, chance)
        for (kind, parts), chance in zip(told.items(), chances, strict=True)
    ]
    if len(found) > 1:
        found.append(Difference("macro average of all", *_compared(shared), None))
    return found


def _compared(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> tuple[float, float, Comparison]:
    kinds = [one["category"] for one, _ in pairs]
    sides = [[float(pair[side]["value"]) for pair in pairs] for side in (0, 1)]
    comparison = paired(sides[1], sides[0], [one["id"] for one, _ in pairs], kinds)
    assert comparison is not None, "there are pairs"
    means = [
        fmean(fmean(v for v, k in zip(side, kinds, strict=True) if k == kind) for kind in {*kinds})
        for side in sides
    ]
    return means[0], means[1], comparison


def smallest_difference(
    prompts: int,
    pictures: int,
    *,
    share: float = 0.5,
    within: float = 0.3,
    shared: float = 0.0,
    power: float = 0.8,
    confidence: float = 0.95,
) -> float:
    """Return the smallest true difference of two models that a run would probably detect.

    To be asked before a run: what is smaller than this will mostly be missed, and what is found
    although it is smaller is mostly luck.

    Args:
        prompts: Prompts that both models paint.
        pictures: Pictures of each prompt and model.
        share: The share of right pictures that is expected; 0.5 is the hardest case.
        within: Correlation of a model's pictures of one prompt.
        shared: Correlation of the two models' chances over prompts: what is hard for one is hard
            for the other. 0 is the careful guess.
        power: How often the difference shall be detected.
        confidence: How often no difference shall be found where there is none.

    Raises:
        RecipeError: There is no prompt, or no picture of a prompt.
    """
    for name, value in (("prompts", prompts), ("pictures", pictures)):
        if value < 1:
            raise RecipeError(f"{name} must be at least 1, got {value}; raise it.")
    spread = within * (1 - shared) + (1 - within) / pictures
    error = sqrt(2 * share * (1 - share) * spread / prompts)
    normal = NormalDist()
    return (normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)) * error
