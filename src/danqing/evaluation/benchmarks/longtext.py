"""LongText-Bench: posters, slides and pages with several sentences, in English or Chinese.

Follows the code of X-Omni (2b8237b, `textbench/`; arXiv 2507.22058), whose reader is
Qwen2.5-VL-7B (here the reader `chat`); with another one, scores are near those of papers and not
the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from danqing.evaluation import benchmark
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, evenly
from danqing.evaluation.data import Origin
from danqing.evaluation.reading import ReadingBenchmark, detail, share
from danqing.evaluation.readings import in_order
from danqing.evaluation.table import Row, Table, categories, micro
from danqing.evaluation.words import KEYWORDS, overlap, spaced, unspaced, without
from danqing.scorers.base import Score

ORIGIN: Final = Origin(
    name="longtext",
    repository="X-Omni-Team/X-Omni",
    commit="2b8237bb3789638c290eeda3e83ed81bd3652c3b",
    folder="textbench",
    licence="Apache-2.0",
    files={
        "text_prompts.jsonl": "a2130769e72bd8560470a066114cdac87f80f1eb071ba6bc0f7033225a9be0d8",
        "text_prompts_zh.jsonl": "6512cd121ac093e8113e114d76eb2c0ce967c220b18e2049e1063554ce496758",
    },
)

_FILES: Final = {"en": "text_prompts.jsonl", "zh": "text_prompts_zh.jsonl"}
_TAKEN_OUT: Final = ("No text recognized.",)
"""Officially: the code starts from the raw text for each keyword, so only the last one goes."""
_TOKENS: Final = 1024
"""In which its reader answers."""


@benchmarks.register("longtext")
@dataclass(frozen=True, kw_only=True)
class LongText(ReadingBenchmark):
    """Words (English) or characters (Chinese) that were read, of all that were asked for.

    Neither their order nor what else was read matters. Unlike `official`, `fixed` takes out both
    keywords that a chat makes up, with or without a full stop, and counts a picture that is not
    there as empty.
    """

    version: ClassVar = 1
    judges: ClassVar = ("Qwen2.5-VL-7B-Instruct",)
    seeds: int = 4
    """Pictures of each prompt."""
    language: Literal["en", "zh"] = "en"
    """Which half of the benchmark."""

    def asks(self) -> Sequence[Ask]:
        """Return 160 prompts: eight kinds of scenes, half of them with longer texts.

        Raises:
            SourceError: the benchmark's data are not there.
        """
        lines = ORIGIN.read(_FILES[self.language], self.data).splitlines()
        # Ids have gaps: lines must not be counted instead.
        return evenly([self._ask(json.loads(line)) for line in lines if line.strip()], self.count)

    def _ask(self, record: dict[str, object]) -> Ask:
        id = f"{record['prompt_id']:04d}"
        return Ask(
            id=id,
            prompt=str(record["prompt"]),
            category=str(record["category"]),
            language=self.language,
            seeds=benchmark.seeds(f"longtext@1, {self.language}", id, self.seeds),
            data=record,
        )

    def texts(self, ask: Ask) -> Sequence[str]:
        """Return the sentences."""
        return ask.data["text"]

    def tokens(self, ask: Ask) -> int:
        """Return how many tokens the benchmark's own reader may answer in."""
        return _TOKENS

    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return the share of words or characters that were read."""
        if seen is None and self.mode == "official":
            return Score(None, "there is no picture, and official means leave it out")
        read = " ".join(in_order(seen)) if seen else ""
        target = self._parts(" ".join(self.texts(ask)))
        keywords = _TAKEN_OUT if self.mode == "official" else KEYWORDS
        parts = self._parts(without(read, keywords))
        matched = overlap(parts, target)
        what = "words" if self.language == "en" else "characters"
        return share(matched, len(target), what, {"matched": matched, "wanted": len(target)})

    def _parts(self, text: str) -> Sequence[str]:
        return spaced(text).lower().split() if self.language == "en" else unspaced(text)

    def table(self, items: Sequence[Item]) -> Table:
        """Return the sum of matches over the sum of targets."""
        lengths = [_row(name, [item for item in items if item.ask.data["length"] == name])
                   for name in ("short", "long")]  # fmt: skip
        rows = [*categories(items, _row), *lengths, _row("text score", items)]
        return Table(rows, "text score")


def _row(name: str, items: Sequence[Item]) -> Row:
    return micro(name, items, detail("matched"), detail("wanted"))
