"""Solids seen from another side: every face in its place, and nothing else in the picture.

A track of the in-domain benchmark for a known weakness of large models. The source is a drawn
cuboid, pyramid or prism whose faces have different colours. The prompt, English or Chinese, asks
for a quarter turn, the view from behind or the view from below, and names the colours of the faces
that come into view (`danqing.data.synthesis.instructions` says why). Models that change no pictures
can be asked for `described`, where solids are told in words and their proportions are left open.

The judge (`danqing.scorers.solid`) compares colours with the true view, face by face;
`danqing.evaluation.validate` measures how far it can be believed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import ClassVar

from PIL import Image

from danqing.data.synthesis.instructions import TURNS, Change
from danqing.data.synthesis.solids import Turn, draw_solid, turn, turns
from danqing.data.synthesis.split import Part
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.drawn import Drawn, kept, references, row, sighted
from danqing.evaluation.table import Table, categories, macro
from danqing.scorers.base import Score
from danqing.scorers.polyhedra import Solid
from danqing.scorers.solid import SolidJudge


@benchmarks.register("solids")
@dataclass(frozen=True, kw_only=True)
class Solids(Drawn):
    """Coloured solids to be turned, or to be painted as they are described."""

    version: ClassVar = 1
    categories: tuple[Change, ...] = TURNS
    """How solids are turned; `described` has no source."""
    seeds: int = 1
    """Pictures of each prompt."""
    part: Part = "test"
    """`dev` is to choose a model by."""

    @property
    def looker(self) -> str:
        """The judge's settings."""
        return str(SolidJudge())

    def asks(self) -> Sequence[Ask]:
        """Return prompts, the same ones every time; their sources lie in the cache.

        Raises:
            StorageError: the cache cannot be written.
        """
        return [
            Ask(
                id=wanted.id[:16],
                prompt=prompt,
                category=change,
                language=language,
                seeds=seeds("solids@1", wanted.id, self.seeds),
                sources=() if change == "described" else (self._source(wanted),),
                data=wanted.record,
            )
            for change in self.categories
            for wanted, prompt, language in turns(
                change, self.per_category, self.part, self.language
            )
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the verdict on a picture, with how far each face covers its place."""
        return sighted(_judge(ask, image), image)

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each kind, with the mean share of a face that lies right, and their mean."""
        rows = categories(items, partial(row, details=("soft",)))
        return Table([*rows, macro("macro average", items)], "macro average")

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each kind, what true pictures score."""
        return references(
            self.asks(),
            lambda ask: self._drawn(wanted := turn(ask.data), wanted.outcome),
            _judge,
            round_trip,
        )

    def _drawn(self, wanted: Turn, seen: Solid) -> Image.Image:
        return draw_solid(seen, wanted.ground, Random(wanted.id), size=self.size)

    def _source(self, wanted: Turn) -> Path:
        """Return a file with the solid as it is to be turned."""
        return kept(self._drawn(wanted, wanted.solid), "solids")


def _judge(ask: Ask, image: Image.Image) -> Score:
    return SolidJudge().judge(image, turn(ask.data).truths)
