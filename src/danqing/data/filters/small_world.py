"""What is known only of drawn pictures: whether training may see them, and what they must show.

The small world is exact, so its pictures and captions need no network to be held against each
other: the judge that scores the model's pictures judges those it learns from.
"""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from danqing.data.filters.base import Batch, Cut, Measured, filters
from danqing.data.synthesis import bucket
from danqing.scorers.ocr import TextScorer, require_reader
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import Specification, TextSpec, specification


@filters.register("held_out")
@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """1 if a picture shows what is kept for tests, by the hash of its specification, else 0."""

    needs: ClassVar = ("meta",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.0, unmeasured="drop")

    def measure(self, batch: Batch) -> list[Measured]:
        """Return 1 with the split for what is held out; what has no specification, no number."""
        found: list[Measured] = []
        for spec in _specifications(batch):
            if isinstance(spec, str):
                found.append(Measured(None, spec))
            else:
                split = bucket(spec)
                held = split != "train"
                found.append(Measured(float(held), f"it belongs to {split}" if held else None))
        return found


@filters.register("as_specified")
@dataclass(frozen=True, kw_only=True, slots=True)
class AsSpecified:
    """1 if the judge of the small world finds in a picture what it was drawn from, else 0."""

    needs: ClassVar = ("pixels", "meta")
    slow: ClassVar = True
    cut: Cut = Cut(low=1.0, unmeasured="drop")

    def load(self) -> None:
        """Make sure that strings can be read."""
        require_reader()

    def measure(self, batch: Batch) -> list[Measured]:
        """Return the strict verdict, with the judge's reason where it is 0."""
        found: list[Measured] = []
        for spec, pixels in zip(_specifications(batch), batch.images, strict=True):
            if isinstance(spec, str) or isinstance(pixels, str):
                found.append(Measured(None, spec if isinstance(spec, str) else str(pixels)))
                continue
            judge = TextScorer(page=False) if isinstance(spec, TextSpec) else SceneScorer()
            verdict = judge.score([Image.fromarray(np.asarray(pixels))], [spec])[0]
            found.append(Measured(verdict.value, None if verdict.value else verdict.reason))
        return found


def _specifications(batch: Batch) -> list[Specification | str]:
    """Return what each row was drawn from, or why that is not known."""
    return [_specification(meta) for meta in batch.columns["meta"]]


def _specification(meta: str | None) -> Specification | str:
    try:
        return specification(json.loads(meta or "{}").get("specification") or {})
    except (AttributeError, ValueError):
        return "it has no specification"
