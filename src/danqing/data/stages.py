"""Stages of filters, and what follows from what they measured.

A row's fate is a pure function of its columns and the cuts: it goes through the stages in order,
and the first filter whose cut it does not meet drops it there. Moving a cut therefore needs no
picture.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from danqing.core.config import dump
from danqing.core.errors import RecipeError
from danqing.data.filters.base import Cut, Filter, GroupFilter, filters

if TYPE_CHECKING:
    import pyarrow as pa

AnyFilter = Annotated[Filter | GroupFilter, filters]

MOST_STAGES = 16


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Filters that rows go through in order, at one size of pixels."""

    side: int = 256
    """Pixels of the shorter side that pictures are decoded to."""
    filters: dict[str, AnyFilter] = field(default_factory=dict[str, AnyFilter])
    """Filters by the name they have in reports."""

    def __post_init__(self) -> None:
        if self.side < 32:
            raise RecipeError(f"side must be at least 32 pixels, got {self.side}.")


class Step(NamedTuple):
    """One filter at its place."""

    stage: str
    label: str
    """The filter's name in its stage."""
    filter: Filter | GroupFilter
    side: int

    @property
    def column(self) -> str:
        """The end of its columns' names: what is measured, and how, but not the cut.

        So two steps that measure the same share a column, whatever they keep.
        """
        name = filters.name_of(self.filter)
        parts = [name]
        if "pixels" in self.filter.needs:
            parts.append(str(self.side))
        settings = {key: value for key, value in dump(self.filter).items() if key != "cut"}
        if settings != _defaults(type(self.filter)):
            text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
            parts.append(hashlib.blake2b(text.encode(), digest_size=3).hexdigest())
        return "_".join(parts)


def steps(stages: Mapping[str, Stage]) -> list[Step]:
    """Return all filters of all stages, in their order.

    Raises:
        RecipeError: there are too many stages.
    """
    if len(stages) > MOST_STAGES:
        raise RecipeError(f"there must be at most {MOST_STAGES} stages, got {len(stages)}.")
    return [
        Step(name, label, part, stage.side)
        for name, stage in stages.items()
        for label, part in stage.filters.items()
    ]


def passes(found: list[Step]) -> Iterator[list[Step]]:
    """Yield neighbours that share one decode: of one size, and slow ones apart from quick ones."""
    group: list[Step] = []
    for step in found:
        if group and (step.side, step.filter.slow) != (group[0].side, group[0].filter.slow):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


class Fate:
    """Which rows are still there, and where, why and by which value the others went."""

    def __init__(self, rows: int) -> None:
        self.alive = np.ones(rows, bool)
        self.step = np.full(rows, -1, np.int16)
        """Place of the step that dropped a row; -1: none did."""
        self.value = np.full(rows, np.nan, np.float64)
        self._reasons: dict[int, str] = {}

    def judge(self, place: int, cut: Cut, scores: "pa.ChunkedArray", notes: Any = None) -> None:
        """Drop the rows whose scores a cut does not keep.

        Args:
            place: Which step this is.
            cut: What is kept.
            scores: One number a row; NaN: it cannot be measured; null: nobody looked.
            notes: One sentence a row, or None for all.
        """
        values = np.asarray(scores.to_numpy(zero_copy_only=False), np.float64)
        unmeasured = np.isnan(values)
        kept = np.ones(len(values), bool)
        if cut.low is not None:
            kept &= ~(values < _stored(cut.low))
        if cut.high is not None:
            kept &= ~(values > _stored(cut.high))
        if cut.unmeasured == "drop":
            kept &= ~unmeasured
        gone = np.flatnonzero(self.alive & ~kept)
        self.alive[gone] = False
        self.step[gone] = place
        self.value[gone] = values[gone]
        for row in gone:
            value = None if unmeasured[row] else float(values[row])
            note = notes[int(row)].as_py() if notes is not None else None
            self._reasons[int(row)] = note or cut.reason(value) or ""

    def reason(self, row: int) -> str:
        """Return why a row was dropped."""
        return self._reasons[row]

    def survivors(self, count: int) -> np.ndarray:
        """Return which rows no step before the one at `count` dropped."""
        return (self.step < 0) | (self.step >= count)


def _stored(bound: float) -> np.float64:
    # Scores are stored in single precision; a bound that is not would drop what equals it.
    return np.float64(np.float32(bound))


def _defaults(part: type[Any]) -> dict[str, Any]:
    whole = all(
        f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
        for f in dataclasses.fields(part)
    )
    return {k: v for k, v in dump(part()).items() if k != "cut"} if whole else {}
