"""What a VAE loses of pictures: PSNR, SSIM, and whether text can still be read.

The pictures are those of a folder, cut to one size; the painter is the generator `vae`, or any
that gives a source back. The protocol is that of OmniDoc-TokenBench (alibaba, commit f2815a7)
without its networks (LPIPS, FID): figures of each picture are averaged, and reading compares the
text of the original with that of its reconstruction, as a share of the longer one.

The modes differ where a picture is missing: official leaves it out, fixed counts 0 dB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from PIL import Image, ImageOps

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.measures.pixels import pixels, psnr, ssim
from danqing.evaluation.table import Table, average, detail
from danqing.scorers.base import Score
from danqing.scorers.ocr import read_lines, require_reader, similarity

_SUFFIXES: Final = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@benchmarks.register("reconstruction")
@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Pictures of a folder, to be given back as they are."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    folder: Path
    """Where pictures lie, at any depth."""
    size: int = 256
    """Width and height, in pixels."""
    fit: Literal["cover", "crop", "whole"] = "cover"
    """How a picture comes to its size: resized bicubically to cover it and cut from the middle,
    only cut, or left as it is."""
    count: int | None = None
    """Pictures that are taken, the first by name; None: all."""
    text: bool = True
    """Whether text is read, which takes seconds a picture."""

    def __post_init__(self) -> None:
        if self.size < 16:
            raise RecipeError(f"size must be at least 16, got {self.size}; raise it.")

    @property
    def looker(self) -> str:
        """What is measured."""
        return "PSNR and SSIM" + (", words by rapidocr" if self.text else "")

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each picture; what is cut is kept in the cache.

        Raises:
            SourceError: the folder holds no pictures, or one is smaller than what is cut from it.
            MissingPackage: text shall be read and there is no reader.
        """
        if self.text:
            require_reader()
        files = sorted(f for f in self.folder.rglob("*") if f.suffix.lower() in _SUFFIXES)
        if not files:
            raise SourceError(f"folder must hold pictures, got none in {self.folder}; check it.")
        return [self._ask(file) for file in files[: self.count]]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return how near the picture is to its source, and what is read in both."""
        original = listing.picture(ask.sources[0]).convert("RGB")
        wanted, got = pixels(original), pixels(image, original.size)
        seen = {"psnr": psnr(wanted, got), "ssim": ssim(wanted, got)}
        return seen | ({"target": _text(original), "read": _text(image)} if self.text else {})

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the PSNR in dB, with all figures."""
        return [
            absent(self.mode, details={"psnr": 0.0, "ssim": 0.0}) if s is None else _score(s)
            for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the mean of each figure; reading counts where the original has text."""
        rows = [average("PSNR (dB)", items, detail("psnr")), average("SSIM", items, detail("ssim"))]
        if self.text:
            rows.append(average("NED of text", items, detail("ned")))
        return Table(rows, "PSNR (dB)", "points")

    def _ask(self, file: Path) -> Ask:
        source = file
        if self.fit != "whole":
            source = listing.prepared(file, f"{self.fit} {self.size}", self._cut)
        name = file.relative_to(self.folder)
        return Ask(
            id=name.as_posix(),
            prompt="",
            category=name.parts[0] if len(name.parts) > 1 else "all",
            sources=(source,),
            data={"file": name.as_posix(), "fit": self.fit, "size": self.size},
        )

    def _cut(self, image: Image.Image) -> Image.Image:
        if self.fit == "crop" and min(image.size) < self.size:
            raise SourceError(
                f"pictures must be at least {self.size} pixels a side to be cut, got "
                f"{image.width}x{image.height}; set fit=cover."
            )
        if self.fit == "cover":
            return ImageOps.fit(image, (self.size, self.size), Image.Resampling.BICUBIC)
        left, top = (image.width - self.size) // 2, (image.height - self.size) // 2
        return image.crop((left, top, left + self.size, top + self.size))


def _text(image: Image.Image) -> str:
    return "".join(line.text for line in read_lines(image))


def _score(seen: Seen) -> Score:
    details = dict(seen)
    if seen.get("target"):
        details["ned"] = similarity(seen["read"], seen["target"])
    return Score(seen["psnr"], f"{seen['psnr']:.2f} dB", details)
