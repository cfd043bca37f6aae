"""TIIF-Bench: short and long prompts of 39 kinds, with questions of yes or no.

Follows the code of TIIF-Bench (3aae750, `eval/`; arXiv 2506.02161), whose judge is GPT-4o. It is
asked all questions of a picture at once, and answers one a line; what it is told is the first
template of `eval_with_vlm.py`. An answer is right if it is the one in the benchmark's list. A
kind's accuracy is over all its questions, a group's the mean of its kinds, and the overall score
that of the nine groups, each for short and for long prompts.

The script draws one of three templates for each picture and the judge's words at temperature 1,
so its own figures cannot be made again; set the judge's temperature to 1 to be as uncertain.
Officially an answer without as many lines of yes or no as questions is asked for again without
end; here three times, and then left out, as what is missing is. Fixed also reads lines that are
numbered or marked, and counts all questions as wrong where it cannot, or the picture is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.asking import fingerprint, said, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, benchmarks, seeds
from danqing.evaluation.checklist import checked, unseen
from danqing.evaluation.folder import find, quoted
from danqing.evaluation.table import Table
from danqing.evaluation.tiif import GROUPS, row, shown
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat, Question
from danqing.scorers.replies import yes_lines

LENGTHS: Final = ("short", "long")
SYSTEM: Final = "You are a professional image critic."
"""What the benchmark's own script says first."""
PLACE: Final = "##YNQuestions##"
"""Where questions stand in the script's template."""

_ANSWERS: Final = {"yes": True, "no": False}


@benchmarks.register("tiif")
@dataclass(frozen=True, kw_only=True)
class Tiif:
    """277 prompts, or all 2,538, each short and long."""

    version: ClassVar = 1
    judges: ClassVar = ("gpt-4o", "Qwen2.5-VL-72B-Instruct")
    mode: Mode = "fixed"
    folder: Path
    """A clone of the benchmark's repository."""
    judge: AnyChat
    """Who answers."""
    split: Literal["testmini", "test"] = "testmini"
    """The part that leaderboards have, or all."""
    seeds: int = 1
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, system=SYSTEM)

    def asks(self) -> Sequence[Ask]:
        """Return each prompt twice, short and long; its category is its group and length.

        Raises:
            SourceError: the folder lacks a file, or files do not fit each other.
        """
        template = fingerprint(self._template)
        return [
            Ask(
                id=(id := f"{kind}/{number}/{length}"),
                prompt=prompt[f"{length}_description"],
                category=f"{group}, {length}",
                seeds=seeds(f"tiif@1, {self.split}", id, self.seeds),
                data={"kind": kind, "length": length, "template": template, **asked},
            )
            for group, kinds in GROUPS.items()
            for kind in kinds
            for number, (prompt, asked) in enumerate(self._records(kind))
            for length in LENGTHS
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the answer to all questions of the prompt."""
        text = self._template.replace(PLACE, "\n".join(ask.data["questions"]))
        asked = Question(text=text, images=(image,), system=SYSTEM, text_first=True, lossless=True)
        count = len(ask.data["questions"])
        found = said(
            self.judge,
            [asked],
            legible=lambda a: yes_lines(a.text, count, "official") is not None,
            tries=3,
        )
        return {"answers": found}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's share of right answers."""
        return [
            unseen(self.mode, ask.data["questions"]) if s is None else self._score(ask, s)
            for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return groups, means of their kinds, and the mean of groups, for both lengths."""
        rows = [
            row(
                f"{name}, {length}",
                [item for item in items if item.ask.data["length"] == length],
                groups,
            )
            for length in LENGTHS
            for name, groups in shown()
        ]
        return Table(rows, "overall, short")

    def _score(self, ask: Ask, seen: Seen) -> Score:
        questions, right = ask.data["questions"], ask.data["answers"]
        heard = yes_lines(seen["answers"][0]["text"], len(questions), self.mode)
        if heard is not None:
            agreed = [told == wanted for told, wanted in zip(heard, right, strict=True)]
            return checked(questions, agreed)
        if self.mode == "official":
            return Score(None, "there are not as many answers as questions")
        return checked(questions, [None] * len(questions))

    def _records(self, kind: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return the prompts of a kind, each with its questions and right answers."""
        prompts = list(listing.lines(self._prompts / f"{kind}_prompts.jsonl"))
        asked = list(listing.lines(self._questions / f"{kind}_eval_prompts.jsonl"))
        try:
            return [
                (
                    {key: str(prompt[key]) for key in map("{}_description".format, LENGTHS)},
                    _asked(record),
                )
                for prompt, record in zip(prompts, asked, strict=True)
            ]
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise SourceError(
                f"prompts of {kind} must be short and long, with questions and answers of yes or "
                f"no for each, got others in {self.folder}; get the files again."
            ) from error

    @cached_property
    def _prompts(self) -> Path:
        return find(self.folder, f"{self.split}_prompts")

    @cached_property
    def _questions(self) -> Path:
        return find(self.folder, f"{self.split}_eval_prompts")

    @cached_property
    def _template(self) -> str:
        return quoted(self.folder, "eval_with_vlm.py", PLACE)


def _asked(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the questions of a prompt with their right answers."""
    questions = [text.strip() for text in record["yn_question_list"]]
    answers = [_ANSWERS[text.strip().lower()] for text in record["yn_answer_list"]]
    if not questions or len(questions) != len(answers):
        raise ValueError("a question has no answer, or there is none")
    return {"questions": questions, "answers": answers}
