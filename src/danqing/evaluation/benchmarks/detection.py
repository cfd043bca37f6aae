"""Things to be framed, against their boxes: average precision as COCO computes it.

The data are one's own: a JSONL file as in `danqing.evaluation.listing`, whose lines have `source`,
`prompt` and `boxes`, a list of `{"label": "dog", "box": [left, top, right, bottom]}` in pixels of
the source. `colors`, as `{"dog": [255, 0, 0]}`, says which colour the prompt asks frames to have;
a label without one is red.

Boxes are found in a picture by rule: it is resized to its source without mixing colours; pixels
that are within `reach` of a label's colour (CIELAB, 1976) and were not so in the source belong to
its frames; each connected part is one box, from its outermost pixels. How sure it is, which orders
boxes, is the share of the box's four sides that is painted. Frames that touch become one box.
A model that answers in numbers puts them beside, see `answers`.

The modes differ where a picture is missing: official leaves it out, fixed has found nothing there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.benchmarks.segmentation import within
from danqing.evaluation.measures.overlap import (
    THRESHOLDS,
    average_precision,
    box_ious,
    matches,
)
from danqing.evaluation.stats import Interval
from danqing.evaluation.table import Row, Table
from danqing.scorers.base import Score
from danqing.scorers.regions import components
from danqing.scorers.world import Color

_RESAMPLES: Final = 300
"""Each puts all boxes of all pictures in order again, so there are fewer than for a mean."""

Found = Mapping[str, Any]
"""`label`, `box` and `confidence`."""


@benchmarks.register("detection")
@dataclass(frozen=True, kw_only=True)
class Detection:
    """Things to be found in pictures, to the box."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    data: Path
    """The JSONL file."""
    answers: Path | None = None
    """A folder with `{id}.json`, lists of `label`, `box` and `confidence`: boxes are read there
    and not in pictures. No file: nothing was found."""
    reach: float = 25.0
    """How far from its colour a frame's pixel may be, in Delta-E."""
    speck: float = 1e-4
    """Parts of fewer pixels, as a share of the picture, are overlooked."""
    seeds: int = 1
    """Pictures of each source."""

    @property
    def looker(self) -> str:
        """How boxes are found."""
        if self.answers is not None:
            return "boxes beside pictures"
        return f"frames within {self.reach:g}, parts from {self.speck:g}"

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line.

        Raises:
            SourceError: the file is not there, or a line lacks something.
        """
        found = listing.asks(self.data, "detection@1", self.seeds)
        for ask in found:
            if not isinstance(ask.data.get("boxes"), list):
                raise SourceError(
                    f"lines of {self.data.name} must have a list of boxes, got none in {ask.id}; "
                    "add it, empty where nothing is to be found."
                )
        return [replace(ask, files=tuple(f for f in [self._beside(ask)] if f)) for ask in found]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the boxes that a picture shows, the surest first.

        Raises:
            SourceError: the source is not there, or an answer is no list of boxes.
        """
        source = listing.picture(ask.sources[0]).convert("RGB")
        if self.answers is not None:
            boxes = _answers(ask.files[0]) if ask.files else []
        else:
            boxes = [
                found
                for label in _labels(ask)
                for found in self._framed(image, source, label, _color(ask, label))
            ]
        boxes = sorted(boxes, key=lambda found: -found["confidence"])
        return {"boxes": boxes, "size": list(source.size)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the share of boxes, found or there, that are both at an IoU of .5."""
        return [
            absent(self.mode, details=_details(ask, [])) if s is None else
            _score(_details(ask, s["boxes"]) | {"detections": s["boxes"], "size": s["size"]})
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return AP averaged over labels, at .5:.95 and at .5, and that of each label."""
        scored = [item for item in items if "labels" in item.score.details]
        labels = sorted({label for item in scored for label in item.score.details["labels"]})
        every = slice(None)
        rows = [
            _row("AP .5:.95", scored, labels, every),
            _row("AP .5", scored, labels, slice(0, 1)),
            *(_row(label, scored, [label], every) for label in labels),
        ]
        return Table(rows, "AP .5:.95")

    def _beside(self, ask: Ask) -> Path | None:
        file = self.answers / f"{ask.id}.json" if self.answers is not None else None
        return file if file is not None and file.exists() else None

    def _framed(
        self, image: Image.Image, source: Image.Image, label: str, color: Color
    ) -> list[Found]:
        shown = within(image.resize(source.size, Image.Resampling.NEAREST), color, self.reach)
        painted = shown & ~within(source, color, self.reach)
        parts = components(painted.astype(np.uint8))
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        return [
            {"label": label, **_box(parts, int(part))}
            for part in np.flatnonzero(sizes >= max(1, self.speck * painted.size))
        ]


def _box(parts: Int[np.ndarray, "H W"], part: int) -> dict[str, Any]:
    mine = parts == part
    rows, columns = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
    top, bottom, left, right = (int(x) for x in (rows[0], rows[-1], columns[0], columns[-1]))
    inside = mine[top : bottom + 1, left : right + 1]
    sides = [inside[0], inside[-1], inside[:, 0], inside[:, -1]]
    drawn = float(np.concatenate(sides).mean())
    return {"box": [left, top, right + 1, bottom + 1], "confidence": drawn}


def _answers(path: Path) -> list[Found]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return [
            {
                "label": str(found["label"]),
                "box": [float(x) for x in found["box"]],
                "confidence": float(found["confidence"]),
            }
            for found in told
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceError(
            f"answers must be lists of label, box and confidence, got {path}; mend it."
        ) from error


def _labels(ask: Ask) -> list[str]:
    told = [*ask.data.get("colors", {}), *(thing["label"] for thing in ask.data["boxes"])]
    return list(dict.fromkeys(told))


def _color(ask: Ask, label: str) -> Color:
    red, green, blue = ask.data.get("colors", {}).get(label, (255, 0, 0))
    return red, green, blue


def _details(ask: Ask, boxes: Sequence[Found]) -> dict[str, Any]:
    """Return, by label, how sure each box is, whether it is right from each IoU, and the truth."""
    labels: dict[str, Any] = {}
    for label in dict.fromkeys([*_labels(ask), *(found["label"] for found in boxes)]):
        mine = [found for found in boxes if found["label"] == label]
        there = [thing["box"] for thing in ask.data["boxes"] if thing["label"] == label]
        right = matches(box_ious(_array([found["box"] for found in mine]), _array(there)))
        sure = [found["confidence"] for found in mine]
        labels[label] = {"sure": sure, "right": right.tolist(), "count": len(there)}
    return {"labels": labels}


def _score(details: dict[str, Any]) -> Score:
    told = details["labels"].values()
    both = sum(sum(label["right"][0]) for label in told)
    either = sum(len(label["sure"]) + label["count"] for label in told) - both
    return Score(both / either if either else 1.0, f"{both} of {either} boxes", details)


def _row(name: str, items: Sequence[Item], labels: Sequence[str], which: slice) -> Row:
    clusters = list(dict.fromkeys(item.ask.id for item in items))
    once = dict.fromkeys(clusters, 1)
    score = _precision(items, labels, which, once)
    if score is None:
        return Row(name, None)
    draw = np.random.default_rng(0)
    drawn = draw.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), _RESAMPLES)
    found = [
        _precision(items, labels, which, dict(zip(clusters, t, strict=True)))
        for t in drawn.tolist()
    ]
    low, high = np.quantile([f for f in found if f is not None], [0.025, 0.975])
    return Row(name, score, Interval(float(low), float(high)), len(items))


def _precision(
    items: Sequence[Item], labels: Sequence[str], which: slice, times: Mapping[str, int]
) -> float | None:
    """Return the mean of AP over labels and thresholds, each ask counted as often as told."""
    found: list[float] = []
    for label in labels:
        mine = [(item.score.details["labels"].get(label), times[item.ask.id]) for item in items]
        told = [(one, often) for one, often in mine if one is not None]
        sure = np.array([x for one, _ in told for x in one["sure"]])
        weights = np.repeat([often for _, often in told], [len(one["sure"]) for one, _ in told])
        count = sum(often * one["count"] for one, often in told)
        for k in range(len(THRESHOLDS))[which]:
            right = np.array([x for one, _ in told for x in one["right"][k]], bool)
            precision = average_precision(sure, right, count, weights)
            found += [] if precision is None else [precision]
    return float(np.mean(found)) if found else None


def _array(boxes: Sequence[Any]) -> Float[np.ndarray, "N 4"]:
    return np.array(boxes, np.float64).reshape(-1, 4)
