"""Things to be framed, against their boxes: average precision as COCO computes it.

The data are one's own: a JSONL file as in `danqing.evaluation.listing`, whose lines have `source`,
`prompt` and `boxes`, a list of `{"label": "dog", "box": [left, top, right, bottom]}` in pixels of
the source. `colors`, as `{"dog": [255, 0, 0]}`, says which colour the prompt asks frames to have;
a label without one is red.

Boxes are read from a picture as `danqing.seeing.boxes` says. A model that answers in numbers puts
them beside, see `answers`.

The modes differ where a picture is missing: official leaves it out, fixed has found nothing there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.precision import (
    EVERY,
    LOOSE,
    Found,
    compared,
    labels_of,
    precision_row,
    shared,
)
from danqing.evaluation.table import Table
from danqing.scorers.base import Score
from danqing.scorers.world import Color
from danqing.seeing.boxes import read


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
        if self.answers is None:
            colors = {label: _color(ask, label) for label in _labels(ask)}
            seen = read(image, source, colors, reach=self.reach, speck=self.speck)
            boxes = [box.record for box in seen.found]
        else:
            told = _answers(ask.files[0]) if ask.files else []
            boxes = sorted(told, key=lambda found: -found["confidence"])
        return {"boxes": boxes, "size": list(source.size)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the share of boxes, found or there, that are both at an IoU of .5."""
        return [
            absent(self.mode, details=_compared(ask, [])) if s is None else
            shared(_compared(ask, s["boxes"]) | {"detections": s["boxes"], "size": s["size"]})
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return AP averaged over labels, at .5:.95 and at .5, and that of each label."""
        labels = labels_of(items)
        rows = [
            precision_row("AP .5:.95", items, labels, EVERY),
            precision_row("AP .5", items, labels, LOOSE),
            *(precision_row(label, items, [label], EVERY) for label in labels),
        ]
        return Table(rows, "AP .5:.95")

    def _beside(self, ask: Ask) -> Path | None:
        file = self.answers / f"{ask.id}.json" if self.answers is not None else None
        return file if file is not None and file.exists() else None


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


def _compared(ask: Ask, boxes: Sequence[Found]) -> dict[str, Any]:
    return compared(boxes, ask.data["boxes"], _labels(ask))
