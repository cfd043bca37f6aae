"""DPG-Bench: long prompts, asked about by questions of yes or no that depend on each other.

Follows Hu et al. 2024, "ELLA" (arXiv:2403.05135), and its published evaluation (TencentQQGYLab/
ELLA, commit 3c228f1). A question whose parent was answered no counts as no, too, and so do its own
children: questions are walked in their order, and what is set to 0 is seen by those that follow.
A picture's score is the mean over its questions, DPG that over pictures, in percent.

Officially (its mistakes, of which issues 60 and 61 of its repository tell):
- an answer counts only if it is exactly `yes`;
- the first question of the file is lost; where another one has it as its parent, the script stops
  at the picture, and leaves it out;
- a prompt of which a picture is missing is left out;
- categories are of each prompt's last picture alone, and of answers as they were given, whatever
  their parents'.
Fixed counts an answer whose first word is yes, keeps all questions, counts no for what is missing,
and takes categories from all pictures with parents heeded.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.asking import PHRASE, phrased, said, texts, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, benchmarks, seeds
from danqing.evaluation.checklist import checked, heeded
from danqing.evaluation.table import Row, Table, average, micro
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat
from danqing.scorers.replies import yes

QUESTIONS: Final = "dpg_bench.csv"
PROMPTS: Final = "prompts"

Answers = Mapping[int, float]
"""1 or 0 by the number of the question."""


@benchmarks.register("dpg")
@dataclass(frozen=True, kw_only=True)
class DPG:
    """1,065 long prompts, judged by answers to questions."""

    version: ClassVar = 1
    judges: ClassVar = ("mplug_visual-question-answering_coco_large_en",)
    mode: Mode = "fixed"
    folder: Path
    """The benchmark's own, with `dpg_bench.csv` and `prompts`."""
    judge: AnyChat
    """Who answers."""
    phrase: str = PHRASE
    """How a question is asked."""
    seeds: int = 4
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, phrase=self.phrase)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt with its questions; its kind is where it comes from.

        Raises:
            SourceError: the folder lacks something.
        """
        return [
            Ask(
                id=id,
                prompt=_prompt(self.folder / PROMPTS / f"{id}.txt"),
                category=re.sub(r"\d+$", "", id) or "coco",
                seeds=seeds("dpg@1", id, self.seeds),
                data={"questions": questions},
            )
            for id, questions in _questions(self.folder / QUESTIONS, self.mode).items()
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the answers to all questions of the prompt, in their order."""
        asked = phrased(self.phrase, image, (q["text"] for q in ask.data["questions"]))
        return {"answers": said(self.judge, asked)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's share of questions that hold with all their parents."""
        if self.mode == "official" and any(s is None for s in seen):
            return [Score(None, "a picture of the prompt is missing")] * len(seen)
        return [self._score(ask, s) for s in seen]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the categories of both levels, and DPG."""
        shown = items
        if self.mode == "official":
            shown = list({item.ask.id: item for item in items}.values())
        kinds = sorted({q["kind"] for item in items for q in item.ask.data["questions"]})
        broad = sorted({_broad(kind) for kind in kinds})
        rows = [
            *(self._row(name, shown, {k for k in kinds if _broad(k) == name}) for name in broad),
            *(self._row(name, shown, {name}) for name in kinds if name not in broad),
            average("DPG", items, _percent),
        ]
        return Table(rows, "DPG", "percent")

    def _score(self, ask: Ask, seen: Seen | None) -> Score:
        questions = ask.data["questions"]
        numbers = [int(q["number"]) for q in questions]
        if seen is None:
            no = dict.fromkeys(numbers, 0.0)
            return Score(0.0, "there is no picture", _details(no, no, 0))
        heard = [yes(text, self.mode, exact="yes") for text in texts(seen["answers"])]
        given = {n: float(answer is True) for n, answer in zip(numbers, heard, strict=True)}
        try:
            held = heeded(given, {int(q["number"]): q["parents"] for q in questions})
        except KeyError as error:
            return Score(None, f"question {error.args[0]} is lost, on which others depend")
        words = {int(q["number"]): q["text"] for q in questions}
        told = _details(given, held, heard.count(None))
        return checked(list(words.values()), [held[number] == 1 for number in words], **told)

    def _row(self, name: str, items: Sequence[Item], kinds: set[str]) -> Row:
        which = "given" if self.mode == "official" else "held"

        def count(item: Item) -> float | None:
            return float(sum(q["kind"] in kinds for q in item.ask.data["questions"]))

        def hold(item: Item) -> float | None:
            told = item.score.details.get(which)
            if told is None:
                return None
            mine = [q["number"] for q in item.ask.data["questions"] if q["kind"] in kinds]
            return 100.0 * sum(told[str(number)] for number in mine)

        return micro(name, items, hold, count)


def _questions(path: Path, mode: Mode) -> dict[str, list[dict[str, Any]]]:
    """Return the questions of each prompt as plain data, in the file's order."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        # The script skips what it takes for the header, which its reader has taken before.
        for row in rows[1:] if mode == "official" else rows:
            parents = [int(number) for number in row["dependency"].split(",")]
            found.setdefault(row["item_id"], []).append(
                {
                    "number": int(row["proposition_id"]),
                    "parents": [number for number in parents if number],
                    "kind": row["tuple"].split("(")[0].strip(),
                    "text": row["question_natural_language"],
                }
            )
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SourceError(
            f"questions must be the benchmark's {QUESTIONS}, got {path}; check the folder."
        ) from error
    for id, questions in found.items():
        known = {question["number"] for question in questions}
        for question in questions if mode == "fixed" else ():
            if not known.issuperset(question["parents"]):
                raise SourceError(
                    f"parents must be questions, got {question['parents']} in {id}; mend {path}."
                )
    return found


def _prompt(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SourceError(f"prompts must be text files, got {path}; check the folder.") from error


def _details(given: Answers, held: Answers, unread: int) -> dict[str, Any]:
    # Keys of JSON are texts, and what is scored must not differ from what is read back.
    told = {"given": given, "held": held}
    return {k: {str(n): v for n, v in some.items()} for k, some in told.items()} | {
        "unread": unread
    }


def _broad(kind: str) -> str:
    return kind.split("-")[0].strip()


def _percent(item: Item) -> float | None:
    return None if item.score.value is None else 100 * item.score.value
