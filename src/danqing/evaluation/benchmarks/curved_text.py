"""Words bent along an arch: spelled exactly, and bent plainly in the way that was asked.

A track of the in-domain benchmark for a known weakness of large models: a line of writing that
bends, upwards like a rainbow or downwards like a bowl. Words, colours and grounds are those of the
small world, prompts are English and Chinese, and nothing in training is bent. The judge
(`danqing.scorers.arch`) pulls the line straight and reads it; how far it can be believed is what
`danqing.evaluation.validate` measures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import ClassVar, Final

from PIL import Image

from danqing.data.synthesis.arches import arches, draw_arch
from danqing.data.synthesis.split import Part
from danqing.evaluation.benchmark import Ask, Item, Seen, benchmarks, seeds
from danqing.evaluation.drawn import Drawn, references, row, sighted
from danqing.evaluation.table import Table, categories, macro
from danqing.scorers.arch import ArchedText, ArchJudge, Bend
from danqing.scorers.base import Score
from danqing.scorers.ocr import require_reader
from danqing.scorers.world import Language

_CATEGORIES: Final[dict[str, tuple[Bend, Language]]] = {
    "up_en": ("up", "en"),
    "up_zh": ("up", "zh"),
    "down_en": ("down", "en"),
    "down_zh": ("down", "zh"),
}
_DETAILS: Final = ("exact_line", "bent", "similarity")


@benchmarks.register("curved_text")
@dataclass(frozen=True, kw_only=True)
class CurvedText(Drawn):
    """English words and Chinese phrases along an arch, kept from training."""

    version: ClassVar = 1
    part: Part = "test"
    """`dev` is to choose a model by."""

    @property
    def looker(self) -> str:
        """The judge's settings and the reader."""
        return f"{ArchJudge()}, read by rapidocr"

    def asks(self) -> Sequence[Ask]:
        """Return prompts, the same ones every time.

        Raises:
            MissingPackage: there is no reader.
        """
        require_reader()
        return [
            Ask(
                id=wanted.id[:16],
                prompt=prompt,
                category=name,
                language=language,
                seeds=seeds("curved_text@1", wanted.id, self.seeds),
                data=asdict(wanted),
            )
            for name, (bend, script) in _CATEGORIES.items()
            for wanted, prompt, language in arches(
                bend, script, self.per_category, self.part, self.language
            )
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the verdict on a picture, with what was read and how it is bent."""
        return sighted(_judge(ask, image), image, ask.data["string"])

    def fold(self, items: Sequence[Item]) -> Table:
        """Return each kind, with the shares that read and that bend as asked, and their mean."""
        rows = categories(items, partial(row, details=_DETAILS))
        return Table([*rows, macro("macro average", items)], "macro average")

    def references(
        self, round_trip: Callable[[Image.Image], Image.Image] | None = None
    ) -> Mapping[str, Mapping[str, float | None]]:
        """Return, for each kind, what true pictures score."""
        return references(
            self.asks(),
            lambda ask: draw_arch(ArchedText(**ask.data), Random(ask.id), size=self.size),
            _judge,
            round_trip,
        )


def _judge(ask: Ask, image: Image.Image) -> Score:
    return ArchJudge().judge(image, ArchedText(**ask.data))
