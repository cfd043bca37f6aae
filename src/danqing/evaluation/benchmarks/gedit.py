"""GEdit-Bench: edits that people wanted, judged for success, restraint and looks.

Follows Liu et al. 2025, "Step1X-Edit" (arXiv:2504.17761), and its published evaluation (stepfun-ai/
Step1X-Edit, commit 570eba6). An edited picture is brought to the size of its source and judged as
`viescore` tells; semantics is the lesser number of the first answer, quality that of the second,
and the score is the root of their product. The headline is the plain mean of the groups' means;
`intersection` is the same of those edits that none of the models of the paper refused.

The judge of the published board is GPT-4.1, which has the text before the pictures; the other one,
Qwen2.5-VL-72B-AWQ, has it behind them. Scores of two judges, or of one in two months, are not to be
compared.

Officially (its mistakes):
- numbers count as they are told, be they more or fewer than two, or beyond 10;
- an answer that cannot be read is asked for again; then, where it has no braces, a number from 0 to
  10 is drawn by chance (here by the edit, so that it stays the same); one with braces is asked for
  without end (here the picture is left out);
- a picture that is missing is left out;
- its statistics look for the language `zh`, where the data say `cn`, so that they find none.
Fixed takes exactly two numbers from 0 to 10, and counts 0 for an answer that has none, for a
refusal, and for a picture that is missing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_args

from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.core.seed import derive
from danqing.evaluation import listing, parquet, viescore
from danqing.evaluation.asking import fingerprint, said, texts, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.table import Row, Table, average, categories, detail, macro
from danqing.scorers.base import Score
from danqing.scorers.chat import Answer, AnyChat, Question

PICTURE: Final = "input_image"
COLUMNS: Final = ("task_type", "key", "instruction", "instruction_language", "Intersection_exist")
LANGUAGES: Final = {"en": "en", "zh": "cn"}
"""What the data call a language."""
WORST: Final = {"semantics": 0.0, "quality": 0.0}


@benchmarks.register("gedit")
@dataclass(frozen=True, kw_only=True)
class GEdit:
    """606 edits in eleven groups, with instructions in English or Chinese."""

    version: ClassVar = 1
    judges: ClassVar = ("gpt-4.1", "Qwen2.5-VL-72B-Instruct-AWQ")
    mode: Mode = "fixed"
    data: Path
    """A folder with the data set's parquet files; or a JSONL file that has its columns, and in
    `input_image` the name of a picture beside it."""
    judge: AnyChat
    """Who judges."""
    rubric: Path | None = None
    """The benchmark's `vie_prompts.py`, from which questions are taken; None: they are our own."""
    text_first: bool = True
    """Whether the judge has the text before the pictures."""
    language: Literal["en", "zh"] = "en"
    """Language of the instructions."""
    seeds: int = 1
    """Pictures of each edit."""

    def __post_init__(self) -> None:
        if self.mode == "official" and self.rubric is None:
            raise RecipeError(
                "rubric must be the benchmark's vie_prompts.py where mode is official, got none; "
                "say where it is, or set mode=fixed."
            )

    @property
    def asked(self) -> viescore.Rubric:
        """What the judge is asked.

        Raises:
            SourceError: the file of the rubric is another one.
        """
        return viescore.OWN if self.rubric is None else viescore.rubric(self.rubric)

    @property
    def looker(self) -> str:
        """Who judges, and what is asked."""
        first = "text" if self.text_first else "pictures"
        return who(self.judge, rubric=fingerprint(repr(self.asked)), first=first)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each edit, named as the benchmark's folders and files are.

        Raises:
            SourceError: the data are not there, or lack something.
        """
        found = [
            Ask(
                id=(id := f"{row['task_type']}/{row['instruction_language']}/{row['key']}"),
                prompt=row["instruction"],
                category=row["task_type"],
                language=self.language,
                seeds=seeds("gedit@1", id, self.seeds),
                sources=(row[PICTURE],),
                data={"intersection": bool(row["Intersection_exist"])},
            )
            for row in _rows(self.data)
            if row["instruction_language"] == LANGUAGES[self.language]
        ]
        if not found:
            raise SourceError(
                f"data must have instructions in {LANGUAGES[self.language]}, got none in "
                f"{self.data}; check its path."
            )
        return found

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the judge's answers about the edit, and about the edited picture."""
        asked = self.asked
        source = listing.picture(ask.sources[0]).convert("RGB")
        edited = image.resize(source.size)
        questions = (
            (asked.edit.replace(viescore.PLACE, ask.prompt), (source, edited)),
            (asked.look, (edited,)),
        )
        return {
            "answers": said(
                self.judge,
                (Question(text=t, images=i, text_first=self.text_first) for t, i in questions),
                legible=_legible,
                tries=2,
            )
        }

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's score, from 0 to 10."""
        return [
            absent(self.mode, details=WORST) if s is None else self._score(ask, number, s)
            for number, s in enumerate(seen)
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the groups, their plain means, and those of the edits that nobody refused."""
        shared = [item for item in items if item.ask.data["intersection"]]
        rows = [
            *categories(items, _row),
            macro("overall", items),
            *(macro(f"overall, {part}", items, detail(part)) for part in WORST),
            macro("intersection", shared),
        ]
        return Table(rows, "overall", "points")

    def _score(self, ask: Ask, number: int, seen: Seen) -> Score:
        parts: dict[str, float] = {}
        unread = 0
        for part, text in zip(WORST, texts(seen["answers"]), strict=True):
            least = viescore.least(text, self.mode)
            unread += least is None
            if least is None and self.mode == "official":
                if viescore.braced(text):
                    return Score(None, f"the script would ask again without end: {text[:160]!r}")
                least = float(derive(0, "gedit", ask.id, number, part) % 11)
            parts[part] = least or 0.0
        reason = ", ".join(f"{part} {value:g}" for part, value in parts.items())
        if unread:
            counted = "drawn" if self.mode == "official" else "0"
            reason += f"; {unread} unread, {counted}"
        return Score(math.sqrt(math.prod(parts.values())), reason, {**parts, "unread": unread})


def _legible(answer: Answer) -> bool:
    return any(viescore.least(answer.text, mode) is not None for mode in get_args(Mode))


def _row(name: str, items: Sequence[Item]) -> Row:
    more = {part: average(part, items, detail(part)).score for part in WORST}
    return average(name, items, more=more)


def _rows(data: Path) -> Iterator[dict[str, Any]]:
    """Yield the edits, each with the path of its source."""
    if data.is_dir() or data.suffix == ".parquet":
        yield from parquet.rows(data, COLUMNS, PICTURE)
        return
    for row in listing.lines(data):
        for key in (PICTURE, *COLUMNS):
            if key not in row:
                raise SourceError(f"lines of {data.name} must have a {key}, got {row!r}; add it.")
        yield row | {PICTURE: data.parent / row[PICTURE]}
