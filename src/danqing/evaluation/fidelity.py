"""How near a result is to a published one: whose rules were followed, and who judged."""

import re
from typing import ClassVar, Literal, Protocol, runtime_checkable

from danqing.evaluation.benchmark import Benchmark

Fidelity = Literal["official-judge", "approximate-judge", "adapted"]
"""By the published rules and judge; by these rules and another judge; by mended rules."""


@runtime_checkable
class Published(Protocol):
    """A benchmark whose published scores are of certain judges."""

    judges: ClassVar[tuple[str, ...]]
    """Their names, of which any will do."""


def fidelity(benchmark: Benchmark) -> Fidelity | None:
    """Return what may be said of a benchmark's results; None: it has no published judge.

    A judge is known by its name in `looker`, whoever publishes it; a day behind the name, as
    endpoints have it, makes no other judge, and any other word does.
    """
    if not isinstance(benchmark, Published):
        return None
    if benchmark.mode == "fixed":
        return "adapted"
    names = "|".join(map(re.escape, benchmark.judges))
    named = rf"(?<![\w.-])(?:{names})(?:-\d{{4}}-\d\d-\d\d)?(?![\w.-])"
    known = re.search(named, benchmark.looker, re.IGNORECASE)
    return "official-judge" if known else "approximate-judge"
