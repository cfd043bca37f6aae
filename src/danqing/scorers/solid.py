"""Whether a picture shows a solid from the side that was asked, by the colours of its faces.

What a picture shows is turned into a map of palette colours, its box moved and scaled into a fixed
square, and compared with the map of the truth: for each face that should show, the intersection
over union of both. Right is where every face has its place and nothing else is in the picture.
Where several truths would do, as when proportions were left open, the nearest one counts.

Dimension key:
    H, W  picture in pixels    S  side of a map
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from danqing.scorers.base import Score
from danqing.scorers.labels import labelled
from danqing.scorers.polyhedra import Face
from danqing.scorers.regions import regions
from danqing.scorers.world import PALETTE

Map = UInt8[np.ndarray, "S S"]

_SIDE: Final = 96
_NAMES: Final = ("ground", *PALETTE, "another colour")


@dataclass(frozen=True, kw_only=True, slots=True)
class SolidJudge:
    """Judges pictures of one solid: 1 where every face lies where it should, else 0."""

    contrast: float = 12.0
    """Delta-E from the ground beyond which a pixel may be of the solid."""
    smallest: float = 0.01
    """Smallest area of a face or of another thing; smoothed seams of faces are smaller."""
    overlap: float = 0.65
    """Intersection over union that every face must reach."""

    def judge(self, image: Image.Image, truths: Iterable[Sequence[Face]]) -> Score:
        """Return the verdict on a picture.

        Args:
            image: The picture.
            truths: The faces that should show, once for each truth that would do.
        """
        found = self._map(image)
        scored = [_overlaps(found, truth) for truth in truths]
        overlaps = max(scored, key=lambda faces: (min(faces.values()), sum(faces.values())))
        others = sorted({_NAMES[i] for i in np.unique(found[found > 0])} - set(overlaps))
        complaints = [
            f"{name} covers {share:.2f}" for name, share in overlaps.items() if share < self.overlap
        ] + [f"{name} should not be there" for name in others]
        details = {
            "soft": sum(overlaps.values()) / len(overlaps),
            "overlaps": {name: round(share, 4) for name, share in overlaps.items()},
            "others": others,
        }
        return Score(float(not complaints), "; ".join(complaints) or "as asked", details)

    def _map(self, image: Image.Image) -> Map:
        """Return what a picture shows, its box moved into the square."""
        seen = labelled(image, self.contrast)
        shown = np.zeros_like(seen.labels)
        for mask in regions(seen.labels, seen.reach, self.smallest * seen.labels.size):
            shown[mask] = np.bincount(seen.labels[mask]).argmax()
        return _boxed(shown)


def _overlaps(found: Map, truth: Sequence[Face]) -> dict[str, float]:
    """Return the intersection over union of every face of a truth."""
    wanted = _drawn(truth)
    shares: dict[str, float] = {}
    for color, _ in truth:
        label = _NAMES.index(color)
        got, true = found == label, wanted == label
        shares[color] = float((got & true).sum() / (got | true).sum())
    return shares


def _drawn(faces: Sequence[Face]) -> Map:
    xs, ys = zip(*(point for _, outline in faces for point in outline), strict=True)
    scale = 4 * _SIDE / max(max(xs) - min(xs), max(ys) - min(ys))
    canvas = Image.new("L", (4 * _SIDE, 4 * _SIDE))
    for color, outline in faces:
        places = [((x - min(xs)) * scale, (y - min(ys)) * scale) for x, y in outline]
        ImageDraw.Draw(canvas).polygon(places, fill=_NAMES.index(color))
    return _boxed(np.asarray(canvas))


def _boxed(shown: UInt8[np.ndarray, "H W"]) -> Map:
    """Return what is not ground, its box in the middle of the square and as long as that."""
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if not len(rows):
        return np.zeros((_SIDE, _SIDE), np.uint8)
    top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    offsets = ((np.arange(_SIDE) + 0.5) / _SIDE - 0.5) * max(bottom - top, right - left)
    y = np.floor((top + bottom) / 2 + offsets).astype(int)
    x = np.floor((left + right) / 2 + offsets).astype(int)
    padded = np.pad(shown, 1)
    return padded[np.ix_((y + 1).clip(0, shown.shape[0] + 1), (x + 1).clip(0, shown.shape[1] + 1))]
