"""A step whose gradient is out of line is not taken.

Clipping bounds how long a step is and not where it leads, and a wrong one stays in the optimizer's
averages for many more. What is usual is told by the median of the logarithms of recent norms, and
by their median distance from it: a few odd steps move neither.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from danqing.core.config import at_least
from danqing.core.errors import DanqingError

_SPREAD: Final = 1.4826
"""Standard deviations to a median distance from the median, of a Gaussian."""
_LEAST: Final = 0.1
"""The smallest deviation of logarithms; steps that are all alike would else forbid any other."""


@dataclass(slots=True)
class Recent:
    """What a run remembers of its last steps; it is part of the state."""

    norms: list[float] = field(default_factory=list[float])
    """Gradients' norms, those of skipped steps and zeros left out."""
    skipped: int = 0
    """How many steps in a row were skipped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """When a step is out of line."""

    deviations: float = 8.0
    """How many deviations the logarithm of a norm may be above the median."""
    memory: int = 100
    """Steps that tell what is usual; the first so many are all taken."""
    patience: int = 10
    """Steps in a row that are skipped before the run ends."""

    def __post_init__(self) -> None:
        at_least(1, memory=self.memory, patience=self.patience)

    def passes(self, norm: float, recent: Recent) -> bool:
        """Return whether a step should be taken, and remember it.

        Raises:
            DanqingError: too many in a row should not.
        """
        usual = recent.norms
        if len(usual) == self.memory and norm > (limit := self.limit(usual)):
            recent.skipped += 1
            if recent.skipped >= self.patience:
                raise DanqingError(
                    f"gradients must stay below {limit:.3g}, got {norm:.3g} and "
                    f"{recent.skipped} such steps in a row; lower optimizer.lr and resume, or "
                    "raise guard.deviations if the data has changed."
                )
            return False
        recent.skipped = 0
        if norm > 0:
            usual.append(norm)
            del usual[: -self.memory]
        return True

    def limit(self, norms: Sequence[float]) -> float:
        """Return the largest norm that is in line with others, all above 0."""
        logs = [math.log(norm) for norm in norms]
        middle = median(logs)
        spread = max(_LEAST, _SPREAD * median(abs(log - middle) for log in logs))
        return math.exp(middle + self.deviations * spread)
