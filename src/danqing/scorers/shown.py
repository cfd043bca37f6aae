"""Whether a picture shows what it should and nothing else, each thing in its place.

What it should show is plain data: a `background`, and `marks`, each with a `box` (left, top, right,
bottom) and an `area`, in the picture's pixels. A mark is a thing, with `shape` and `color`, or the
only mark, a string, with `string`, `lang` and `color`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from danqing.scorers.base import Score
from danqing.scorers.color import lab
from danqing.scorers.detector import Detection, ShapeDetector, Sight
from danqing.scorers.ink import ink
from danqing.scorers.ocr import TextScorer
from danqing.scorers.world import Point, TextSpec

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceJudge:
    """Judges pictures of the small world: 1 where all is there as it should be, else 0."""

    reach: float = 0.1
    """How far a middle may be from its place, as a share of the picture's shorter side."""
    growth: float = 1.25
    """How many times as long or as short as it should be a thing may be."""
    detector: ShapeDetector = field(default_factory=ShapeDetector)

    def judge(self, image: Image.Image, wanted: Record) -> Score:
        """Return the verdict on a picture; its details have what was seen.

        Raises:
            MissingPackage: a string is wanted, and there is no reader.
        """
        sight, reach = self.detector.look(image), self.reach * min(image.size)
        details: dict[str, Any] = {"background": sight.background}
        strings = [mark for mark in wanted["marks"] if "string" in mark]
        if strings:
            (mark,) = strings
            details["line"], complaints = _written(image, mark, wanted["background"], reach)
        else:
            details["detections"] = [asdict(thing) for thing in sight.detections]
            complaints = list(self._things(sight, wanted["marks"], image))
        if sight.background != wanted["background"]:
            complaints.append(f"{sight.background} ground instead of {wanted['background']}")
        return Score(float(not complaints), "; ".join(complaints) or "as asked", details)

    def _things(self, sight: Sight, marks: Sequence[Record], image: Image.Image) -> Iterator[str]:
        """Yield what is wrong about things."""
        left, reach = list(sight.detections), self.reach * min(image.size)
        for mark in marks:
            name = f"{mark['color']} {mark['shape']}"
            found = _nearest(left, mark)
            if found is None or math.dist(_middle(found.box), _middle(mark["box"])) > reach:
                yield f"no {name} in its place"
                continue
            left.remove(found)
            # By areas: a blur takes the tips of a star, and with them its box.
            ratio = math.sqrt(found.area * image.width * image.height / mark["area"])
            if not 1 / self.growth <= ratio <= self.growth:
                yield f"{name} {ratio:.2f} times as long as it should be"
        yield from (f"{thing.color} {thing.shape} that should not be there" for thing in left)


def _nearest(seen: Sequence[Detection], mark: Record) -> Detection | None:
    """Return the thing of a mark's shape and colour that stands nearest to it."""
    alike = [t for t in seen if (t.shape, t.color) == (mark["shape"], mark["color"])]
    middle = _middle(mark["box"])
    return min(alike, key=lambda thing: math.dist(_middle(thing.box), middle), default=None)


def _written(image: Image.Image, mark: Record, ground: str, reach: float) -> tuple[str, list[str]]:
    """Return what is read in the box of all ink, and what is wrong about it."""
    wanted = TextSpec(f"text_{mark['lang']}", mark["string"], mark["lang"], mark["color"], ground)
    (verdict,) = TextScorer(page=False).score([image], [wanted])
    complaints = [] if verdict.value else [verdict.reason]
    if verdict.details["color"] not in (None, mark["color"]):
        complaints.append(f"{verdict.details['color']} letters instead of {mark['color']}")
    found = Image.fromarray(ink(lab(np.asarray(image.convert("RGB"))))).getbbox()
    if found is not None and math.dist(_middle([*map(float, found)]), _middle(mark["box"])) > reach:
        complaints.append("letters in another place")
    return verdict.details["line"], complaints


def _middle(box: Sequence[float]) -> Point:
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2
