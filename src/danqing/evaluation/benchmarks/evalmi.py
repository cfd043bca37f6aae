"""EvalMi-50K's prompts as a benchmark: 2,100 of 20 kinds, each with questions of yes or no.

The figure is the share of questions whose answer is yes, as people gave it for 24 models (see
`danqing.evaluation.evalmi`, which also validates metrics). The other two figures of LMM4LMM,
perception and correspondence, need its own networks, which are not ours.

Officially an answer with `yes` anywhere in it is one, and what is missing is left out; fixed wants
the first word to be yes, and counts no for what is missing. People's share weighs each question
the same, and so do the rows here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.asking import PHRASE, phrased, said, texts, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, benchmarks, seeds
from danqing.evaluation.checklist import checked, pooled_yes, unseen
from danqing.evaluation.sheet import sheet
from danqing.evaluation.table import Table, categories
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat
from danqing.scorers.replies import yes

PROMPTS: Final = {"en": "Englishall.txt", "zh": "Chineseall.txt"}
TASKS: Final = "prompt_tasks.jsonl"
QUESTIONS: Final = "question.xlsx"


@benchmarks.register("evalmi")
@dataclass(frozen=True, kw_only=True)
class EvalMi:
    """2,100 prompts with questions about their pictures."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    folder: Path
    """Where the benchmark's prompts, tasks and questions lie."""
    judge: AnyChat
    """Who answers."""
    phrase: str = PHRASE
    """How a question is asked."""
    language: Literal["en", "zh"] = "en"
    """Language of the prompts; questions are English."""
    seeds: int = 1
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, phrase=self.phrase)

    def asks(self) -> Sequence[Ask]:
        """Return all prompts, named by their numbers from 1 as the published pictures are.

        A prompt of several dimensions, which has a plus sign in its tag, is `complex`.

        Raises:
            SourceError: a file is not there, or files do not have as many prompts each.
        """
        prompts = _text(self.folder / PROMPTS[self.language])
        tags = [str(record["tag"]) for record in listing.lines(self.folder / TASKS)]
        asked = [
            [str(row[key]) for key in row if key.startswith("question") and row[key]]
            for row in sheet(self.folder / QUESTIONS)
        ]
        if not len(prompts) == len(tags) == len(asked):
            raise SourceError(
                f"files of EvalMi must have as many prompts each, got {len(prompts)}, "
                f"{len(tags)} and {len(asked)}; check {self.folder}."
            )
        return [
            Ask(
                id=f"{number:04d}",
                prompt=prompt,
                category="complex" if "+" in tag else tag,
                language=self.language,
                seeds=seeds("evalmi@1", str(number), self.seeds),
                data={"tag": tag, "questions": questions},
            )
            for number, (prompt, tag, questions) in enumerate(
                zip(prompts, tags, asked, strict=True), 1
            )
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the answers to all questions of the prompt."""
        asked = phrased(self.phrase, image, ask.data["questions"])
        return {"answers": said(self.judge, asked)}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the share of yes."""
        questions = ask.data["questions"]
        return [
            unseen(self.mode, questions) if s is None else
            checked(questions, list(map(self._heard, texts(s["answers"]))))
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the share of yes of each kind and of all."""
        return Table([*categories(items, pooled_yes), pooled_yes("yes", items)], "yes")

    def _heard(self, answer: str) -> bool | None:
        return "yes" in answer.lower() if self.mode == "official" else yes(answer)


def _text(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except OSError as error:
        raise SourceError(
            f"prompts must be a file with one a line, got {path}; check the folder."
        ) from error
