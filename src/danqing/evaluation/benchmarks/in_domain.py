"""How well a model paints the small world: held-out prompts, a deterministic judge, intervals.

What truth, luck and a VAE score stands beside the model (`danqing.evaluation.drawn`); for the judge
itself see `danqing.evaluation.validate`. A second judge, which shares no rule with the first, looks
at every picture of a scene, and a second reading at every string: `disagree` is the share of
pictures of which both do not say the same. The spreads say how much pictures of one prompt differ
in what it leaves open, beside how much the renderer's differ: a model may know one layout by heart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.data.synthesis import Prompt, Split, draw, held_out
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.drawn import Drawn, references, row, sighted
from danqing.evaluation.measures.layout import spread
from danqing.evaluation.table import Row, Table, categories, macro
from danqing.scorers.base import Score
from danqing.scorers.moments import MomentDetector
from danqing.scorers.ocr import TextScorer, require_reader
from danqing.scorers.scene import SceneScorer, strict
from danqing.scorers.world import (
    CATEGORIES,
    SCENE_CATEGORIES,
    Specification,
    TextSpec,
    specification,
)

_DETAILS: Final = ("geneval", "soft", "exact_page", "disagree", "similarity")


@benchmarks.register("in_domain")
@dataclass(frozen=True, kw_only=True)
class InDomain(Drawn):
    """Coloured shapes and short words in two languages, of specifications kept from training."""

    version: ClassVar = 2
    categories: tuple[str, ...] = CATEGORIES
    """Kinds of prompts."""
    per_category: int = 40
    """Prompts of each."""
    split: Split = "test_iid"
    """What training has not seen: `test_iid` new scenes, the others whole families."""

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
        written = spec.string if isinstance(spec, TextSpec) else None
        return sighted(judge(image, spec), image, written)

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each category with other ways to score, and the macro average over scenes."""
        scenes = [item for item in items if item.ask.category in SCENE_CATEGORIES]
        rows = [*categories(items, _row), macro("macro average", scenes)]
        return Table(rows, "macro average")

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each category, what the renderer's own pictures score.

        Args:
            round_trip: Gives the ceiling; None: no ceiling.
        """
        asks = self.asks()
        found = references(
            asks,
            partial(_drawn, size=self.size),
            lambda ask, image: judge(image, specification(ask.data)),
            round_trip,
        )
        return {name: {**told, **self._spread(name, asks)} for name, told in found.items()}

    def _spread(self, name: str, asks: Sequence[Ask]) -> dict[str, float]:
        """Return how much two of the renderer's pictures of one prompt differ."""
        if name not in SCENE_CATEGORIES:
            return {}
        return _named(
            [
                [
                    self.look(ask, _drawn(ask, self.size, again))["details"]
                    for again in ("", "again ")
                ]
                for ask in asks
                if ask.category == name
            ]
        )


def _drawn(ask: Ask, size: tuple[int, int], again: str = "") -> Image.Image:
    return draw(specification(ask.data), Random(again + ask.prompt), size=size)


def judge(image: Image.Image, spec: Specification) -> Score:
    """Return the strict verdict on a picture of a specification: 1 or 0, with all details."""
    if isinstance(spec, TextSpec):
        return TextScorer().score([image], [spec])[0]
    verdict = SceneScorer().score([image], [spec])[0]
    second = strict(MomentDetector().look(image), spec)
    return replace(verdict, details={**verdict.details, "disagree": second != bool(verdict.value)})


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
    found = row(name, items, _DETAILS)
    sights: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        if "detections" in item.score.details:
            sights.setdefault(item.ask.id, []).append(item.score.details)
    return replace(found, more={**found.more, **_named(list(sights.values()))})


def _named(sights: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    found = spread(sights)
    return {f"{name} spread": value for name, value in found._asdict().items()} if found else {}
