"""Batches of several sources in turn, in shares that change as a run goes on.

That is how a curriculum is told: which sizes, which texts, which cuts of quality and how much of
what is synthetic are settings of its parts, and a stage says how often each of them comes. Whose
turn a step is follows from the weights alone: it is that of the part which is furthest behind its
share in the stage. A part is asked for its batches one after the other, whichever stage it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from danqing.core.errors import RecipeError, unknown
from danqing.core.log import logger
from danqing.core.seed import derive
from danqing.training.sources.base import Batches, BatchSource, OnPolicy, Passing, sources

log = logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Shares of parts, up to a step."""

    weights: dict[str, float]
    """How often batches of each part come; those not named do not."""
    until: int | None = None
    """Steps of the run after which the next stage begins; none: the last stage."""


@sources.register("mixture")
@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Batches of other sources, each as often as the stage of a step says."""

    parts: dict[str, Annotated[BatchSource | OnPolicy, sources]]
    """The sources, each by a name of its own; they must give what the objective takes."""
    stages: tuple[Stage, ...]
    """What comes how often, and until when."""

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            if isinstance(part, OnPolicy):
                raise RecipeError(
                    "parts must not depend on what is learned, got "
                    f"{sources.name_of(part)} as {name}; take it out."
                )
        ends = [stage.until for stage in self.stages]
        known = [end for end in ends if end is not None]
        if ends != [*known, None] or known != sorted({0, *known})[1:]:
            raise RecipeError(
                f"until must rise from stage to stage and be none in the last, got {ends}; "
                "change them."
            )
        for stage in self.stages:
            for name in stage.weights:
                if name not in self.parts:
                    raise RecipeError(unknown("part", name, self.parts))
            if min(stage.weights.values(), default=0) <= 0:
                raise RecipeError(
                    f"weights must be above 0 and for one part at least, got {stage.weights}; "
                    "change them or leave a part out."
                )

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches; all parts are opened now, so that none is missed later."""
        opened: dict[str, Batches] = {}
        for name, part in self.parts.items():
            assert isinstance(part, BatchSource), "others were refused"
            opened[name] = part.open(model, derive(seed, "part", name))
        return _Mixed(opened, self.stages)


class Turn(NamedTuple):
    """Which batch a step is."""

    part: str
    number: int
    """Of the part's batches."""


class Turns:
    """Whose turn each step is, worked out from the first step on."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self._turns: list[Turn] = []
        self._counts: dict[str, int] = {}
        self._behind: dict[str, float] = {}
        """How many batches each part of the stage is behind its share."""

    def __getitem__(self, step: int) -> Turn:
        """Return which batch of which part a step is."""
        while len(self._turns) <= step:
            self._turns.append(self._next(len(self._turns)))
        return self._turns[step]

    def stage(self, step: int) -> Stage:
        """Return the stage that a step is in."""
        return next(s for s in self.stages if s.until is None or step < s.until)

    def _next(self, step: int) -> Turn:
        stage = self.stage(step)
        if step == 0 or stage is not self.stage(step - 1):
            self._behind = dict.fromkeys(stage.weights, 0.0)
        whole = sum(stage.weights.values())
        for name, weight in stage.weights.items():
            self._behind[name] += weight / whole
        part = max(self._behind, key=lambda name: self._behind[name])
        self._behind[part] -= 1
        number = self._counts.get(part, 0)
        self._counts[part] = number + 1
        return Turn(part, number)


class _Mixed:
    def __init__(self, parts: Mapping[str, Batches], stages: Sequence[Stage]) -> None:
        self.parts, self.turns = parts, Turns(stages)
        self.stage: Stage | None = None

    def __getitem__(self, step: int) -> Any:
        """Return the batch of a step, as its part gives it."""
        if (stage := self.turns.stage(step)) is not self.stage:
            log.info("from step %d on, batches are of %s", step, ", ".join(stage.weights))
            self.stage = stage
        turn = self.turns[step]
        return self.parts[turn.part][turn.number]

    def passed(self, step: int) -> None:
        """Tell each part which of its batches will not be asked for again."""
        for name, part in self.parts.items():
            if isinstance(part, Passing):
                part.passed(sum(self.turns[at].part == name for at in range(step)))
