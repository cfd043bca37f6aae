"""Edits in a row, each of what the one before painted: what is left of all that none was to touch?

Chains are drawn scenes whose things come, go, move and change (`danqing.data.edits.chains`), so the
true picture after every edit is known. A row has all pictures after so many edits: its score is the
share that shows all of them. Beside it stand `kept`, decibels against the very first picture where
no edit was to touch it, and `held`, the share that keeps 25.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.edits import EditSample
from danqing.data.edits.chains import chains
from danqing.data.edits.stream import ASKED
from danqing.data.synthesis.split import Part
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks
from danqing.evaluation.benchmarks.edits import asked, judged
from danqing.evaluation.drawn import Drawn, figured, sighted
from danqing.evaluation.edits import EditJudge
from danqing.evaluation.table import Table, average, categories, detail


@benchmarks.register("edit_chains")
@dataclass(frozen=True, kw_only=True)
class EditChains(Drawn):
    """How pictures fare that are changed again and again."""

    version: ClassVar = 1
    per_category: int = 20
    """Chains."""
    length: int = 10
    """Edits of a chain."""
    part: Part = "test"
    """`dev` is to choose a model by."""

    def __post_init__(self) -> None:
        Drawn.__post_init__(self)
        if self.length < 1:
            raise RecipeError(f"length must be at least 1, got {self.length}; raise it.")

    @property
    def looker(self) -> str:
        """The judge's settings."""
        return str(EditJudge())

    def asks(self) -> Sequence[Ask]:
        """Return prompts, the same ones every time; their pictures lie in the cache.

        Raises:
            StorageError: the cache cannot be written.
        """
        world = replace(ASKED, size=self.size)
        found = chains(self.per_category, self.length, self.language, self.part, world)
        return [ask for links in found for ask in _links(links, self.seeds)]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return whether all changes are there, and what became of the rest."""
        return sighted(judged(ask, image), image)

    def fold(self, items: Sequence[Item]) -> Table:
        """Return what is there after each edit, and decibels of the rest after the last one."""
        rows = categories(items, partial(figured, figures=("kept", "held")))
        last = [item for item in items if item.ask.category == rows[-1].name]
        return Table([*rows, average("kept at the end, dB", last, detail("kept"))], rows[-1].name)


def _links(links: Sequence[EditSample], count: int) -> Iterator[Ask]:
    """Yield what asks for the edits of a chain, so many times each."""
    chain, before = links[0].change.id[:12], None
    for place, sample in enumerate(links, start=1):
        link = asked(sample, f"after {place}", f"{chain}-{place:02}", count)
        yield link if before is None else replace(link, sources=(), after=before)
        before = link.id
