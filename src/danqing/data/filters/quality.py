"""Stage 5, what is wrong with a large picture: compression, exposure, bars, codes, names on it."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from danqing.data.filters.base import Batch, Cut, Measured, Reads, each, filters
from danqing.data.pixels import Gray

_BLOCK: Final = 8
_PLAIN: Final = 6
"""Grey levels that pixels of a bar differ at most; most beside it differ twice as much."""
_MARKS: Final = re.compile(
    r"©|\(c\)|®|@\w{2,}|www\.|https?:|\.(?:com|cn|net|org|ru)\b|shutterstock|getty|istock|alamy"
    r"|dreamstime|depositphotos|adobe ?stock|123rf|freepik|视觉中国|图虫|千图|昵图|摄图|全景网|水印"
    r"|版权",
    re.IGNORECASE,
)


@filters.register("blockiness")
@dataclass(frozen=True, kw_only=True, slots=True)
class Blockiness:
    """How much larger steps are on a grid of eight pixels than beside it: 1 is none.

    Seen at the picture's own size, because the grid is gone when it is scaled. The grid may begin
    anywhere, as it does after a crop. Made pictures have about 1.05 as JPEGs of quality 90, 1.2 of
    75, 1.4 of 50, 1.6 of 30 and 2.6 of 10.
    """

    needs: ClassVar = ("original",)
    slow: ClassVar = False
    cut: Cut = Cut(high=1.5)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a ratio."""
        return each(batch.originals, _blockiness)


@filters.register("exposure")
@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """The share of pixels that are quite black or quite white; the bound is our starting point."""

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.4)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a share."""
        return each(batch.grays, lambda gray: float(((gray <= 4) | (gray >= 251)).mean()))


@filters.register("bars")
@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """The share of height or width that plain bars at the edges take, as of films on screens.

    A bar is of one colour and ends at once, all along. So a clear sky, whose rows are as even but
    grow lighter, is none, nor is the margin around a thing on white paper.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.08)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a share from 0 to 1."""
        return each(batch.grays, _bars)


@filters.register("codes")
@dataclass(frozen=True, kw_only=True, slots=True)
class Codes:
    """How many QR codes and bar codes are in a picture (OpenCV's detectors).

    QR codes are found as ArUco's markers are: the detector that looks for their three squares line
    by line sees a third of those that this one sees.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a count."""
        return each(batch.grays, _codes)


@filters.register("watermark_text")
@dataclass(frozen=True, kw_only=True, slots=True)
class WatermarkText(Reads):
    """How many lines of text look like a watermark: sources, addresses, signs of copyright.

    The stand-in on a CPU for `watermark`, which needs a network; it does not see faint marks.
    """

    cut: Cut = Cut(high=0.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a count; the first such line is the note."""
        found: list[Measured] = []
        for page in batch.pages:
            if isinstance(page, str):
                found.append(Measured(None, page))
            else:
                marks = [line.text for line in page.lines if _MARKS.search(line.text)]
                found.append(
                    Measured(float(len(marks)), f"it says {marks[0]!r}" if marks else None)
                )
        return found


def _blockiness(gray: Gray) -> float:
    values = gray.astype(np.int16)
    ratios = [1.0]
    for axis in (0, 1):
        steps = np.abs(np.diff(values, axis=axis)).mean(axis=1 - axis, dtype=np.float64)
        if len(steps) < 4 * _BLOCK:
            continue
        # A median over the grid: one hard edge of the picture's own is no grid.
        phases = np.array([np.median(steps[start::_BLOCK]) for start in range(_BLOCK)])
        best = int(phases.argmax())
        rest = np.median(np.delete(phases, best))
        ratios.append(float((phases[best] + 0.1) / (rest + 0.1)))
    return max(ratios)


def _bars(gray: Gray) -> float:
    share = 0.0
    for lines in (gray, gray.T):
        ends = _bar(lines), _bar(lines[::-1])
        share = max(share, min(1.0, sum(ends) / len(lines)))
    return share


def _bar(lines: Gray) -> int:
    """Return how many lines from the first one on make a bar."""
    apart = np.abs(lines.astype(np.int16) - np.int16(np.median(lines[0])))
    # A few pixels differ by what compression does to them.
    inside = np.flatnonzero((apart > _PLAIN).mean(axis=1) > 0.02)
    if not len(inside):
        return len(lines)
    first = int(inside[0])
    # Scaling blurs the end of a bar over a line or two.
    jump = (apart[first : first + 3] > 2 * _PLAIN).mean(axis=1).max()
    return first if jump > 0.5 else 0


def _codes(gray: Gray) -> int:
    import cv2

    found = (
        cv2.QRCodeDetectorAruco().detectMulti(gray)[1],
        cv2.barcode.BarcodeDetector().detectMulti(gray)[1],
    )
    return sum(0 if corners is None else len(corners) for corners in found)  # pyright: ignore[reportUnnecessaryComparison]
