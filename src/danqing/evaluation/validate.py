"""Judging the judges: how often they accept right pictures and minimally wrong ones.

All of `danqing.evaluation.trials` are judged clean and after each degradation; a round trip through
a VAE as degradation gives the ceiling of any model that paints with it.

Run as a module, `python -m danqing.evaluation.validate --help`, it prints the tables.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from danqing.evaluation.degradations import LADDER, Degradation, clean
from danqing.evaluation.edit_trials import edit_trials
from danqing.evaluation.generators import Model
from danqing.evaluation.stats import upper_bound
from danqing.evaluation.trials import (
    RIGHT,
    Trial,
    arch_trials,
    solid_trials,
    string_trials,
    typeface_trials,
    world_trials,
)

What = Literal["scenes", "strings", "curved_text", "solids", "typefaces", "edits"]
_TRIALS: Final[Mapping[What, Callable[[int, int], Iterator[Trial]]]] = {
    "scenes": world_trials,
    "strings": string_trials,
    "curved_text": arch_trials,
    "solids": solid_trials,
    "typefaces": typeface_trials,
    "edits": edit_trials,
}


@dataclass(frozen=True, slots=True)
class Row:
    """How many pictures of a kind were accepted."""

    category: str
    condition: str
    fault: str
    accepted: int
    count: int


def judged(trials: Iterable[Trial], conditions: Mapping[str, Degradation]) -> list[Row]:
    """Return how many pictures were accepted, by category, condition and fault.

    Args:
        trials: Pictures to be judged.
        conditions: What is done to a picture before it is judged.
    """
    found: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for trial in trials:
        for name, degrade in conditions.items():
            verdict = trial.accepts(degrade(trial.picture))
            found[trial.category, name, trial.fault].append(verdict)
    return [Row(*key, sum(verdicts), len(verdicts)) for key, verdicts in found.items()]


def rights(rows: Sequence[Row]) -> str:
    """Return a table of the shares of right pictures that were accepted."""
    conditions = list(dict.fromkeys(row.condition for row in rows))
    shares = {(r.category, r.condition): r.accepted / r.count for r in rows if r.fault == RIGHT}
    lines = [["category", *conditions]]
    for category in dict.fromkeys(row.category for row in rows):
        lines.append([category, *(f"{shares[category, c]:.3f}" for c in conditions)])
    return _table(lines)


def wrongs(rows: Sequence[Row]) -> str:
    """Return a table of wrong pictures that were accepted, over all categories and conditions."""
    lines = [["fault", "accepted", "of", "at most (95 %)"]]
    for fault in dict.fromkeys(row.fault for row in rows if row.fault != RIGHT):
        accepted = sum(row.accepted for row in rows if row.fault == fault)
        count = sum(row.count for row in rows if row.fault == fault)
        lines.append([fault, str(accepted), f"{count:,}", f"{upper_bound(accepted, count):.4f}"])
    return _table(lines)


def main(
    what: What,
    /,
    *,
    count: int = 40,
    size: int = 256,
    model: str | None = None,
    degraded: bool = True,
) -> None:
    """Print how a judge fares under every degradation.

    Args:
        what: Which judge; `typefaces` is that of curved text, by typeface and on clean pictures.
        count: Right pictures of each category, and as many of each fault.
        size: Side of the pictures in pixels.
        model: A model whose VAE is one degradation more.
        degraded: Whether there are others.
    """
    conditions = dict(LADDER) if degraded and what != "typefaces" else {"clean": clean}
    if model is not None:
        conditions[f"VAE of {model}"] = Model(model=model).round_trip
    rows = judged(_TRIALS[what](count, size), conditions)
    print(rights(rows))
    if what != "typefaces":
        print(wrongs(rows))


def _table(lines: Sequence[Sequence[str]]) -> str:
    first, *rest = lines
    rows = [first, ["---", *("--:" for _ in first[1:])], *rest]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
