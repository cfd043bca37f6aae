"""How well a model paints the small world: held-out prompts, a deterministic judge, intervals.

Three rows of reference stand beside the model: the renderer's own pictures (`oracle`, what the
judge grants to the truth), the renderer's pictures after a VAE (`ceiling`, what any model that
paints with it can reach), and its pictures of another prompt of the category (`floor`, what luck
gives). See `danqing.evaluation.validate` for the judge itself. A second judge, which shares no rule
with the first, looks at every picture, and a second reading at every string; `disagree` is the
share of pictures where both do not say the same. `spread` is how much pictures of one prompt differ
in what it leaves open, beside what the renderer's differ: a model may know one layout by heart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Final, Literal

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis import Prompt, Split, draw, held_out
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.measures.layout import Spread, spread
from danqing.evaluation.stats import wilson
from danqing.evaluation.table import Row, Table, average, categories, macro
from danqing.scorers.base import Score, mean
from danqing.scorers.moments import MomentDetector
from danqing.scorers.ocr import TextScorer, require_reader
from danqing.scorers.scene import SceneScorer, strict
from danqing.scorers.world import (
    CATEGORIES,
    SCENE_CATEGORIES,
    Language,
    Scene,
    Specification,
    TextSpec,
    specification,
)

_DETAILS: Final = ("geneval", "soft", "exact_page", "disagree", "similarity")


@benchmarks.register("in_domain")
@dataclass(frozen=True, kw_only=True)
class InDomain:
    """Coloured shapes and short words in two languages, of specifications kept from training."""

    version: ClassVar = 2
    mode: Literal["fixed"] = "fixed"
    """There is one way to score; a shape that is not asked for is a mistake."""
    categories: tuple[str, ...] = CATEGORIES
    """Kinds of prompts."""
    per_category: int = 40
    """Prompts of each."""
    seeds: int = 2
    """Pictures of each prompt."""
    split: Split = "test_iid"
    """What training has not seen: `test_iid` new scenes, the others whole families."""
    language: Language | None = None
    """Language of the prompts; None: English and Chinese in turn."""
    size: tuple[int, int] = (256, 256)
    """Width and height of the renderer's pictures, best those of the model."""

    def __post_init__(self) -> None:
        for name in ("per_category", "seeds"):
            if getattr(self, name) < 1:
                raise RecipeError(
                    f"{name} must be at least 1, got {getattr(self, name)}; raise it."
                )

    @property
    def looker(self) -> str:
        """The detector's settings and the reader."""
        return f"shapes {SceneScorer().detector.digest[:16]}, words by rapidocr"

    def asks(self) -> Sequence[Ask]:
        """Return held-out prompts, the same ones every time."""
        if any(name.startswith("text") for name in self.categories):
            require_reader()
        return [
            _ask(prompt, self.seeds)
            for name in self.categories
            for prompt in held_out(name, self.per_category, self.split, self.language)
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the strict verdict on a picture with all its details."""
        spec = specification(ask.data)
        verdict = judge(image, spec)
        details = dict(verdict.details) | {"size": list(image.size)}
        if isinstance(spec, TextSpec):
            details |= {"read": details["line"], "target": spec.string}
        else:
            second = strict(MomentDetector().look(image), spec)
            details["disagree"] = second != bool(verdict.value)
        return {"value": verdict.value, "reason": verdict.reason, "details": details}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return what was seen; a picture that is not there is wrong."""
        return [
            Score(0.0, "there is no picture") if s is None else
            Score(s["value"], s["reason"], s["details"])
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each category with other ways to score, and the macro average over scenes."""
        scenes = [item for item in items if item.ask.category in SCENE_CATEGORIES]
        return Table([*categories(items, _row), macro("macro average", scenes)], "macro average")

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each category, what the renderer's own pictures score.

        Args:
            round_trip: Gives the ceiling; None: no ceiling.
        """
        asks = self.asks()
        return {
            name: _references([a for a in asks if a.category == name], self.size, round_trip)
            for name in self.categories
        }


def judge(image: Image.Image, spec: Specification) -> Score:
    """Return the strict verdict on a picture of a specification: 1 or 0, with all details."""
    scorer = TextScorer() if isinstance(spec, TextSpec) else SceneScorer()
    return scorer.score([image], [spec])[0]


def _ask(prompt: Prompt, count: int) -> Ask:
    name = str(prompt.record["id"])
    return Ask(
        id=name,
        prompt=prompt.prompt,
        category=prompt.spec.category,
        language=prompt.language,
        seeds=seeds("in_domain@2", name, count),
        data=prompt.record,
    )


def _row(name: str, items: Sequence[Item]) -> Row:
    values = [item.score.value for item in items if item.score.value is not None]
    more: dict[str, Any] = {"wilson": wilson(round(sum(values)), len(values))}
    for key in _DETAILS:
        found = [float(i.score.details[key]) for i in items if key in i.score.details]
        if found:
            more[key] = sum(found) / len(found)
    for language in sorted({item.ask.language for item in items}):
        more[language] = mean(item.score for item in items if item.ask.language == language)
    more |= _named(spread(_sights(items)))
    return average(name, items, more=more)


def _named(found: Spread | None) -> dict[str, float]:
    return {f"{name} spread": value for name, value in found._asdict().items()} if found else {}


def _sights(items: Sequence[Item]) -> list[list[Mapping[str, Any]]]:
    """Return what was seen of the pictures of each prompt, where things were looked for."""
    sights: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        if "detections" in item.score.details:
            sights.setdefault(item.ask.id, []).append(item.score.details)
    return list(sights.values())


def _references(
    asks: Sequence[Ask],
    size: tuple[int, int],
    round_trip: Callable[[Image.Image], Image.Image] | None,
) -> dict[str, float | None]:
    specs = [specification(ask.data) for ask in asks]
    drawn, again = (
        [draw(s, Random(key + a.prompt), size=size) for s, a in zip(specs, asks, strict=True)]
        for key in ("", "again ")
    )
    verdicts = list(map(judge, drawn, specs))
    found: dict[str, float | None] = {"oracle": mean(verdicts)}
    if isinstance(specs[0], Scene):
        pairs = zip(verdicts, map(judge, again, specs), strict=True)
        apart = spread([[dict(v.details) | {"size": size} for v in pair] for pair in pairs])
        found |= _named(apart)
    if len(specs) > 1:
        others = specs[len(specs) // 2 :] + specs[: len(specs) // 2]
        found["floor"] = mean(map(judge, drawn, others))
    if round_trip is not None:
        found["ceiling"] = mean(map(judge, map(round_trip, drawn), specs))
    return found
