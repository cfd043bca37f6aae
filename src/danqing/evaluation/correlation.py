"""How far two lists of numbers go together: of values (PLCC), of ranks (SRCC), of pairs (KRCC)."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Correlation(NamedTuple):
    """From -1 to 1; None where one list says one number, or nothing."""

    srcc: float | None
    """Spearman's: of ranks, equal numbers sharing their mean rank."""
    plcc: float | None
    """Pearson's: of the numbers themselves, with no curve fitted before."""
    krcc: float | None
    """Kendall's tau-b: of the order of pairs."""
    count: int


def correlation(first: Sequence[float], second: Sequence[float]) -> Correlation:
    """Return how far two lists of one length go together, in time n log n."""
    return Correlation(
        spearman(first, second),
        pearson(first, second),
        kendall_tau_b(first, second),
        len(first),
    )


def pearson(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the linear correlation; None where a list says one number, or nothing."""
    if not len(first):
        return None
    x, y = (values - values.mean() for values in _vectors(first, second))
    scale = sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale else None


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the correlation of ranks; equal values share their mean rank."""
    x, y = _vectors(first, second)
    return pearson(_ranks(x), _ranks(y))


def kendall_tau_b(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return how far items stand in the same order; ties count for neither side.

    Follows M. G. Kendall, "The treatment of ties in ranking problems" (1945), counted as in
    W. R. Knight, "A computer method for calculating Kendall's tau" (1966).
    """
    x, y = _vectors(first, second)
    pairs = len(x) * (len(x) - 1) // 2
    same_x, same_y, same = _ties(x[:, None]), _ties(y[:, None]), _ties(np.stack([x, y], axis=1))
    crossed = _inversions(np.unique(y, return_inverse=True)[1][np.lexsort((y, x))])
    scale = sqrt((pairs - same_x) * (pairs - same_y))
    return (pairs - same_x - same_y + same - 2 * crossed) / scale if scale else None


def _vectors(
    first: Sequence[float], second: Sequence[float]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    assert len(first) == len(second)
    return np.asarray(first, float), np.asarray(second, float)


def _ranks(values: Float[np.ndarray, " N"]) -> list[float]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places].tolist()


def _ties(rows: Float[np.ndarray, "N K"]) -> int:
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: Int[np.ndarray, " N"]) -> int:
    """Return how many pairs stand in falling order."""
    if len(values) <= 64:
        return int(np.triu(values[:, None] > values[None]).sum())
    left, right = np.array_split(values, 2)
    across = len(left) * len(right) - np.searchsorted(np.sort(left), right, "right").sum()
    return int(across) + _inversions(left) + _inversions(right)
