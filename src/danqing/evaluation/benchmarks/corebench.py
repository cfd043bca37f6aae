"""T2I-CoReBench: checklists of four ways to compose and eight to reason.

Follows Li et al. 2026 (ICLR 2026) and its published evaluation (KlingTeam/T2I-CoReBench, commit
ebf7b7a), whose judges are Gemini 2.5 Flash and networks of the Qwen series. What they are told
beside the prompt and a question is read from its `evaluate.py`. A picture's score is its share of
yes, a dimension's the mean over pictures, and the overall score the mean of the twelve.

Officially an answer is yes if the word `yes` is in it, else no if `no` is, both in small letters
(what Gemini says is put into these before), and else the question is left out; so are pictures
without an answer, and such as are not there. Fixed takes the first word, whatever its letters, and
counts no for what is missing or cannot be read. An answer that is empty is asked for three times.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.asking import fingerprint, said, texts, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, benchmarks, seeds
from danqing.evaluation.checklist import checked, unseen
from danqing.evaluation.folder import document, quoted
from danqing.evaluation.table import Table, Value, average, categories, macro
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat, Question
from danqing.scorers.replies import spoken, yes

DIMENSIONS: Final = (
    "C-MI", "C-MA", "C-MR", "C-TR",
    "R-LR", "R-BR", "R-HR", "R-PR", "R-GR", "R-AR", "R-CR", "R-RR",
)  # fmt: skip
"""Composition (C) and reasoning (R), by the names of their files."""


@benchmarks.register("corebench")
@dataclass(frozen=True, kw_only=True)
class CoReBench:
    """1,080 prompts with 13,536 questions about their pictures."""

    version: ClassVar = 1
    judges: ClassVar = ("gemini-2.5-flash", "Qwen3.5-35B-A3B", "Qwen3.5-9B")
    mode: Mode = "fixed"
    folder: Path
    """A clone of the benchmark's repository."""
    judge: AnyChat
    """Who answers."""
    seeds: int = 4
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt with its questions; its category is its dimension.

        Raises:
            SourceError: the folder lacks a file, or a prompt its questions.
        """
        return [
            self._ask(id, name, record)
            for name in DIMENSIONS
            for id, record in document(self.folder, f"{name}.json").items()
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the answers to all questions of the prompt."""
        asked = (
            Question(
                text=f'Prompt: "{ask.prompt}"\nQuestion: "{question}"',
                images=(image,),
                system=self._rules,
                lossless=True,
            )
            for question in ask.data["questions"]
        )
        found = said(self.judge, asked, legible=lambda a: spoken(a.text).strip() != "", tries=3)
        return {"answers": found}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's share of yes."""
        questions = ask.data["questions"]
        return [
            unseen(self.mode, questions) if s is None else
            self._score(questions, texts(s["answers"]))
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the score of each dimension, and means of dimensions."""
        kinds = {"composition": "C-", "reasoning": "R-"}
        rows = [
            *categories(items, lambda name, some: average(name, some, _percent())),
            *(macro(name, items, _percent(start)) for name, start in kinds.items()),
            macro("overall", items, _percent()),
        ]
        return Table(rows, "overall", "percent")

    def _score(self, questions: Sequence[str], answers: Sequence[str]) -> Score:
        if self.mode == "fixed":
            return checked(questions, [yes(text) for text in answers])
        heard = list(map(_official, answers))
        told = [pair for pair in zip(questions, heard, strict=True) if pair[1] is not None]
        if not told:
            return Score(None, "no question has an answer")
        return checked(*zip(*told, strict=True), unread=heard.count(None))

    def _ask(self, id: str, name: str, record: Mapping[str, Any]) -> Ask:
        try:
            prompt, questions = record["Prompt"], [one["question"] for one in record["Checklist"]]
            if not questions:
                raise LookupError("a checklist is empty")
        except (LookupError, TypeError) as error:
            raise SourceError(
                f"prompts must have a Prompt and a Checklist, got {record!r} as {id}; "
                f"get {name}.json again."
            ) from error
        return Ask(
            id=id,
            prompt=prompt,
            category=name,
            seeds=seeds("corebench@1", id, self.seeds),
            data={"questions": questions, "rules": fingerprint(self._rules)},
        )

    @cached_property
    def _rules(self) -> str:
        return quoted(self.folder, "evaluate.py", "Ambiguity")


def _official(answer: str) -> bool | None:
    """Return what the script reads: `yes` anywhere, else `no` anywhere."""
    words = re.findall(r"\b(?:yes|no)\b", spoken(answer))
    return "yes" in words if words else None


def _percent(start: str = "") -> Value:
    def value(item: Item) -> float | None:
        if item.score.value is None or not item.ask.category.startswith(start):
            return None
        return 100 * item.score.value

    return value
