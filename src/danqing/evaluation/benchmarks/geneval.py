"""GenEval: whether the things asked for are there, as many, of their colours, in their places.

Follows Ghosh et al. 2023 (arXiv:2310.11513) and its published evaluation (djghosh13/geneval, commit
af4902f). Its detector of mmdet 2 is not ours, the network that names colours is; results say who
looked, and only results of the same eyes are to be compared.

Officially nothing is done about a thing that is found twice, pictures that are missing are left
out, and every prompt has the seed 42, from which four pictures are drawn one after another; where
pictures have a seed each, these are 42 to 45. Fixed drops of two things of a class that overlap by
0.9 or more the less sure one, counts what is missing as wrong, and gives each prompt its own seeds.

Officially again, more things than asked for harm nothing outside `counting`. The figure `strict`
beside each score also wants no more of them. Things of other classes harm neither figure: a table
under the fork that was asked for is no mistake.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.measures.clauses import CONFIDENCE, MOST, counted, no_more, verdict
from danqing.evaluation.stats import wilson
from danqing.evaluation.table import Row, Table, average, categories, detail, macro
from danqing.scorers.base import Score
from danqing.scorers.embed import AnyEmbedder, Towers
from danqing.scorers.instances import AnyDetector, Instance, Mask2Former
from danqing.scorers.things import Thing, called, colors, thing

SAME: Final = 0.9
"""IoU from which two things of a class are one, in mode fixed and for `strict`."""


@benchmarks.register("geneval")
@dataclass(frozen=True, kw_only=True)
class GenEval:
    """553 prompts of six kinds, judged by a detector."""

    version: ClassVar = 1
    judges: ClassVar = ("mask2former_swin-s-p4-w7-224_lsj_8x2_50e",)
    mode: Mode = "fixed"
    data: Path
    """The benchmark's `evaluation_metadata.jsonl`."""
    detector: AnyDetector = field(default_factory=Mask2Former)
    """Who finds things."""
    embedder: AnyEmbedder = field(default_factory=Towers)
    """Who tells their colours; officially CLIP ViT-L/14 by OpenAI."""
    seeds: int = 4
    """Pictures of each prompt."""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise RecipeError(f"seeds must be at least 1, got {self.seeds}; raise it.")

    @property
    def looker(self) -> str:
        """Who finds things, and who tells their colours."""
        eyes = {"detector": self.detector.identity, "colors": self.embedder.identity}
        return json.dumps(eyes, sort_keys=True)

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
        """Return all things that were found, with colours where the prompt says one."""
        (instances,) = self.detector.detect([image])
        found: dict[str, list[Instance]] = {}
        for one in instances:
            found.setdefault(called(one.label), []).append(one)
        colored = {clause["class"] for clause in ask.data["include"] if "color" in clause}
        things = [
            Thing(label, one.confidence, one.box, color).record
            for label, some in found.items()
            for one, color in zip_longest(
                some, self._colors(image, label, some) if label in colored else ()
            )
        ]
        return {"things": things, "size": list(image.size)}

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

    def _colors(self, image: Image.Image, label: str, some: Sequence[Instance]) -> list[str]:
        """Return the colours of those things of a class that may count, the surest ones."""
        sure = [one for one in some if one.confidence > CONFIDENCE][:MOST]
        return colors(self.embedder, image, sure, label)

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
