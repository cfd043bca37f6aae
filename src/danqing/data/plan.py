"""What filtering very many pairs would take, from what a run of a few thousand took.

Every filter costs so much a row and sees the rows that came that far, so the sum over filters of
rows times cost is the work; what it takes to fetch rows, to read them and to compare sketches is
counted alike. Costs and shares are those of the run, so comparing costs a row what it does in a
corpus of the run's size; in larger ones it grows slowly with their rows. What one machine cannot
measure is an assumption that is printed as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from danqing.core.errors import RecipeError
from danqing.data.filters.networks import Networked
from danqing.data.run import COMPARING, FETCHING, READING
from danqing.data.stages import Stage, Step, passes, steps

SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What one filter, or what has to be done for it, would take."""

    stage: str
    label: str
    """The filter's name, or what is done: fetching, reading, comparing."""
    rows: float
    """Rows that it sees."""
    seconds: float
    """Of one core, for a row."""
    network: bool
    """Whether it asks a network, and therefore belongs on a GPU."""

    @property
    def core_hours(self) -> float:
        """Hours of one core."""
        return self.rows * self.seconds / SECONDS_AN_HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What all filters would take, and the room for what they read and write."""

    lines: Sequence[Line]
    pairs: float
    kept: float
    picture_bytes: float
    """Of the pictures that go in."""
    column_bytes: float
    """Of the numbers, notes and sketches beside them."""
    latent_bytes: float
    """Of the latents of the pairs that are kept, in bfloat16, at the last stage's size."""

    @property
    def core_hours(self) -> float:
        """Hours of one core, networks left out."""
        return sum(line.core_hours for line in self.lines if not line.network)

    def gpu_hours(self, speedup: float) -> float:
        """Hours of one GPU that is so many times as quick as a core at networks."""
        return sum(line.core_hours for line in self.lines if line.network) / speedup


def plan(
    manifest: Mapping[str, Any], stages: Mapping[str, Stage], pairs: float, sizes: Mapping[str, int]
) -> Plan:
    """Return what a recipe would take for so many pairs.

    Args:
        manifest: Of a run of this recipe.
        stages: The recipe's stages.
        pairs: How many pairs there would be.
        sizes: Bytes of the run's pictures (`pictures`) and of everything beside (`columns`).

    Raises:
        RecipeError: the run did not measure a filter of the recipe.
    """
    rows = manifest["rows"]
    costs: Mapping[str, Any] = manifest["measured"]
    found = steps(stages)
    left, lines = float(rows), _around("", "fetching", costs.get(FETCHING), pairs)
    for group in passes(found):
        seen = left / rows * pairs
        first = group[0]
        lines += _around(first.stage, "reading", costs.get(READING + first.column), seen)
        for step in group:
            lines.append(_line(step, costs.get(step.column), seen))
            compared = costs.get(COMPARING + step.column)
            lines += _around(step.stage, "comparing", compared, left / rows * pairs)
            left -= manifest["dropped"].get(step.stage, {}).get(step.label, 0)
    kept = pairs * left / rows
    side = found[-1].side if found else 256
    return Plan(
        lines=lines,
        pairs=pairs,
        kept=kept,
        picture_bytes=sizes["pictures"] / rows * pairs,
        column_bytes=sizes["columns"] / rows * pairs,
        # 16 channels of 2 bytes for 8x8 pixels, of pictures that are 4:3 on average.
        latent_bytes=kept * side * side * 4 / 3 / 64 * 16 * 2,
    )


def _around(stage: str, label: str, cost: Mapping[str, Any] | None, rows: float) -> list[Line]:
    """Return a line for what is no filter, or none if the run did not do it."""
    if not cost or not cost["rows"]:
        return []
    seconds = cost["seconds"] / cost["rows"]
    return [Line(stage=stage, label=label, rows=rows, seconds=seconds, network=False)]


def _line(step: Step, cost: Mapping[str, Any] | None, rows: float) -> Line:
    if not cost or not cost["rows"]:
        raise RecipeError(
            f"the run must have measured {step.stage}.{step.label}, got no cost; run the recipe "
            "on a sample first: danqing filter run."
        )
    return Line(
        stage=step.stage,
        label=step.label,
        rows=rows,
        seconds=cost["seconds"] / cost["rows"],
        network=isinstance(step.filter, Networked),
    )
