"""What a benchmark is: what it asks for, what it looks at, and how that becomes scores.

Around the one part that costs, `look`, everything is pure: what was seen of a picture is kept, so
another mode or a rule that was mended needs neither the model nor the judge again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.core.registry import Registry
from danqing.core.seed import derive
from danqing.evaluation.table import Table
from danqing.scorers.base import Score

Mode = Literal["official", "fixed"]
"""As the benchmark's own code computes, mistakes included; or as its authors meant it."""

Seen = Mapping[str, Any]
"""What a judge or a reader said of a picture, as plain data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing to paint, as often as it has seeds."""

    id: str
    """Names it within its benchmark, whatever the order."""
    prompt: str
    category: str
    language: str = "en"
    seeds: tuple[int, ...] = (0,)
    sources: tuple[Path, ...] = ()
    """Pictures to be changed."""
    after: str | None = None
    """An ask before this one whose pictures, each with its seed's place, are changed first of all;
    None: there is none."""
    files: tuple[Path, ...] = ()
    """What a picture is looked at with, such as the truth it is compared with."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The benchmark's own record."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of an ask, and what came of it."""

    ask: Ask
    seed: int
    file: str | None
    """Where it lies below the run's folder; None: there is none."""
    trouble: str | None
    """Why there is none."""
    seen: Seen | None
    """What was seen of it; None: there is none."""
    score: Score
    sources: tuple[str, ...] = ()
    """Where what was to be changed lies below the run's folder."""

    @property
    def record(self) -> dict[str, Any]:
        """The item as plain data."""
        return {
            "id": self.ask.id,
            "prompt": self.ask.prompt,
            "category": self.ask.category,
            "language": self.ask.language,
            "data": dict(self.ask.data),
            "seed": self.seed,
            "sources": list(self.sources),
            "file": self.file,
            "trouble": self.trouble,
            "seen": self.seen,
            "value": self.score.value,
            "reason": self.score.reason,
            "details": dict(self.score.details),
        }


@runtime_checkable
class Benchmark(Protocol):
    """Anything that asks for pictures and scores them.

    A benchmark is a frozen dataclass whose fields are its settings: where its data lie, who judges,
    and its mode.
    """

    version: ClassVar[int]
    """Another way to ask, to look or to score is another version."""

    @property
    def mode(self) -> Mode:
        """By which rules pictures are scored."""
        ...

    @property
    def looker(self) -> str:
        """Who looks at pictures: all that decides what is seen of one."""
        ...

    def asks(self) -> Sequence[Ask]:
        """Return everything that is asked for, the same in every run.

        Raises:
            SourceError: the benchmark's data are not there.
        """
        ...

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return what is seen of a picture: answers of a judge, words that were read."""
        ...

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return one score a picture of an ask; None stands for a picture that is not there."""
        ...

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the scores of categories and of all, with intervals."""
        ...


@runtime_checkable
class Referenced(Protocol):
    """A benchmark that knows what truth, luck and a VAE would score."""

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return figures by category and kind, such as `floor`, `oracle` and `ceiling`."""
        ...


benchmarks: Final[Registry[type[Benchmark]]] = Registry("benchmark")
"""Benchmarks by name."""

AnyBenchmark = Annotated[Benchmark, benchmarks]


def seeds(task: str, id: str, count: int) -> tuple[int, ...]:
    """Return the seeds of an ask, which follow each other, so that they can be painted together.

    Raises:
        RecipeError: there is to be none.
    """
    if count < 1:
        raise RecipeError(f"seeds must be at least 1, got {count}; raise it.")
    first = derive(0, task, id) % 2**31
    return tuple(range(first, first + count))


def absent(mode: Mode, worst: float = 0.0, details: Mapping[str, Any] | None = None) -> Score:
    """Return the score of a picture that is not there: left out where officially it is."""
    if mode == "official":
        return Score(None, "there is no picture")
    return Score(worst, "there is no picture", details or {})


def evenly(asks: Sequence[Ask], count: int | None) -> Sequence[Ask]:
    """Return the first asks, of all categories in turn, in their own order; None: all of them."""
    places: dict[str, int] = {}
    turns: list[tuple[int, int]] = []
    for number, ask in enumerate(asks):
        turn = places[ask.category] = places.get(ask.category, -1) + 1
        turns.append((turn, number))
    return [asks[number] for number in sorted(number for _, number in sorted(turns)[:count])]
