"""GenEval: whether the things asked for are there, as many, of their colours, in their places.

Follows Ghosh et al. 2023 (arXiv:2310.11513) and its published evaluation (djghosh13/geneval, commit
af4902f). Its detector of mmdet 2 is not ours; results say which one looked, and only results of
one detector are to be compared.

Officially nothing is done about a thing that is found twice, pictures that are missing are left
out, and every prompt has the seed 42, from which four pictures are drawn one after another; where
pictures have a seed each, these are 42 to 45. Fixed drops of two things of a class that overlap by
0.9 or more the less sure one, counts what is missing as wrong, and gives each prompt its own seeds.

Officially again, more things than asked for harm nothing outside `counting`. The figure `strict`
beside each score also wants no more of them. Things of other classes harm neither figure: a table
under the fork that was asked for is no mistake.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.measures.overlap import box_ious
from danqing.evaluation.stats import wilson
from danqing.evaluation.table import Row, Table, average, categories, detail, macro
from danqing.scorers.base import Score
from danqing.scorers.objects import AnyObjectDetector, Thing, thing
from danqing.scorers.relations import relations

CONFIDENCE: Final = 0.3
COUNTING_CONFIDENCE: Final = 0.9
"""A thing counts if it is surer than this; counts are about nothing doubtful."""
MOST: Final = 16
"""Things of a class, the surest ones."""
SAME: Final = 0.9
"""IoU from which two things of a class are one, in mode fixed and for `strict`."""

Found = Mapping[str, Sequence[Thing]]
"""What counts, by class, the surest first."""


class Verdict(NamedTuple):
    """Whether a picture is right."""

    right: bool
    reason: str


@benchmarks.register("geneval")
@dataclass(frozen=True, kw_only=True)
class GenEval:
    """553 prompts of six kinds, judged by a detector."""

    version: ClassVar = 1
    judges: ClassVar = ("mask2former_swin-s-p4-w7-224_lsj_8x2_50e",)
    mode: Mode = "fixed"
    data: Path
    """The benchmark's `evaluation_metadata.jsonl`."""
    detector: AnyObjectDetector
    """Who looks."""
    seeds: int = 4
    """Pictures of each prompt."""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise RecipeError(f"seeds must be at least 1, got {self.seeds}; raise it.")

    @property
    def looker(self) -> str:
        """The detector."""
        return self.detector.identity

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line, named by its number as the benchmark's folders are.

        Raises:
            SourceError: the file is not there.
        """
        return [
            Ask(
                id=f"{number:05d}",
                prompt=record["prompt"],
                category=record["tag"],
                seeds=self._seeds(f"{number:05d}"),
                data=record,
            )
            for number, record in enumerate(listing.lines(self.data))
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return all things that the detector found."""
        colored = [clause["class"] for clause in ask.data["include"] if "color" in clause]
        found = self.detector.find(image, colored)
        return {"things": [thing.record for thing in found], "size": list(image.size)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return 1 or 0 for each picture."""
        return [
            absent(self.mode, details={"strict": 0.0}) if s is None else self._score(ask, s)
            for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the share of right pictures of each kind, and the plain mean of the kinds."""
        rows = [
            *categories(items, _row),
            macro("overall", items),
            macro("overall, strict", items, detail("strict")),
        ]
        return Table(rows, "overall")

    def _seeds(self, id: str) -> tuple[int, ...]:
        if self.mode == "official":
            return tuple(range(42, 42 + self.seeds))
        return seeds("geneval@1", id, self.seeds)

    def _score(self, ask: Ask, seen: Seen) -> Score:
        things = [thing(record) for record in seen["things"]]
        tag = ask.data["tag"]
        once = counted(things, tag, SAME)
        found = counted(things, tag) if self.mode == "official" else once
        right, reason = verdict(found, ask.data)
        boxes = [one.record for some in found.values() for one in some]
        return Score(
            float(right),
            reason,
            {
                "strict": float(verdict(once, ask.data).right and no_more(once, ask.data)),
                "detections": boxes,
                "size": seen["size"],
            },
        )


def counted(things: Sequence[Thing], tag: str, same: float | None = None) -> Found:
    """Return what counts of all that was found.

    Args:
        things: What was found.
        tag: The kind of the prompt.
        same: IoU from which a thing is one with a surer one of its class; None: never.
    """
    least = COUNTING_CONFIDENCE if tag == "counting" else CONFIDENCE
    found: dict[str, list[Thing]] = {}
    for one in sorted(things, key=lambda one: -one.confidence):
        if one.confidence > least:
            found.setdefault(one.label, []).append(one)
    # The most are taken first, as the benchmark's own code does it.
    return {label: _once(some[:MOST], same) for label, some in found.items()}


def verdict(found: Found, record: Mapping[str, Any]) -> Verdict:
    """Return whether all that is included is there and nothing that is excluded.

    Args:
        found: What counts.
        record: The prompt's record: `include` and `exclude`, lists of `class` and `count`, of which
            the former may have a `color`, and a `position`: a relation and the number of the clause
            whose things it is to.
    """
    reasons: list[str] = []
    groups: list[Sequence[Thing] | None] = []
    for clause in record.get("include", []):
        group = found.get(clause["class"], ())[: clause["count"]]
        trouble = _trouble(clause, group, groups)
        groups.append(None if trouble else group)
        reasons += [trouble] if trouble else []
    for clause in record.get("exclude", []):
        if (count := len(found.get(clause["class"], ()))) >= clause["count"]:
            reasons.append(f"{count} {clause['class']} where fewer than {clause['count']} may be")
    return Verdict(not reasons, "; ".join(reasons) or "as asked")


def no_more(found: Found, record: Mapping[str, Any]) -> bool:
    """Return whether there is no more of any class that is included than is asked for."""
    asked: Counter[str] = Counter()
    for clause in record.get("include", []):
        asked[clause["class"]] += clause["count"]
    return all(len(found.get(label, ())) <= count for label, count in asked.items())


def _trouble(
    clause: Mapping[str, Any], group: Sequence[Thing], groups: Sequence[Sequence[Thing] | None]
) -> str:
    """Return what is wrong with the surest things of a clause; nothing: they are right."""
    label, count = clause["class"], clause["count"]
    if len(group) < count:
        return f"{len(group)} of {count} {label}"
    if (color := clause.get("color")) is not None:
        colors = [str(one.color) for one in group]
        if colors.count(color) < count:
            return f"{label} {' and '.join(colors)} where {color} was asked"
    if (position := clause.get("position")) is not None:
        relation, number = position
        if (anchors := groups[number]) is None:
            return f"nothing for {label} to be {relation}"
        for one in group:
            for anchor in anchors:
                if relation not in (true := relations(one.box, anchor.box)):
                    shown = " and ".join(sorted(true)) or "nowhere clear of"
                    return f"{label} {shown} {anchor.label} where {relation} was asked"
    return ""


def _once(things: Sequence[Thing], same: float | None) -> list[Thing]:
    if same is None:
        return list(things)
    boxes = np.array([one.box for one in things])
    ious = box_ious(boxes, boxes)
    kept: list[int] = []
    for place in range(len(things)):
        if all(ious[place, other] < same for other in kept):
            kept.append(place)
    return [things[place] for place in kept]


def _row(name: str, items: Sequence[Item]) -> Row:
    strict = [item.score.details["strict"] for item in items if "strict" in item.score.details]
    by_prompt: dict[str, list[float]] = {}
    for item in items:
        if item.score.value is not None:
            by_prompt.setdefault(item.ask.id, []).append(item.score.value)
    values = [value for some in by_prompt.values() for value in some]
    more: dict[str, Any] = {"wilson": wilson(round(sum(values)), len(values))}
    if values:
        more["strict"] = sum(strict) / len(strict)
        more["any of a prompt"] = sum(map(max, by_prompt.values())) / len(by_prompt)
    return average(name, items, more=more)
