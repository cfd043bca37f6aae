"""Depth shown as a picture, against measured depth, up to scale and shift: delta1 and AbsRel.

The protocol is Marigold's (see `danqing.evaluation.measures.depth`) with its crops and ranges of
each data set; figures of a picture are averaged over pictures. The data are one's own: a JSONL file
as in `danqing.evaluation.listing`, whose lines have `source` and `depth`, a numpy file in metres
or a 16-bit PNG, and may have `valid`, a mask of what was measured.

A model shows depth as a picture of 8 bits, which is decoded by the stated colours and resized to
the truth, bilinearly. Which end is near does not matter.

The modes differ where a picture is missing: official leaves it out, fixed counts a depth of 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks
from danqing.evaluation.measures.depth import aligned, aligned_as_disparity, depth_error
from danqing.evaluation.table import Table, average, categories, detail
from danqing.scorers.base import Score
from danqing.seeing.depth import Colors, levels


@dataclass(frozen=True, slots=True)
class Survey:
    """How depth was measured, and what of it counts."""

    nearest: float = 1e-3
    """Metres; what is not further does not count."""
    furthest: float = np.inf
    """Metres; what is not nearer does not count."""
    level: float = 0.001
    """Metres of one level of a 16-bit PNG."""
    ranged: bool = True
    """Whether the range says what counts; otherwise the data set's own mask does."""


SURVEYS: Final = {
    "plain": Survey(),
    "nyuv2": Survey(1e-3, 10.0),
    "kitti": Survey(1e-5, 80.0, 1 / 256),
    "scannet": Survey(1e-3, 10.0),
    "diode": Survey(0.6, 350.0, ranged=False),
    "eth3d": Survey(1e-5),
}
"""The data sets that Marigold is evaluated on, and any other."""


@benchmarks.register("depth")
@dataclass(frozen=True, kw_only=True)
class Depth:
    """Pictures whose depth is to be shown."""

    version: ClassVar = 1
    mode: Mode = "fixed"
    data: Path
    """The JSONL file."""
    survey: Literal["plain", "nyuv2", "kitti", "scannet", "diode", "eth3d"] = "plain"
    """The data set, which decides ranges and crops: NYUv2 counts Eigen's rows and columns; KITTI's
    sources and depths are cut to 352x1216 from the middle of the bottom, then Eigen's mask counts;
    DIODE counts its own mask."""
    colors: Colors = "gray"
    """How depth is shown: by the mean of the channels, or in ColorBrewer's Spectral."""
    shows: Literal["depth", "disparity"] = "depth"
    """What is shown; disparity is fitted to the inverse of depth."""
    prompt: str = "estimate the depth of this picture"
    """For lines without one."""
    seeds: int = 1
    """Pictures of each source."""

    @property
    def looker(self) -> str:
        """All that decides the figures."""
        return f"{self.shows} in {self.colors}, {self.survey}"

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line.

        Raises:
            SourceError: a file is not there, or a line lacks something.
        """
        found = listing.asks(self.data, "depth@1", self.seeds, ("depth",), ("valid",), self.prompt)
        if self.survey != "kitti":
            return found
        return [
            replace(ask, sources=tuple(
                listing.prepared(source, "KITTI benchmark crop", _cut) for source in ask.sources
            ))
            for ask in found
        ]  # fmt: skip

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return AbsRel and delta1 of a picture; None of one whose depth nobody knows.

        Raises:
            SourceError: the depth is not there, or has another shape than it must have.
        """
        survey = SURVEYS[self.survey]
        truth, valid = self._truth(ask)
        if not valid.any():
            return {"delta1": None, "abs_rel": None, "pixels": 0}
        height, width = truth.shape
        gray = Image.fromarray(levels(image, self.colors).astype(np.float32))
        shown = np.asarray(gray.resize((width, height), Image.Resampling.BILINEAR), np.float64)
        fit = aligned if self.shows == "depth" else aligned_as_disparity
        error = depth_error(fit(shown, truth, valid), truth, valid, survey.nearest, survey.furthest)
        return {**error._asdict(), "pixels": int(valid.sum())}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return delta1, with AbsRel beside it."""
        return [
            absent(self.mode, details={"delta1": 0.0, "abs_rel": 1.0}) if s is None else
            Score(None, "nobody knows its depth") if not s["pixels"] else
            Score(s["delta1"], f"AbsRel {s['abs_rel']:.3f}", s)
            for s in seen
        ]  # fmt: skip

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the means over pictures, and delta1 of each category."""
        rows = [
            average("delta1", items, detail("delta1")),
            average("AbsRel", items, detail("abs_rel")),
            *categories(items, average),
        ]
        return Table(rows, "delta1")

    def _truth(self, ask: Ask) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Return depth in metres, and which pixels of it count."""
        survey = SURVEYS[self.survey]
        truth = _measured(ask.files[0], survey.level)
        known = np.isfinite(truth) & (truth > 0)
        if (where := listing.place(self.data, ask, "valid")) is not None:
            given = listing.mask(where)
            if given.shape != truth.shape:
                raise SourceError(
                    f"masks must have the shape of their depth, got {given.shape} for "
                    f"{truth.shape} at {where}; check the data."
                )
            known &= given
        elif not survey.ranged:
            raise SourceError(
                f"lines of {self.survey} must have a mask under valid, got none for {ask.id}; "
                "add it."
            )
        if survey.ranged:
            known &= (truth > survey.nearest) & (truth < survey.furthest)
        truth = np.where(known, truth, 1.0)
        if self.survey == "kitti":
            truth, known = truth[_kitti(truth.shape)], known[_kitti(truth.shape)]
        return truth, known & _counted(self.survey, truth.shape)


def _measured(path: Path, level: float) -> Float[np.ndarray, "H W"]:
    if path.suffix == ".npy":
        return np.load(path).squeeze().astype(np.float64)
    return np.asarray(listing.picture(path), np.float64) * level


def _kitti(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return KITTI's benchmark crop of rows and columns."""
    height, width = shape
    if height < 352 or width < 1216:
        raise SourceError(
            f"pictures of KITTI must be at least 352x1216, got {height}x{width}; check the data."
        )
    left = (width - 1216) // 2
    return slice(height - 352, height), slice(left, left + 1216)


def _cut(image: Image.Image) -> Image.Image:
    rows, columns = _kitti((image.height, image.width))
    return image.crop((columns.start, rows.start, columns.stop, rows.stop))


def _counted(survey: str, shape: tuple[int, ...]) -> Bool[np.ndarray, "H W"]:
    """Return Eigen's rows and columns, where a data set has them."""
    counted = np.zeros(shape, bool)
    height, width = shape
    if survey == "nyuv2":
        if shape != (480, 640):
            raise SourceError(
                f"depths of NYUv2 must be 480x640, got {height}x{width}; take the data unresized."
            )
        counted[45:471, 41:601] = True
    elif survey == "kitti":
        rows = slice(int(0.3324324 * height), int(0.91351351 * height))
        counted[rows, int(0.0359477 * width) : int(0.96405229 * width)] = True
    else:
        counted[:] = True
    return counted
