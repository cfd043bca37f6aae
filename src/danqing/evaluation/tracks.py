"""Judging the judges of the tracks: how often they accept right pictures and minimally wrong ones.

All of `danqing.evaluation.trials` are judged clean and after each degradation; a round trip through
a VAE as degradation gives the ceiling of any model that paints with it.

Run as a module, `python -m danqing.evaluation.tracks --help`, it prints the tables.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image

from danqing.evaluation.generators import Model
from danqing.evaluation.stats import upper_bound
from danqing.evaluation.trials import RIGHT, Trial, arch_trials, solid_trials, typeface_trials
from danqing.evaluation.validate import LADDER, Degradation, clean


def turned(image: Image.Image) -> Image.Image:
    """Return the picture turned by 3 degrees."""
    return image.rotate(3, Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0)))


def smaller(image: Image.Image) -> Image.Image:
    """Return the picture at 80 % of its size, with more ground to the right and below."""
    small = image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", image.size, image.getpixel((0, 0)))
    whole.paste(small, (image.width // 20, image.height // 20))
    return whole


CONDITIONS: Final[Mapping[str, Degradation]] = {
    **LADDER,
    "turned 3 degrees": turned,
    "at 80 %": smaller,
}
"""Degradations by name, in the order of the table."""


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
    track: Literal["curved_text", "solids", "typefaces"],
    /,
    *,
    count: int = 40,
    size: int = 256,
    model: str | None = None,
) -> None:
    """Print how a judge fares under every degradation.

    Args:
        track: Which judge; `typefaces` is that of curved text, by typeface and on clean pictures.
        count: Right pictures of each category, and as many of each fault.
        size: Side of the pictures in pixels.
        model: A model whose VAE is one degradation more.
    """
    conditions = dict(CONDITIONS)
    if model is not None:
        conditions[f"VAE of {model}"] = Model(model=model).round_trip
    if track == "typefaces":
        conditions = {"clean": clean}
    trials = {"curved_text": arch_trials, "solids": solid_trials, "typefaces": typeface_trials}[
        track
    ]
    rows = judged(trials(count, size), conditions)
    print(rights(rows))
    if track != "typefaces":
        print(wrongs(rows))


def _table(lines: Sequence[Sequence[str]]) -> str:
    first, *rest = lines
    rows = [first, ["---", *("--:" for _ in first[1:])], *rest]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
