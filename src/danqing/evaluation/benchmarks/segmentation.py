"""Things to be painted over with one colour, against their masks: intersection over union.

The data are one's own: a JSONL file as in `danqing.evaluation.listing`, whose lines have `source`,
`prompt` and `mask`, a picture that is white where the thing is. A predicted mask is where the
picture, resized to the mask without mixing colours, is within `reach` of `color`, as people see
colours (CIELAB, 1976). With the usual setting that is the lighter half of black and white.

The modes differ where a picture is missing: official leaves it out, fixed counts 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from PIL import Image

from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.measures.overlap import mask_overlap
from danqing.evaluation.table import Table, average, categories, detail, micro
from danqing.scorers.base import Score
from danqing.scorers.world import Color
from danqing.seeing.labels import within


@benchmarks.register("segmentation")
@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """Things to be found in pictures, to the pixel."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    data: Path
    """The JSONL file."""
    color: Color = (255, 255, 255)
    """What a mask is painted with, as 8-bit RGB."""
    reach: float = 50.0
    """How far from it a pixel may be, in Delta-E; black is 100 from white."""
    seeds: int = 1
    """Pictures of each source."""

    @property
    def looker(self) -> str:
        """How a picture becomes a mask."""
        return f"IoU of what is within {self.reach:g} of {self.color}"

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line.

        Raises:
            SourceError: the file is not there, or a line lacks something.
        """
        return listing.asks(self.data, "segmentation@1", self.seeds, ("mask",))

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the pixels that the predicted and the true mask share, and those of either.

        Raises:
            SourceError: the mask is not there.
        """
        there = listing.mask(ask.files[0])
        height, width = there.shape
        painted = image.resize((width, height), Image.Resampling.NEAREST)
        shared, either = mask_overlap(within(painted, self.color, self.reach), there)
        return {"shared": shared, "either": either}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the IoU; 1 where nothing is there and nothing was found."""
        return [absent(self.mode) if s is None else _score(s) for s in seen]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the mean IoU, that of all pixels together, and that of each category.

        All pixels together leave out what is missing, whose mask nobody looked at.
        """
        rows = [
            average("mean IoU", items),
            micro("IoU of all pixels", items, detail("shared"), detail("either")),
            *categories(items, average),
        ]
        return Table(rows, "mean IoU")


def _score(seen: Seen) -> Score:
    iou = seen["shared"] / seen["either"] if seen["either"] else 1.0
    return Score(iou, f"IoU {iou:.3f}", seen)
