"""Scores of categories and of all, each with an interval that knows what belongs together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.evaluation.stats import (
    Interval,
    clustered_bootstrap,
    ratio_bootstrap,
    totals_bootstrap,
)

if TYPE_CHECKING:
    from danqing.evaluation.benchmark import Item


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    name: str
    score: float | None
    """None: nothing was scored."""
    interval: Interval | None = None
    """Where the true score lies with 95 % confidence, prompts drawn anew."""
    count: int = 0
    """Pictures behind it."""
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Other figures: numbers, or intervals."""


@dataclass(frozen=True, slots=True)
class Table:
    """All lines; the headline is the figure that papers quote."""

    rows: Sequence[Row]
    headline: str
    """The name of a row."""
    unit: str = "share"
    """What scores are: a `share` from 0 to 1, `percent`, or `points` of some scale."""

    def row(self, name: str) -> Row:
        """Return a line by its name."""
        return next(row for row in self.rows if row.name == name)

    @property
    def record(self) -> dict[str, Any]:
        """The table as plain data."""
        return asdict(self)


Value = Callable[["Item"], float | None]
"""What of an item is averaged; None leaves it out."""


def score_of(item: "Item") -> float | None:
    """Return the item's score."""
    return item.score.value


def detail(key: str) -> Value:
    """Return what looks a figure up in the details of an item's score."""
    return lambda item: item.score.details.get(key)


def average(
    name: str,
    items: Iterable["Item"],
    value: Value = score_of,
    more: Mapping[str, Any] | None = None,
) -> Row:
    """Return the mean of items, its interval by prompts."""
    pairs = [(found, item.ask.id) for item in items if (found := value(item)) is not None]
    values, clusters = [found for found, _ in pairs], [cluster for _, cluster in pairs]
    mean = float(np.mean(values)) if values else None
    return Row(name, mean, clustered_bootstrap(values, clusters), len(values), more or {})


def by_prompt(name: str, items: Iterable["Item"], value: Value = score_of) -> Row:
    """Return the mean over prompts of the means of their pictures, its interval by prompts.

    It differs from `average` where a prompt has fewer pictures than others.
    """
    found: dict[str, list[float]] = {}
    for item in items:
        if (one := value(item)) is not None:
            found.setdefault(item.ask.id, []).append(one)
    means = [float(np.mean(some)) for some in found.values()]
    interval = clustered_bootstrap(means, list(found))
    mean = float(np.mean(means)) if means else None
    return Row(name, mean, interval, sum(map(len, found.values())))


def macro(
    name: str,
    items: Sequence["Item"],
    value: Value = score_of,
    group: Callable[["Item"], str] = lambda item: item.ask.category,
) -> Row:
    """Return the unweighted mean of the means of categories, its interval by prompts."""
    found = [(v, item.ask.id, group(item)) for item in items if (v := value(item)) is not None]
    if not found:
        return Row(name, None)
    values, clusters, strata = (list(column) for column in zip(*found, strict=True))
    means = [
        np.mean([v for v, s in zip(values, strata, strict=True) if s == stratum])
        for stratum in dict.fromkeys(strata)
    ]
    interval = clustered_bootstrap(values, clusters, strata)
    return Row(name, float(np.mean(means)), interval, len(values))


def micro(
    name: str,
    items: Sequence["Item"],
    part: Value,
    whole: Value,
    more: Mapping[str, Any] | None = None,
) -> Row:
    """Return the sum of parts over the sum of wholes, its interval by prompts."""
    found = [
        (float(p), float(w), item.ask.id)
        for item in items
        if (p := part(item)) is not None and (w := whole(item)) is not None
    ]
    total = sum(w for _, w, _ in found)
    if not total:
        return Row(name, None)
    parts, wholes, clusters = (list(column) for column in zip(*found, strict=True))
    interval = ratio_bootstrap(parts, wholes, clusters)
    return Row(name, sum(parts) / total, interval, len(found), more or {})


def pooled(
    name: str,
    items: Sequence["Item"],
    columns: Sequence[Value],
    statistic: Callable[..., Any],
    more: Mapping[str, Any] | None = None,
) -> Row:
    """Return what is computed from sums over items, its interval by prompts.

    Args:
        name: The row's name.
        items: All of them; one that lacks a number is left out.
        columns: What is summed.
        statistic: Makes the score of the sums; numbers or arrays of draws, one a column.
        more: Other figures.
    """
    found = [
        ([float(v) for v in values if v is not None], item.ask.id)
        for item in items
        if None not in (values := [column(item) for column in columns])
    ]
    if not found:
        return Row(name, None)
    rows, clusters = zip(*found, strict=True)
    sums = list(zip(*rows, strict=True))
    score = float(statistic(*map(sum, sums)))
    return Row(name, score, totals_bootstrap(sums, clusters, statistic), len(found), more or {})


def categories(items: Sequence["Item"], make: Callable[[str, Sequence["Item"]], Row]) -> list[Row]:
    """Return a row for each category, in the order in which they occur."""
    return [
        make(name, [item for item in items if item.ask.category == name])
        for name in dict.fromkeys(item.ask.category for item in items)
    ]
