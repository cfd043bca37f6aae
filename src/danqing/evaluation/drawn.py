"""What benchmarks share whose pictures a program can draw and a deterministic judge can see.

Three rows of reference stand beside a model: the program's own pictures (`oracle`, what the judge
grants to the truth), those pictures after a VAE (`ceiling`, what any model that paints with it can
reach), and those of another prompt of the category (`floor`, what luck gives).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from danqing.core.cache import cache_folder
from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.evaluation.benchmark import Ask, Item, Seen, absent
from danqing.evaluation.stats import wilson
from danqing.evaluation.table import Row, average, detail
from danqing.scorers.base import Score, mean
from danqing.scorers.world import Language

Judge = Callable[[Ask, Image.Image], Score]
"""Gives the verdict on a picture of an ask."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The settings that all of them have, and what becomes of pictures that were seen."""

    mode: Literal["fixed"] = "fixed"
    """There is one way to score; what is not asked for is a mistake."""
    per_category: int = 20
    """Prompts of each category."""
    seeds: int = 2
    """Pictures of each prompt."""
    language: Language | None = None
    """Language of the prompts; None: English and Chinese in turn."""
    size: tuple[int, int] = (256, 256)
    """Width and height of the program's pictures, best those of the model."""

    def __post_init__(self) -> None:
        for name in ("per_category", "seeds"):
            if (number := getattr(self, name)) < 1:
                raise RecipeError(f"{name} must be at least 1, got {number}; raise it.")

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return what was seen; a picture that is not there is wrong."""
        return [
            absent("fixed") if s is None else Score(s["value"], s["reason"], s["details"])
            for s in seen
        ]  # fmt: skip


def kept(image: Image.Image, kind: str) -> Path:
    """Return a file in the cache with a picture, named by its pixels.

    Args:
        image: The picture.
        kind: The folder's name.

    Raises:
        StorageError: the cache cannot be written.
    """
    name = hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()[:24]
    file = cache_folder(kind) / f"{name}.png"
    if not file.exists():
        with atomic_path(file) as staged:
            image.save(staged, format="PNG")
    return file


def opened(path: Path) -> Image.Image:
    """Return a picture that was kept, as RGB."""
    with Image.open(path) as image:
        return image.convert("RGB")


def sighted(verdict: Score, image: Image.Image, written: str | None = None) -> Seen:
    """Return a verdict on a picture as what was seen of it.

    Args:
        verdict: What the judge says; of writing, its details have the `line` that was read.
        image: The picture.
        written: What should be written in it; None: nothing.
    """
    details = dict(verdict.details) | {"size": list(image.size)}
    if written is not None:
        details |= {"read": details["line"], "target": written}
    return {"value": verdict.value, "reason": verdict.reason, "details": details}


def row(name: str, items: Sequence[Item], details: Sequence[str]) -> Row:
    """Return the share of right pictures, with the means of some details and of each language."""
    values = [item.score.value for item in items if item.score.value is not None]
    more: dict[str, Any] = {"wilson": wilson(round(sum(values)), len(values))}
    for key in details:
        found = [float(i.score.details[key]) for i in items if key in i.score.details]
        if found:
            more[key] = sum(found) / len(found)
    for language in sorted({item.ask.language for item in items}):
        more[language] = mean(item.score for item in items if item.ask.language == language)
    return average(name, items, more=more)


def figured(name: str, items: Sequence[Item], figures: Sequence[str]) -> Row:
    """Return the mean score, with the means of some details and of each language."""
    more: dict[str, Any] = {}
    for key in figures:
        if (told := average(key, items, detail(key)).score) is not None:
            more[key] = told
    for language in sorted({item.ask.language for item in items}):
        more[language] = mean(item.score for item in items if item.ask.language == language)
    return average(name, items, more=more)


def references(
    asks: Sequence[Ask],
    draw: Callable[[Ask], Image.Image],
    judge: Judge,
    round_trip: Callable[[Image.Image], Image.Image] | None,
) -> Mapping[str, Mapping[str, float | None]]:
    """Return, for each category, what true pictures score.

    Args:
        asks: What is asked for.
        draw: Draws the truth.
        judge: Gives a verdict.
        round_trip: Gives the ceiling; None: no ceiling.
    """
    return {
        category: _references([a for a in asks if a.category == category], draw, judge, round_trip)
        for category in dict.fromkeys(ask.category for ask in asks)
    }


def _references(
    asks: Sequence[Ask],
    draw: Callable[[Ask], Image.Image],
    judge: Judge,
    round_trip: Callable[[Image.Image], Image.Image] | None,
) -> dict[str, float | None]:
    drawn = [draw(ask) for ask in asks]
    found: dict[str, float | None] = {"oracle": mean(map(judge, asks, drawn))}
    if len(asks) > 1:
        others = [*asks[len(asks) // 2 :], *asks[: len(asks) // 2]]
        found["floor"] = mean(map(judge, others, drawn))
    if round_trip is not None:
        found["ceiling"] = mean(map(judge, asks, map(round_trip, drawn)))
    return found
