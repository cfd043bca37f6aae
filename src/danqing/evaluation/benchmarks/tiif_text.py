"""TIIF-Bench's words in pictures: how far what was read is from what was asked for (GNED).

Follows the code of TIIF-Bench (3aae750, `eval/cal_gned_and_recall_models.py`; arXiv 2506.02161),
whose reader is PaddleOCR. The repository leaves it to its users to put the words in; here they are
those of its own yes-or-no questions.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from danqing.core.errors import SourceError
from danqing.evaluation import benchmark
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, evenly
from danqing.evaluation.data import Origin
from danqing.evaluation.reading import ReadingBenchmark, detail
from danqing.evaluation.readings import in_order
from danqing.evaluation.table import Row, Table, average, categories, macro
from danqing.evaluation.words import cheapest, unlikeness
from danqing.scorers.base import Score

ORIGIN: Final = Origin(
    name="tiif",
    repository="A113N-W3I/TIIF-Bench",
    commit="3aae7504d2546516eaec2fea82fde9ae445dfea3",
    folder="data",
    licence="none stated",
    files={
        "test_prompts/text_prompts.jsonl": (
            "7cb444bb39ecc5aa8a323b85349992c53431770b9bfa934119ff7150e9566c25"
        ),
        "test_eval_prompts/text_eval_prompts.jsonl": (
            "08fc766b72fe4c24c26796a2c9117c4410862ef21c45ef3c47de8feb1da2df88"
        ),
        "testmini_prompts/text_prompts.jsonl": (
            "6b83ca9879653faacfbc4f456aacc9222b603d35745ffbefeaf942a0a3a396d8"
        ),
        "testmini_eval_prompts/text_eval_prompts.jsonl": (
            "1cd4e38e59f5a960dbab36e86774803e166b9171519c6e7cf16ac30f276887ae"
        ),
    },
)

_QUESTION: Final = re.compile(r"Is the text '(.*)' in the image\?")
_NEAR: Final = 0.3
"""Edits over the longer length, up to which a word counts as read."""


@benchmarks.register("tiif_text")
@dataclass(frozen=True, kw_only=True)
class TiifText(ReadingBenchmark):
    """One minus GNED: words are paired one to one so that edits are fewest.

    Each pair costs its edits over the longer length, each word that is left over costs 1, and the
    sum is divided by the larger count. Case does not matter. Unlike `official`, `fixed` counts a
    picture that is not there as wrong.
    """

    version: ClassVar = 1
    judges: ClassVar = ("paddleocr",)
    split: Literal["testmini", "test"] = "testmini"
    """30 prompts, or 300."""

    def asks(self) -> Sequence[Ask]:
        """Return each prompt twice: in a sentence (`short`) and in a paragraph (`long`).

        Raises:
            SourceError: the benchmark's data are not there, or have questions of another kind.
        """
        prompts = self._lines(f"{self.split}_prompts/text_prompts.jsonl")
        questions = self._lines(f"{self.split}_eval_prompts/text_eval_prompts.jsonl")
        found = [
            self._ask(f"{number}/{length}", length, prompt[f"{length}_description"], asked)
            for number, (prompt, asked) in enumerate(zip(prompts, questions, strict=True))
            for length in ("short", "long")
        ]
        return evenly(found, self.count)

    def _lines(self, file: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in ORIGIN.read(file, self.data).splitlines() if line]

    def _ask(self, id: str, length: str, prompt: str, asked: dict[str, Any]) -> Ask:
        words = [
            match and match[1] for match in map(_QUESTION.fullmatch, asked["yn_question_list"])
        ]
        if None in words:
            raise SourceError(
                f"questions of tiif must ask for the text '...', got others in line {id}; get "
                f"the files of {ORIGIN.repository} at {ORIGIN.commit[:7]}."
            )
        return Ask(
            id=id,
            prompt=prompt,
            category=length,
            seeds=benchmark.seeds(f"tiif_text@1, {self.split}", id, self.seeds),
            data={"texts": words},
        )

    def texts(self, ask: Ask) -> Sequence[str]:
        """Return the words."""
        return ask.data["texts"]

    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return one minus GNED, with GNED and recall."""
        if seen is None and self.mode == "official":
            return Score(None, "there is no picture, and official means leave it out")
        target = [word.lower() for word in self.texts(ask)]
        # Lines are parted at each single space, and no line is one empty word.
        lines = (in_order(seen) if seen else []) or [""]
        read = [word for line in lines for word in line.lower().split(" ")]
        costs = [[unlikeness(word, wanted) for wanted in target] for word in read]
        gned = (cheapest(costs) + abs(len(read) - len(target))) / max(len(read), len(target))
        recall = _recalled(costs) / len(target)
        details = {"GNED": gned, "recall": recall}
        return Score(1 - gned, f"GNED {gned:.3f}, recall {recall:.3f}", details)

    def table(self, items: Sequence[Item]) -> Table:
        """Return means over pictures, and the mean of both lengths."""
        rows = [
            *categories(items, _row),
            macro("recall", items, detail("recall")),
            macro("1 - GNED", items),
        ]
        return Table(rows, "1 - GNED")


def _row(name: str, items: Sequence[Item]) -> Row:
    figures = {key: average(key, items, detail(key)).score for key in ("GNED", "recall")}
    return average(name, items, more=figures)


def _recalled(costs: Sequence[Sequence[float]]) -> int:
    """Return how many targets have a near word; each takes the first one that is still free."""
    free = list(range(len(costs)))
    found = 0
    for wanted in range(len(costs[0])):
        near = next((word for word in free if costs[word][wanted] <= _NEAR), None)
        if near is not None:
            free.remove(near)
            found += 1
    return found
