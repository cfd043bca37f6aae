"""ChineseWord: single characters of the General Standard table, common ones to rare ones.

The Qwen-Image report (arXiv 2508.02324) has scores of such a benchmark, and neither its prompts nor
its reader; the prompts here are our own. Readers themselves know rare characters badly and take
them for common ones that look alike, so what they make of perfect print stands beside every score.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from PIL import Image

from danqing.core.seed import derive
from danqing.data.typeset.fonts import Face, faces
from danqing.evaluation import benchmark
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, benchmarks, evenly
from danqing.evaluation.data import Origin
from danqing.evaluation.pages import character
from danqing.evaluation.reading import ReadingBenchmark
from danqing.evaluation.readings import in_order, kept_reading
from danqing.evaluation.table import Row, Table, average
from danqing.scorers.base import Score
from danqing.scorers.ocr import normalized

ORIGIN: Final = Origin(
    name="chinese_chars",
    repository="shengdoushi/common-standard-chinese-characters-table",
    commit="d9b599a9c9cc0dd2d58cad829e285bc780cd4451",
    folder="",
    licence="none stated; a table of the State Council, 2013",
    files={
        "level-1.txt": "79a6c710013cc86617d5db65871f59b2d67dee72415d380a2cc7145a51450fe4",
        "level-2.txt": "d597a6e99ea7b8c41215081f824c6e8587bf1c9a3f45fb13086a826306789785",
        "level-3.txt": "c9fbc83a9f8cd860306b218bf16c6a4cc56d7c4a22a686d403b176a0dbec7931",
    },
)

PROMPTS: Final = (
    "一张白纸，正中用毛笔写着一个很大的汉字“{}”，没有别的文字。",
    "一块黑板，正中用白色粉笔写着一个很大的汉字“{}”，没有别的文字。",
    "纯白背景，正中印着一个很大的黑色汉字“{}”，没有别的文字。",
    "一块木牌的特写，正中刻着一个很大的汉字“{}”，没有别的文字。",
)
"""Which one a character gets is up to chance, the same in every run."""

_SIDE: Final = 160
"""Pixels of the prints that the reader is measured on."""


@benchmarks.register("chinese_word")
@dataclass(frozen=True, kw_only=True)
class ChineseWord(ReadingBenchmark):
    """Whether exactly the character that was asked for is read; regional forms of it count.

    Each level has three figures: the share of all characters; the share of those that the reader
    reads in print, in every typeface that has them (`readable`); and what it reads of that print
    (`oracle`). The package's typefaces have few rare characters: give `fonts` for the others.
    """

    version: ClassVar = 1
    mode: Mode = "fixed"
    """There is one way to score; nobody has published another."""
    levels: tuple[int, ...] = (1, 2, 3)
    """Of 3,500, 3,000 and 1,605 characters."""

    def asks(self) -> Sequence[Ask]:
        """Return a prompt for each character.

        Raises:
            SourceError: the table or a typeface is not there.
        """
        return evenly(
            [
                self._ask(level, text)
                for level in self.levels
                for text in ORIGIN.read(f"level-{level}.txt", self.data).split()
            ],
            self.count,
        )

    def _ask(self, level: int, text: str) -> Ask:
        return Ask(
            id=f"{ord(text):x}",
            prompt=PROMPTS[derive(0, "chinese_word@1", text) % len(PROMPTS)].format(text),
            category=f"level {level}",
            language="zh",
            seeds=benchmark.seeds("chinese_word@1", text, self.seeds),
            data={"text": text},
        )

    def texts(self, ask: Ask) -> Sequence[str]:
        """Return the character."""
        return [ask.data["text"]]

    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return 1 or 0; a picture that is not there is wrong."""
        text = ask.data["text"]
        read = " ".join(in_order(seen)) if seen else ""
        right = _same(read, text)
        reason = "as asked" if right else f"reads {read!r} where {text!r} was asked"
        return Score(float(right), reason)

    def table(self, items: Sequence[Item]) -> Table:
        """Return each level and all characters, with the readable ones beside them."""
        names = dict.fromkeys(item.ask.category for item in items)
        rows = [self._row(n, [i for i in items if i.ask.category == n]) for n in names]
        return Table([*rows, self._row("all", items)], "all")

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the table: there is no other mode to stand beside it."""
        return self.table(items)

    def _row(self, name: str, items: Sequence[Item]) -> Row:
        readable = average(name, [i for i in items if self.readable(i.ask.data["text"])])
        more = {"readable": readable.score, "readable count": readable.count}
        return average(name, items, more=more)

    def readable(self, text: str) -> bool:
        """Return whether a character is read in every typeface that has it, and one has it."""
        prints = self._prints(text)
        return bool(prints) and all(_same(read, text) for read in prints.values())

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return what the reader makes of print (`oracle`), and of how many characters (`printed`).

        Args:
            round_trip: Not asked: prints are not of a model's size.
        """
        asks = self.asks()
        names = dict.fromkeys(ask.category for ask in asks)
        texts = {name: [a.data["text"] for a in asks if a.category == name] for name in names}
        texts["all"] = [ask.data["text"] for ask in asks]
        return {name: self._references(of) for name, of in texts.items()}

    def _references(self, texts: Sequence[str]) -> dict[str, float | None]:
        prints = [(text, self._prints(text)) for text in texts]
        reads = [_same(read, text) for text, by_face in prints for read in by_face.values()]
        return {
            "oracle": sum(reads) / len(reads) if reads else None,
            "printed": sum(bool(by_face) for _, by_face in prints) / len(prints),
        }

    def _prints(self, text: str) -> dict[str, str]:
        """Return what is read of a character's print, by typeface; kept between runs."""
        return {
            face.name: " ".join(in_order(kept_reading(self.reader, character(text, face, _SIDE))))
            for face in self._faces()
            if face.draws(text)
        }

    def _faces(self) -> list[Face]:
        return [face for face in faces(self.fonts) if face.writes("zh") and not face.slanted]


def _same(read: str, text: str) -> bool:
    return normalized(read) == normalized(text)
