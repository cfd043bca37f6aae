"""Edits of drawn pictures that are kept from training: is the change there, and the rest unchanged?

The source is a drawn picture, two where they are composed; the prompt asks for one change of it, in
English or Chinese. The true picture follows exactly, so programs alone judge
(`danqing.evaluation.edits`): a row's score is the share of pictures with the change in them.
Beside it stand `kept`, decibels where nothing was asked for, and `held`, the share that keeps 25;
`shift`, pixels by which pictures have moved, and `still`, the share that moved less than half of
one. Questions about pictures are the benchmark `seeing`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

import numpy as np
from PIL import Image

from danqing.data.edits import EditSample, change, held_out
from danqing.data.edits.stream import ASKED
from danqing.data.synthesis.split import Part
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.drawn import Drawn, figured, kept, opened, references, sighted
from danqing.evaluation.edits import CHANGING, EditJudge, Truth
from danqing.evaluation.table import Table, categories, detail, macro
from danqing.scorers.base import Score, mean

_FIGURES: Final = ("kept", "held", "shift", "still")
"""What of a verdict's details is averaged beside it."""


@benchmarks.register("edits")
@dataclass(frozen=True, kw_only=True)
class Edits(Drawn):
    """How well a model that changes pictures changes them."""

    version: ClassVar = 3
    categories: tuple[str, ...] = CHANGING
    """The tasks."""
    per_category: int = 40
    """Prompts of each."""
    part: Part = "test"
    """`dev` is to choose a model by."""

    @property
    def looker(self) -> str:
        """The judge's settings."""
        return str(EditJudge())

    def asks(self) -> Sequence[Ask]:
        """Return prompts, the same ones every time; their pictures lie in the cache.

        Raises:
            RecipeError: there are not so many.
            StorageError: the cache cannot be written.
            UnknownName: a category is no task.
        """
        world = replace(ASKED, size=self.size)
        return [
            asked(sample, sample.task, sample.change.id[:16], self.seeds)
            for task in self.categories
            for sample in held_out(task, self.per_category, self.language, self.part, world)
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return whether the change is there, and what became of the rest."""
        return sighted(judged(ask, image), image)

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each task, and the means of tasks: of the change, of what is held, and still."""
        every = macro("macro average", items)
        rest = [macro(f"macro {key}", items, detail(key)) for key in ("held", "still")]
        return Table(
            [*categories(items, partial(figured, figures=_FIGURES)), every, *rest], every.name
        )

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each task, what true pictures score, and as `source` pictures left alone.

        A ceiling has what becomes of the rest as well.
        """
        asks = self.asks()
        found = references(asks, _target, judged, None)
        return {
            task: {**told, **_references([a for a in asks if a.category == task], round_trip)}
            for task, told in found.items()
        }


def _references(
    asks: Sequence[Ask], round_trip: Callable[[Image.Image], Image.Image] | None
) -> dict[str, float | None]:
    told = {"source": mean(judged(ask, opened(ask.files[0])) for ask in asks)}
    if round_trip is not None:
        verdicts = [judged(ask, round_trip(_target(ask))) for ask in asks]
        told["ceiling"] = mean(verdicts)
        for key in _FIGURES:
            values = [v.details[key] for v in verdicts if key in v.details]
            told[f"ceiling {key}"] = sum(values) / len(values) if values else None
    return told


def _target(ask: Ask) -> Image.Image:
    return opened(ask.files[1])


def asked(sample: EditSample, category: str, id: str, count: int) -> Ask:
    """Return what asks for an edit.

    Args:
        sample: The edit.
        category: Where it is counted.
        id: Its name.
        count: Pictures that are painted.

    Raises:
        StorageError: the cache cannot be written.
    """
    mask = Image.fromarray(sample.kept).convert("L")
    return Ask(
        id=id,
        prompt=sample.instruction,
        category=category,
        language=sample.language,
        seeds=seeds("edits@1", id, count),
        sources=tuple(kept(source, "edits") for source in sample.sources),
        files=tuple(kept(one, "edits") for one in (sample.sources[0], sample.target, mask)),
        data=sample.change.record,
    )


def judged(ask: Ask, image: Image.Image) -> Score:
    """Return the verdict on a picture of an ask."""
    source, target, mask = map(opened, ask.files)
    same = np.asarray(mask.convert("L")) > 0
    return EditJudge().judge(image, Truth(change(ask.data), source, target, same))
