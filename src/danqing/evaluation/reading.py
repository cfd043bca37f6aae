"""What benchmarks that read text have in common: a reader, the truth in print, and two modes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen
from danqing.evaluation.pages import page
from danqing.evaluation.readings import edges, in_order, kept_reading, reading
from danqing.evaluation.table import Table, Value
from danqing.scorers.base import Score
from danqing.scorers.readers import AnyReader, RapidReader, Reader, limited
from danqing.scorers.world import Language

_SMALLEST_PAGE: Final = 64


@dataclass(frozen=True, kw_only=True)
class ReadingBenchmark(ABC):
    """The settings of all benchmarks that read, and what follows from them.

    A benchmark adds `asks`, `texts`, `judge` and `table`. Every table has, beside the headline, the
    score by the other mode.
    """

    mode: Mode = "official"
    """By the benchmark's own rules, or by those rules without their mistakes."""
    data: Path | None = None
    """The folder with its files; None: they are fetched once and kept."""
    reader: AnyReader = field(default_factory=RapidReader)
    """Who reads the pictures."""
    seeds: int = 1
    """Pictures of each prompt."""
    count: int | None = None
    """Prompts, of all categories in turn; None: all of them."""
    page: tuple[int, int] = (1024, 1024)
    """Width and height of the pages that show what the reader makes of the truth, best those of
    the model's pictures."""
    fonts: Path | None = None
    """A folder of typefaces for these pages; None: the package's own."""

    def __post_init__(self) -> None:
        for name in ("seeds", "count"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise RecipeError(f"{name} must be at least 1, got {value}; raise it.")
        if min(self.page) < _SMALLEST_PAGE:
            raise RecipeError(
                f"page must be at least {_SMALLEST_PAGE} pixels each way, got "
                f"{self.page[0]}x{self.page[1]}; enlarge it."
            )

    @property
    def looker(self) -> str:
        """The reader."""
        return self.reader.identity

    @abstractmethod
    def asks(self) -> Sequence[Ask]:
        """Return everything that is asked for."""
        ...

    @abstractmethod
    def texts(self, ask: Ask) -> Sequence[str]:
        """Return what must be written in a picture, one string for each place."""
        ...

    @abstractmethod
    def judge(self, ask: Ask, seen: Seen | None) -> Score:
        """Return the score of one picture by the mode's rules."""
        ...

    @abstractmethod
    def table(self, items: Sequence[Item]) -> Table:
        """Return the scores of categories and of all."""
        ...

    def tokens(self, ask: Ask) -> int | None:
        """Return how many tokens a chat that reads may answer in; None: as many as it is set to."""
        return None

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return all lines of text with their boxes."""
        return reading(self._reader(ask), image)

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return what the rules make of each reading."""
        return [
            replace(found, details=self._shown(ask, s) | dict(found.details))
            for s, found in ((s, self.judge(ask, s)) for s in seen)
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the table, with the headline of the other mode beside its own."""
        table = self.table(items)
        mode: Mode = "fixed" if self.mode == "official" else "official"
        other = replace(self, mode=mode)
        again = [replace(item, score=other.judge(item.ask, item.seen)) for item in items]
        beside = {mode: other.table(again).row(table.headline).score}
        rows = [
            replace(row, more={**row.more, **beside}) if row.name == table.headline else row
            for row in table.rows
        ]
        return replace(table, rows=rows)

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return what pages of the right text score (`oracle`), and after a VAE (`ceiling`).

        What fits no page, or no typeface can write, is left out; `printed` is the share that is
        left, in the row of the headline.

        Args:
            round_trip: Gives the ceiling; None: no ceiling.
        """
        asks = self.asks()
        pages = {ask.id: page(self.texts(ask), self.page, _language(ask), self.fonts)
                 for ask in asks}  # fmt: skip
        able = [(ask, image) for ask in asks if (image := pages[ask.id]) is not None]
        found: dict[str, dict[str, float | None]] = {}
        ways = {"oracle": lambda image: image, "ceiling": round_trip}
        for kind, way in ways.items():
            if way is None or not able:
                continue
            items = [
                self._item(ask, kept_reading(self._reader(ask), way(image))) for ask, image in able
            ]
            table = self.table(items)
            for row in table.rows:
                found.setdefault(row.name, {})[kind] = row.score
            found[table.headline]["printed"] = len(able) / len(asks)
        return found

    def _reader(self, ask: Ask) -> Reader:
        return limited(self.reader, self.tokens(ask))

    def _item(self, ask: Ask, seen: Seen) -> Item:
        return Item(ask, ask.seeds[0], None, None, seen, self.judge(ask, seen))

    def _shown(self, ask: Ask, seen: Seen | None) -> dict[str, Any]:
        """Return what the report draws: what was read and asked for, and where lines stand."""
        target = " ".join(self.texts(ask))
        if seen is None:
            return {"target": target}
        boxes = [{"box": list(edges(line))} for line in seen["lines"]]
        read = " ".join(in_order(seen))
        return {"read": read, "target": target, "size": seen["size"], "detections": boxes}


def detail(name: str) -> Value:
    """Return what takes a number of a score's details; None where it has none."""

    def value(item: Item) -> float | None:
        found = item.score.details.get(name)
        return None if found is None else float(found)

    return value


def share(found: int, of: int, what: str, details: Mapping[str, Any]) -> Score:
    """Return `found` of `of` as a score with a reason; nothing of nothing is all of it."""
    return Score(found / of if of else 1.0, f"{found} of {of} {what}", details)


def _language(ask: Ask) -> Language:
    return "zh" if ask.language == "zh" else "en"
