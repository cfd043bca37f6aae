"""OneIG-Bench's dimension Text Rendering, in English or Chinese.

Follows the code of OneIG-Benchmark (41b4983, `scripts/text`; arXiv 2506.07977), whose reader is
Qwen2.5-VL-7B. Pictures are read as they were painted: its grids of JPEG are left out.
"""

import ast
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np

from danqing.evaluation import benchmark
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, evenly
from danqing.evaluation.data import Origin
from danqing.evaluation.reading import ReadingBenchmark, detail
from danqing.evaluation.readings import in_order
from danqing.evaluation.table import Table, average, micro, pooled
from danqing.evaluation.words import KEYWORDS, has_chinese, overlap, spaced, unspaced, without
from danqing.scorers.base import Score
from danqing.scorers.ocr import distance

ORIGIN: Final = Origin(
    name="oneig",
    repository="OneIG-Bench/OneIG-Benchmark",
    commit="41b49831e79e6dde5323618c164da1c4cf0f699d",
    folder="scripts",
    licence="none stated",
    files={
        "text/text_content.csv": "ffbf0b588c617b77caf1e9a733496ff5b4704b6534df5fba13201a83f21e0512",
        "text/text_content_zh.csv": (
            "6250b3be96e9c4fd4c9cb858dd36b5b2dc4fc8fccb8e4ed0317f5da392db9a1a"
        ),
    },
)

_FILES: Final = {
    "en": ("text/text_content.csv", "prompt_en"),
    "zh": ("text/text_content_zh.csv", "prompt_cn"),
}
_MOST: Final = {"en": 100, "zh": 50}
"""Edits beyond which a text is not worse."""
_TAKEN_OUT: Final = ("addCriterion", "No text recognized.")
"""What a chat says without its being there, officially."""
_LONG: Final = 60
"""Words of a printed target beyond which its reader may answer at length."""


@benchmarks.register("oneig_text")
@dataclass(frozen=True, kw_only=True)
class OneIGText(ReadingBenchmark):
    """Edit distance (ED), share of pictures without a mistake (CR), share of words read (WAC).

    The score is 1 - min(M, ED) (1 - CR) (1 - WAC) / M of their means over all pictures, with M 100
    for English and 50 for Chinese. In `official`, case counts, the target is a Python list as it is
    printed, line breaks as the letter n included, and pictures that are black or not there leave
    the means. In `fixed`, case does not count, the target is what the list says, and such pictures
    are empty.
    """

    version: ClassVar = 1
    judges: ClassVar = ("Qwen2.5-VL-7B-Instruct",)
    seeds: int = 4
    """Pictures of each prompt."""
    language: Literal["en", "zh"] = "en"
    """Which half of the benchmark."""

    def asks(self) -> Sequence[Ask]:
        """Return 200 prompts.

        Raises:
            SourceError: the benchmark's data are not there.
        """
        file, column = _FILES[self.language]
        rows = csv.DictReader(io.StringIO(ORIGIN.read(file, self.data)))
        return evenly([self._ask(row["id"], row[column], row["text_content"]) for row in rows],
                      self.count)  # fmt: skip

    def _ask(self, id: str, prompt: str, printed: str) -> Ask:
        return Ask(
            id=id,
            prompt=prompt,
            category="text",
            language=self.language,
            seeds=benchmark.seeds(f"oneig_text@1, {self.language}", id, self.seeds),
            data={"printed": printed},
        )

    def texts(self, ask: Ask) -> Sequence[str]:
        """Return what the printed list says."""
        return list(map(str, ast.literal_eval(ask.data["printed"])))

    def tokens(self, ask: Ask) -> int:
        """Return how many tokens the benchmark's own reader may answer in."""
        return 256 if len(ask.data["printed"].split()) > _LONG else 128

    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return the score of one picture, computed as that of all."""
        if self.mode == "official" and (seen is None or seen["black"]):
            return Score(None, "there is no picture, or a black one; official means leave it out")
        keywords = _TAKEN_OUT if self.mode == "official" else KEYWORDS
        read = _plain(without(" ".join(in_order(seen)) if seen else "", keywords))
        if self.mode == "official":
            target = _plain(ask.data["printed"])
        else:
            target, read = _plain(" ".join(self.texts(ask))).casefold(), read.casefold()
        chinese = has_chinese(target)
        parts, wanted = (text if chinese else text.split() for text in (read, target))
        edits, matched = distance(read, target), overlap(parts, wanted)
        details: dict[str, Any] = {
            "ED": edits,
            "CR": float(edits == 0),
            "matched": matched,
            "wanted": len(wanted),
            "one": 1,
        }
        value = float(self._formula(edits, details["CR"], matched, len(wanted), 1))
        return Score(value, f"{edits} edits, {matched} of {len(wanted)} parts", details)

    def _formula(self, edits: Any, right: Any, matched: Any, wanted: Any, pictures: Any) -> Any:
        """Return the score of sums: numbers, or arrays of draws."""
        most = _MOST[self.language]
        missed = 1 - matched / np.maximum(wanted, 1)
        return 1 - np.minimum(most, edits / pictures) * (1 - right / pictures) * missed / most

    def table(self, items: Sequence[Item]) -> Table:
        """Return the three figures and the score that is made of their means."""
        columns = [detail(name) for name in ("ED", "CR", "matched", "wanted", "one")]
        rows = [
            average("ED", items, detail("ED")),
            average("CR", items, detail("CR")),
            micro("WAC", items, detail("matched"), detail("wanted")),
            pooled("text score", items, columns, self._formula),
        ]
        return Table(rows, "text score")


def _plain(text: str) -> str:
    """Return a text as it is compared: one with any Chinese character loses all its spaces."""
    kept = spaced(text)
    return unspaced(text) if has_chinese(kept) else kept
