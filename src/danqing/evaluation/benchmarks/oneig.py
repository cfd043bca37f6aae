"""OneIG-Bench's alignment: questions of yes or no that depend on each other, in two languages.

Follows the code of OneIG-Benchmark (41b4983, `scripts/alignment`; see `danqing.evaluation.oneig`),
whose judge is Qwen2.5-VL-7B. A question whose parent was answered no counts as no. Parents count
as they were answered: unlike in DPG-Bench, no reaches children, not their children.

Officially an answer is yes only if it is exactly `Yes`, without a full stop; fixed takes its first
word.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.asking import phrased, said, texts, who
from danqing.evaluation.benchmark import Ask, Seen, benchmarks
from danqing.evaluation.checklist import checked, heeded
from danqing.evaluation.folder import document
from danqing.evaluation.oneig import Part, black
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat
from danqing.scorers.replies import yes

PHRASE: Final = "{question}. Please answer 'Yes' or 'No' only."
"""How the benchmark's own script asks."""


@benchmarks.register("oneig")
@dataclass(frozen=True, kw_only=True)
class OneIG(Part):
    """695 prompts of people, things and anime, in Chinese also 200 of other cultures."""

    version: ClassVar = 1
    judges: ClassVar = ("Qwen2.5-VL-7B-Instruct",)
    headline: ClassVar = "alignment"
    judge: AnyChat
    """Who answers."""
    phrase: str = PHRASE
    """How a question is asked."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, phrase=self.phrase)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt with its questions.

        Raises:
            SourceError: the folder lacks a file, or a prompt its questions.
        """
        also = ("multilingualism",) if self.language == "zh" else ()
        sets = ("anime", "human", "object", *also)
        suffix = "_zh" if self.language == "zh" else ""
        lists = {name: document(self.folder, f"{name}{suffix}.json") for name in sets}
        return [
            self.ask(name, row, name, questions=_questions(lists[name], row["id"], self.folder))
            for name, row in self.prompts(*sets)
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the answers to all questions; nobody is asked about a black picture."""
        dark = black(image)
        asked = [] if dark else [question["text"] for question in ask.data["questions"]]
        return {"black": dark, "answers": said(self.judge, phrased(self.phrase, image, asked))}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's share of questions that hold with their parents."""
        return self.each(seen, lambda s: self._score(ask.data["questions"], s))

    def _score(self, questions: Sequence[Mapping[str, Any]], seen: Seen) -> Score:
        heard = [yes(text, self.mode, exact="Yes") for text in texts(seen["answers"])]
        numbers = [question["number"] for question in questions]
        given = {n: float(answer is True) for n, answer in zip(numbers, heard, strict=True)}
        parents = {question["number"]: question["parents"] for question in questions}
        held = heeded(given, parents, onward=False)
        return checked(
            [question["text"] for question in questions],
            [held[number] == 1 for number in numbers],
            unread=heard.count(None),
        )


def _questions(lists: Any, id: str, folder: Path) -> list[dict[str, Any]]:
    """Return the questions of a prompt as plain data."""
    try:
        # Both tables are JSON in a text.
        asked, above = (json.loads(lists[id][key]) for key in ("question", "dependency"))
        found: list[dict[str, Any]] = [
            {
                "number": int(number),
                "parents": [int(parent) for parent in above[number] if parent],
                "text": str(text),
            }
            for number, text in asked.items()
        ]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"prompts must have questions with their dependency, got none for {id} in {folder}; "
            "get the files again."
        ) from error
    known = {question["number"] for question in found}
    if not found or not known.issuperset(p for question in found for p in question["parents"]):
        raise SourceError(
            f"parents must be questions, got others for {id} in {folder}; get the files again."
        )
    return found
