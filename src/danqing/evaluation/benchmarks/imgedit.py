"""ImgEdit-Bench, basic suite: edits of nine types, judged by a rubric for each.

Follows Ye et al. 2025, "ImgEdit" (arXiv:2505.20275), and its published evaluation (PKU-YuanGroup/
ImgEdit, commit 547185d). A judge (GPT-4o on the published board) sees the rubric, then the source
and the edited picture, and gives three numbers from 1 to 5. An edit's score is their mean, a type's
the mean of its edits, the headline the plain mean of the types.

Officially (its mistakes):
- every line `anything: digits` counts, however many there are and whatever the number;
- the rubrics tell the judge that no number may be higher than the first; nothing sees to it;
- an edit's score is rounded to two decimals;
- an answer without such a line is left out. A picture that is missing, or a refusal, stops the
  script; here they are left out, too.
Fixed takes the three numbers that the rubric names, lowers those that are higher than the first,
and counts 1, the worst, for an answer that has them not, a refusal, and a missing picture.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.asking import fingerprint, said, texts, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.table import Table, average, categories, macro
from danqing.scorers.base import Score
from danqing.scorers.chat import Answer, AnyChat, Question
from danqing.scorers.replies import digit_lines, scores

PLACE: Final = "<edit_prompt>"
"""Where the instruction of an edit stands in a rubric."""
COUNT: Final = 3
WORST: Final = 1.0
_NAMED: Final = re.compile(r"^(.+): A number from 1 to 5\b", re.MULTILINE)
"""How a rubric names what is rated."""


@benchmarks.register("imgedit")
@dataclass(frozen=True, kw_only=True)
class ImgEdit:
    """737 edits of nine types."""

    version: ClassVar = 1
    judges: ClassVar = ("gpt-4o",)
    mode: Mode = "fixed"
    data: Path
    """The benchmark's `basic_edit.json`."""
    rubrics: Path
    """Its `prompts.json`, with a rubric for each type."""
    images: Path
    """The folder of its sources."""
    judge: AnyChat
    """Who judges."""
    seeds: int = 1
    """Pictures of each edit."""

    @property
    def looker(self) -> str:
        """Who judges, by which rubrics."""
        return who(self.judge, rubrics=fingerprint(json.dumps(_table(self.rubrics))))

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each edit, named as the benchmark's files are, with what is rated.

        Raises:
            SourceError: a file is not there, or lacks something.
        """
        rated = {kind: _NAMED.findall(str(text)) for kind, text in _table(self.rubrics).items()}
        if any(len(names) != COUNT for names in rated.values()):
            raise SourceError(
                f"rubrics must name {COUNT} numbers from 1 to 5 each, got "
                f"{ ({kind: len(names) for kind, names in rated.items()}) }; check {self.rubrics}."
            )
        try:
            return [
                Ask(
                    id=id,
                    prompt=edit["prompt"],
                    category=edit["edit_type"],
                    seeds=seeds("imgedit@1", id, self.seeds),
                    sources=(self.images / edit["id"],),
                    data={"rated": rated[edit["edit_type"]]},
                )
                for id, edit in _table(self.data).items()
            ]
        except (KeyError, TypeError) as error:
            raise SourceError(
                "edits must have an id, a prompt and an edit_type with a rubric, got none for "
                f"{error}; check {self.data}."
            ) from error

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return what the judge says of the source and the edited picture."""
        question = Question(
            text=_table(self.rubrics)[ask.category].replace(PLACE, ask.prompt),
            images=(listing.picture(ask.sources[0]).convert("RGB"), image),
            text_first=True,
        )
        return {"answers": said(self.judge, [question], legible=partial(_legible, ask), tries=2)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's score, from 1 to 5."""
        return [
            absent(self.mode, WORST) if s is None else self._score(ask, texts(s["answers"])[0])
            for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the types and their plain mean."""
        return Table([*categories(items, average), macro("overall", items)], "overall", "points")

    def _score(self, ask: Ask, text: str) -> Score:
        numbers = _numbers(ask, text, self.mode)
        if not numbers:
            value = None if self.mode == "official" else WORST
            return Score(value, f"there are no numbers in {text[:160]!r}", {"unread": 1})
        if self.mode == "official":
            value = round(sum(numbers) / len(numbers), 2)
        else:
            value = sum(min(number, numbers[0]) for number in numbers) / len(numbers)
        return Score(value, text, {"numbers": numbers, "unread": 0})


def _numbers(ask: Ask, text: str, mode: Mode) -> list[float]:
    """Return the numbers in an answer; none: it has none that can be read."""
    if mode == "official":
        return [float(number) for number in digit_lines(text)]
    return list((scores(text, ask.data["rated"], 1.0, 5.0) or {}).values())


def _legible(ask: Ask, answer: Answer) -> bool:
    return any(_numbers(ask, answer.text, mode) for mode in get_args(Mode))


def _table(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise SourceError(f"data must be a file with a JSON object, got {path}; check its path.")
    return found
