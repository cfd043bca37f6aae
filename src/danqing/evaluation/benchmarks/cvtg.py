"""CVTG-2K: two to five texts in one picture, plain or with their look described.

Follows the evaluation of TextCrafter (arXiv 2503.23461) as zlab-princeton/i1 (b58a62f) keeps it,
whose reader is PaddleOCR 2.10. Its CLIPScore, VQAScore and aesthetics are not of this part.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Final, Literal

from danqing.evaluation import benchmark
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, evenly
from danqing.evaluation.data import Origin
from danqing.evaluation.reading import ReadingBenchmark, detail, share
from danqing.evaluation.readings import in_order
from danqing.evaluation.table import Row, Table, categories, micro
from danqing.evaluation.words import overlap
from danqing.scorers.base import Score
from danqing.scorers.ocr import distance

Subset = Literal["CVTG", "CVTG-Style"]

ORIGIN: Final = Origin(
    name="cvtg2k",
    repository="zlab-princeton/i1",
    commit="b58a62f4a301370f35c5873bcb453bf7eea9f0e4",
    folder="benchmark_eval/cvtg-2k/prompts",
    licence="none stated; made by NJU-PCALab",
    files={
        "CVTG/2.json": "e8aa98a4f5d609f8699131328876760fbbf33db8320770188fc3979f3fa345c8",
        "CVTG/3.json": "36fca11a221236643ed9595d5302884db01e832309a61b230fab3eefdeff1be0",
        "CVTG/4.json": "24fb02addf2caae050d2e67e29af98fe10d1e086093cf43d3592bcdac8557c2c",
        "CVTG/5.json": "24d5a3afc060477cdcf5b678018d81c78e18dc0054aafacf8b02a69ae24118b2",
        "CVTG-Style/2.json": "61324577c690c4383597fffe53614d87088be108a3e577288d8e8baf71381489",
        "CVTG-Style/3.json": "26a92b4a53e5dc497317fb3a219121790b7a7c9da10b87b8dd3633fcadff0f97",
        "CVTG-Style/4.json": "1d1fe6c367191fd8a3939687f70b3e8bda83c0539344977506e09e2732e4e3ff",
        "CVTG-Style/5.json": "da102c0239726d1fcdf3f4cfccacd34e71d4c0a588e5a893f4bc94b03fff353a",
    },
)

_AREAS: Final = (2, 3, 4, 5)
_QUOTED: Final = re.compile(r"'(.*?)'")
"""Texts are what stands in single quotes, apostrophes included; their punctuation counts."""


@benchmarks.register("cvtg")
@dataclass(frozen=True, kw_only=True)
class Cvtg(ReadingBenchmark):
    """Words that were read, of all that were asked for, and how near the nearest ones are (NED).

    In `official`, a word is right if it was read anywhere: one that was read serves all that ask
    for it, what else was read costs nothing, and the nearest word is that of `difflib`. In `fixed`,
    each word serves once, the share of read words that were asked for is reported (precision), the
    nearest word is that of the fewest edits, and a picture that is not there is wrong.
    """

    version: ClassVar = 1
    judges: ClassVar = ("paddleocr",)
    subsets: tuple[Subset, ...] = ("CVTG", "CVTG-Style")
    """Plain prompts, and those that say what each text looks like."""

    def asks(self) -> Sequence[Ask]:
        """Return 2,000 prompts by subset and number of texts.

        Raises:
            SourceError: the benchmark's data are not there.
        """
        return evenly(
            [
                self._ask(f"{subset}/{area}", record)
                for subset in self.subsets
                for area in _AREAS
                for record in json.loads(ORIGIN.read(f"{subset}/{area}.json", self.data))[
                    "data_list"
                ]
            ],
            self.count,
        )

    def _ask(self, place: str, record: dict[str, Any]) -> Ask:
        id = f"{place}/{record['index']}"
        return Ask(
            id=id,
            prompt=record["prompt"],
            category=place,
            seeds=benchmark.seeds("cvtg@1", id, self.seeds),
            data={"texts": _QUOTED.findall(record["prompt"])},
        )

    def texts(self, ask: Ask) -> Sequence[str]:
        """Return what stands in quotes."""
        return ask.data["texts"]

    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return the share of words that were read, and how near all of them were."""
        if seen is None and self.mode == "official":
            return Score(None, "there is no picture, and official means leave it out")
        target = " ".join(self.texts(ask)).lower().split()
        read = " ".join(in_order(seen)).lower().split() if seen else []
        if self.mode == "official":
            hits = sum(word in read for word in target)
            near = [_alike(word, _difflib_nearest(word, read)) for word in target]
        else:
            hits = overlap(read, target)
            near = [max((_alike(word, other) for other in read), default=0.0) for word in target]
        details = {"hits": hits, "wanted": len(target), "near": sum(near)}
        if self.mode == "fixed":
            details["words read"] = len(read)
        return share(hits, len(target), "words", details)

    def table(self, items: Sequence[Item]) -> Table:
        """Return word accuracy and NED, both sums over words."""
        rows = [
            *categories(items, _row),
            _row("word accuracy", items),
            micro("NED", items, detail("near"), detail("wanted")),
        ]
        if self.mode == "fixed":
            rows.append(micro("precision", items, detail("hits"), detail("words read")))
        return Table(rows, "word accuracy")


def _row(name: str, items: Sequence[Item]) -> Row:
    ned = micro(name, items, detail("near"), detail("wanted")).score
    return micro(name, items, detail("hits"), detail("wanted"), {"NED": ned})


def _difflib_nearest(word: str, read: Sequence[str]) -> str:
    # Where nothing was read, the official code goes on with one empty word.
    return get_close_matches(word, read or [""], n=1, cutoff=0)[0]


def _alike(word: str, other: str) -> float:
    # The official code keeps from dividing by nothing in this way.
    return 1 - distance(word, other) / (max(len(word), len(other)) + 1e-5)
