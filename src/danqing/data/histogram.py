"""How scores are spread, and where a cut could lie: what the report does at both tails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from danqing.data.corpus import Corpus
from danqing.data.filters.base import Cut, Filter
from danqing.data.stages import Stage, Step, steps

BINS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """What is known of one filter's scores."""

    counts: Sequence[int]
    edges: Sequence[float]
    """One more than there are counts; the outermost hold what lies beyond the plot, too."""
    measured: int
    """Rows that have a score."""
    unmeasured: int
    """Rows that were looked at and have none."""
    quantiles: dict[str, float]
    """Scores at some shares of the rows."""


def spread(scores: Float32[np.ndarray, " N"]) -> Spread | None:
    """Return how scores are spread, or None if there is none; NaN counts as unmeasured.

    The plot leaves out the farthest half percent at each end where that makes it ten times
    narrower, for one row's absurd score would flatten everything else.
    """
    values = scores[~np.isnan(scores)].astype(np.float64)
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    inner = np.quantile(values, [0.005, 0.995])
    if inner[1] > inner[0] and high - low > 10 * (inner[1] - inner[0]):
        low, high = float(inner[0]), float(inner[1])
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(values, low, high), BINS, (low, high))
    shares = (0.005, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.995)
    return Spread(
        counts=counts.tolist(),
        edges=edges.tolist(),
        measured=len(values),
        unmeasured=int(np.isnan(scores).sum()),
        quantiles={f"{share:.1%}": float(np.quantile(values, share)) for share in shares},
    )


def proposals(corpus: Corpus, stages: Mapping[str, Stage], tail: float) -> list[tuple[Step, Cut]]:
    """Return proposed cuts for every filter of a corpus that was measured."""
    found: list[tuple[Step, Cut]] = []
    for step in steps(stages):
        if isinstance(step.filter, Filter):
            scores = corpus.scores(step.column)
            found.append((step, propose(scores, step.filter.cut, tail)))
    return found


def propose(scores: Float32[np.ndarray, " N"], cut: Cut, tail: float) -> Cut:
    """Return a cut that drops a share of the rows at each end where a cut has a bound.

    A bound at which very many rows lie, such as 0 of a count, is kept as it is: no share of such
    rows is worse than the others.

    Args:
        scores: One number a row; NaN is left out.
        cut: Says which ends are cut at all.
        tail: The share at each end, from 0 to 0.5.
    """
    values = scores[~np.isnan(scores)].astype(np.float64)
    if not len(values):
        return cut
    bounds: dict[str, float | None] = {"low": cut.low, "high": cut.high}
    for end, share in (("low", tail), ("high", 1 - tail)):
        if bounds[end] is None:
            continue
        bound = float(np.quantile(values, share))
        beyond = (values < bound) if end == "low" else (values > bound)
        bounds[end] = bound if beyond.mean() <= 2 * tail and beyond.any() else bounds[end]
    low, high = bounds["low"], bounds["high"]
    if low is not None and high is not None and low > high:
        return cut
    return Cut(low=low, high=high, unmeasured=cut.unmeasured)
