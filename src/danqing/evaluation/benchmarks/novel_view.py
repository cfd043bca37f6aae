"""Other views of things: how near a turned thing is to its true view, by PSNR and SSIM.

The Qwen-Image report scores views of Google Scanned Objects (arXiv:2508.02324) and states neither
its list of objects nor their views, so views are one's own: a JSONL file as in
`danqing.evaluation.listing`, whose lines have `source`, `prompt` and `target`, and may have `mask`,
a picture that is white where the thing is. Without one the target's alpha says where it is. Targets
stand on white; a picture of another size than its target's is resized to it.

The modes differ where a picture is missing: official leaves it out, fixed counts 0 dB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.measures.pixels import pixels, psnr, ssim
from danqing.evaluation.table import Table, average, categories, detail
from danqing.scorers.base import Score

_WORST = {"psnr": 0.0, "ssim": 0.0, "psnr_thing": 0.0}


@benchmarks.register("novel_view")
@dataclass(frozen=True, kw_only=True)
class NovelView:
    """Things to be seen from elsewhere."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    data: Path
    """The JSONL file."""
    seeds: int = 1
    """Pictures of each view."""

    @property
    def looker(self) -> str:
        """What is measured."""
        return "PSNR and SSIM"

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line.

        Raises:
            SourceError: the file is not there, or a line lacks something.
        """
        return listing.asks(self.data, "novel_view@1", self.seeds, ("target",), ("mask",))

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return how near the picture is to the true view, and its thing to the true thing.

        Raises:
            SourceError: the true view is not there.
        """
        true, thing = self._truth(ask)
        wanted, got = pixels(true), pixels(image, true.size)
        seen = {"psnr": psnr(wanted, got), "ssim": ssim(wanted, got)}
        if thing is not None and thing.any():
            seen["psnr_thing"] = psnr(wanted, got, thing)
        return seen

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the PSNR in dB, with all figures."""
        return [
            absent(self.mode, details=_WORST) if s is None else
            Score(s["psnr"], f"{s['psnr']:.2f} dB", s)
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the mean of each figure, and the PSNR of each category."""
        rows = [
            average("PSNR (dB)", items, detail("psnr")),
            average("SSIM", items, detail("ssim")),
            average("PSNR of the thing (dB)", items, detail("psnr_thing")),
            *categories(items, average),
        ]
        return Table(rows, "PSNR (dB)", "points")

    def _truth(self, ask: Ask) -> tuple[Image.Image, Bool[np.ndarray, "H W"] | None]:
        true = listing.picture(ask.files[0])
        where = listing.place(self.data, ask, "mask")
        thing = None if where is None else listing.mask(where)
        if true.has_transparency_data:
            true = true.convert("RGBA")
            if thing is None:
                thing = np.asarray(true)[..., 3] > 127
            true = Image.alpha_composite(Image.new("RGBA", true.size, "white"), true)
        return true.convert("RGB"), thing
