"""Seeing by painting: depth, classes, boxes and other views of drawn scenes kept from training.

The source is a drawn scene, the prompt asks for a picture that shows what the scene means, and what
is painted is read back by `danqing.seeing` and compared with the exact truth:

- `depth`: delta1, the share of pixels within a factor of 1.25 of their depth. Rooms of the small
  world have one scale, so nothing is fitted. Most of a room is empty, and empty rooms are much
  alike, so `of_things` has the pixels of things alone.
- `segmentation`: intersection over union, averaged over the classes that were asked for.
- `detection`: the share of boxes, found or there, that are both at an IoU of .5; the row `AP .5` is
  average precision as COCO computes it.
- `viewpoint`: whether every face lies in its place, by the judge of the benchmark `solids`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import numpy as np
from PIL import Image

from danqing.data.seeing import asked, held_out
from danqing.data.seeing.depth import Depth
from danqing.data.seeing.detection import Detection
from danqing.data.seeing.question import Question
from danqing.data.seeing.segmentation import Segmentation
from danqing.data.seeing.viewpoint import Viewpoint
from danqing.data.synthesis.split import Part
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.drawn import Drawn, figured, kept, references, sighted
from danqing.evaluation.measures.depth import depth_error
from danqing.evaluation.measures.overlap import mask_iou
from danqing.evaluation.precision import LOOSE, compared, labels_of, precision_row
from danqing.evaluation.precision import shared as shared_boxes
from danqing.evaluation.table import Table, categories, macro
from danqing.scorers.base import Score
from danqing.scorers.solid import SolidJudge
from danqing.seeing import boxes, depth, labels
from danqing.seeing.sentences import TASKS, Task

_FIGURES: Final = ("abs_rel", "of_things", "unread", "soft")
"""What of a score's details is averaged beside it."""


@benchmarks.register("seeing")
@dataclass(frozen=True, kw_only=True)
class Seeing(Drawn):
    """What a model that changes pictures sees in them."""

    version: ClassVar = 1
    categories: tuple[Task, ...] = TASKS
    """What is to be seen."""
    per_category: int = 40
    """Prompts of each."""
    part: Part = "test"
    """`dev` is to choose a model by."""

    @property
    def looker(self) -> str:
        """How pictures are read and judged."""
        return f"{depth.WORLD}, {SolidJudge()}"

    def asks(self) -> Sequence[Ask]:
        """Return prompts, the same ones every time; their sources lie in the cache.

        Raises:
            StorageError: the cache cannot be written.
        """
        return [
            Ask(
                id=question.id[:16],
                prompt=prompt,
                category=task,
                language=language,
                seeds=seeds("seeing@1", question.id, self.seeds),
                sources=(kept(question.pictures(self.size)[0], "seeing"),),
                data=question.record,
            )
            for task in self.categories
            for question, prompt, language in held_out(
                task, self.per_category, self.part, self.language
            )
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return how near what a picture shows is to the truth."""
        return sighted(self._judge(ask, image), image)

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each task, average precision of boxes, and the mean of tasks."""
        boxed = [item for item in items if item.ask.category == "detection"]
        precise = precision_row("AP .5", boxed, labels_of(boxed), LOOSE)
        every = macro("macro average", items)
        return Table(
            [
                *categories(items, partial(figured, figures=_FIGURES)),
                *([precise] if boxed else ()),
                every,
            ],
            every.name,
        )

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each task, what true pictures score."""
        return references(
            self.asks(),
            lambda ask: _question(ask).pictures(self.size)[1],
            self._judge,
            round_trip,
        )

    def _judge(self, ask: Ask, image: Image.Image) -> Score:
        return _judged(_question(ask), image.convert("RGB"), self.size)


def _question(ask: Ask) -> Question:
    return asked(next(task for task in TASKS if task == ask.category), ask.data)


def _judged(question: Question, image: Image.Image, size: tuple[int, int]) -> Score:
    match question:
        case Depth():
            return _depth(question, image, size)
        case Segmentation():
            return _segmentation(question, image, size)
        case Detection():
            return _detection(question, image, size)
        case Viewpoint():
            return SolidJudge().judge(image, question.turn.truths)
        case _:
            raise AssertionError(question)


def _depth(question: Depth, image: Image.Image, size: tuple[int, int]) -> Score:
    seen = depth.read(image.resize(size, Image.Resampling.BILINEAR), depth.WORLD)
    truth = question.metres(size)
    told = seen.metres.astype(np.float64)
    error = depth_error(told, truth, np.ones(truth.shape, bool))
    of_things = depth_error(told, truth, question.things(size)).delta1
    details = {**error._asdict(), "of_things": of_things, "unread": seen.unread}
    return Score(error.delta1, f"AbsRel {error.abs_rel:.3f}, things {of_things:.3f}", details)


def _segmentation(question: Segmentation, image: Image.Image, size: tuple[int, int]) -> Score:
    seen = labels.read(image.resize(size, Image.Resampling.NEAREST), question.legend)
    truth = question.labels(size)
    ious = {name: mask_iou(seen.mask(name), truth.mask(name)) for name in question.classes}
    told = ", ".join(f"{name} {iou:.2f}" for name, iou in ious.items())
    details = {"ious": ious, "unread": seen.unread}
    return Score(sum(ious.values()) / len(ious), told, details)


def _detection(question: Detection, image: Image.Image, size: tuple[int, int]) -> Score:
    seen = boxes.read(image, labels.blank(size), question.legend)
    found = [box.record for box in seen.found]
    details = compared(found, [box.record for box in question.boxes(size)], question.classes)
    return shared_boxes({**details, "detections": found, "unread": seen.unread})
