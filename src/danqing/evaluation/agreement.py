"""Whether two judges agree, and what a judge whose errors are known really saw.

Items on which one judge has no opinion are left out by the caller: no score is not a zero score.
For judges that give numbers, see `correlation`.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from danqing.evaluation.stats import Interval


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return how far two judges agree on the labels of items beyond chance; 1: always.

    Returns None where chance alone would agree always, as when both know one label only. Follows
    J. Cohen, "A coefficient of agreement for nominal scales" (1960).
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        return None
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    mine, theirs = Counter(first), Counter(second)
    chance = sum(mine[label] * theirs[label] for label in mine) / len(pairs) ** 2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


class Corrected(NamedTuple):
    """A share as a faultless judge would have seen it."""

    share: float
    interval: Interval


def rogan_gladen(
    accepted: int,
    count: int,
    true_accepts: int,
    right: int,
    true_refusals: int,
    wrong: int,
    confidence: float = 0.95,
) -> Corrected | None:
    """Return the share of right pictures behind the share that an erring judge accepted.

    The interval is the delta method's and knows that the judge's errors were measured, too. Both
    are cut to [0, 1]. Follows W. J. Rogan and B. Gladen, "Estimating prevalence from the results
    of a screening test" (1978).

    Args:
        accepted: Pictures that the judge accepted.
        count: Pictures it saw.
        true_accepts: Of pictures known to be right, those it accepted ...
        right: ... and how many there were.
        true_refusals: Of pictures known to be wrong, those it refused ...
        wrong: ... and how many there were.
        confidence: How often the interval shall hold the true share.

    Returns:
        The share, or None where there is no count, or where sensitivity and specificity add up to
        1.5 or less: such a judge is too near to a coin for its errors to be taken out.
    """
    if not (count and right and wrong):
        return None
    seen, sensitivity, specificity = accepted / count, true_accepts / right, true_refusals / wrong
    skill = sensitivity + specificity - 1
    if skill <= 0.5:
        return None
    share = (seen + specificity - 1) / skill
    parts = (
        (seen, count, 1.0),
        (sensitivity, right, share),
        (specificity, wrong, 1 - share),
    )
    error = sqrt(sum(p * (1 - p) / n * slope**2 for p, n, slope in parts)) / skill
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    low, middle, high = (min(1.0, max(0.0, x)) for x in (share - reach, share, share + reach))
    return Corrected(middle, Interval(low, high))
