"""Boxes found against boxes that are there, folded over pictures into average precision.

What is compared of one picture is plain data, so that it can be kept and folded again: by label,
how sure each box is, whether it is right from each IoU, and how many are there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from danqing.evaluation.benchmark import Item
from danqing.evaluation.measures.overlap import (
    THRESHOLDS,
    average_precision,
    box_ious,
    matches,
)
from danqing.evaluation.stats import Interval
from danqing.evaluation.table import Row
from danqing.scorers.base import Score

Found = Mapping[str, Any]
"""`label` and `box`, and the `confidence` of a box that was found."""

LABELS: Final = "labels"
"""Where a score's details have what is folded."""

EVERY: Final = slice(None)
LOOSE: Final = slice(0, 1)
"""Which IoUs count: .5 to .95, or .5 alone."""

_RESAMPLES: Final = 300
"""Each puts all boxes of all pictures in order again, so there are fewer than for a mean."""


def compared(
    found: Sequence[Found], there: Sequence[Found], labels: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what is folded of a picture.

    Args:
        found: The boxes found, the surest first.
        there: Those that are there.
        labels: Labels that are asked for, whether or not there is one.
    """
    told: dict[str, Any] = {}
    for label in dict.fromkeys([*labels, *(one["label"] for one in (*there, *found))]):
        mine = [one for one in found if one["label"] == label]
        true = [one["box"] for one in there if one["label"] == label]
        right = matches(box_ious(_array([one["box"] for one in mine]), _array(true)))
        sure = [one["confidence"] for one in mine]
        told[label] = {"sure": sure, "right": right.tolist(), "count": len(true)}
    return {LABELS: told}


def shared(details: Mapping[str, Any]) -> Score:
    """Return the share of boxes, found or there, that are both at an IoU of .5."""
    told = details[LABELS].values()
    both = sum(sum(label["right"][0]) for label in told)
    either = sum(len(label["sure"]) + label["count"] for label in told) - both
    return Score(both / either if either else 1.0, f"{both} of {either} boxes", details)


def labels_of(items: Sequence[Item]) -> list[str]:
    """Return the labels of all pictures."""
    return sorted({label for item in items for label in item.score.details.get(LABELS, ())})


def precision_row(name: str, items: Sequence[Item], labels: Sequence[str], which: slice) -> Row:
    """Return average precision, averaged over labels and IoUs, its interval by prompts."""
    items = [item for item in items if LABELS in item.score.details]
    clusters = list(dict.fromkeys(item.ask.id for item in items))
    once = dict.fromkeys(clusters, 1)
    score = _precision(items, labels, which, once)
    if score is None:
        return Row(name, None)
    draw = np.random.default_rng(0)
    drawn = draw.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), _RESAMPLES)
    found = [
        _precision(items, labels, which, dict(zip(clusters, t, strict=True)))
        for t in drawn.tolist()
    ]
    low, high = np.quantile([f for f in found if f is not None], [0.025, 0.975])
    return Row(name, score, Interval(float(low), float(high)), len(items))


def _precision(
    items: Sequence[Item], labels: Sequence[str], which: slice, times: Mapping[str, int]
) -> float | None:
    """Return the mean of AP over labels and thresholds, each ask counted as often as told."""
    found: list[float] = []
    for label in labels:
        mine = [(item.score.details[LABELS].get(label), times[item.ask.id]) for item in items]
        told = [(one, often) for one, often in mine if one is not None]
        sure = np.array([x for one, _ in told for x in one["sure"]])
        weights = np.repeat([often for _, often in told], [len(one["sure"]) for one, _ in told])
        count = sum(often * one["count"] for one, often in told)
        for k in range(len(THRESHOLDS))[which]:
            right = np.array([x for one, _ in told for x in one["right"][k]], bool)
            precision = average_precision(sure, right, count, weights)
            found += [] if precision is None else [precision]
    return float(np.mean(found)) if found else None


def _array(boxes: Sequence[Any]) -> Float[np.ndarray, "N 4"]:
    return np.array(boxes, np.float64).reshape(-1, 4)
