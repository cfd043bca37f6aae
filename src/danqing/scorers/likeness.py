"""Which of several pictures one is meant to be, where a detector has nothing to find.

Pictures are compared as people see colours, after a blur that takes away what a VAE does to thin
lines and leaves where lines are, how dense they are, and on what ground. A picture of something
else in the right manner is near to the right one in its colours alone, so both must also go up and
down together.

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from danqing.scorers.base import Score
from danqing.scorers.color import lab


@dataclass(frozen=True, kw_only=True, slots=True)
class LikenessJudge:
    """Judges which picture of several is shown: 1 where it is clearly the right one, else 0."""

    blur: float = 1 / 128
    """Standard deviation of the blur, as a share of the picture's shorter side."""
    clear: float = 0.7
    """How far the right one may be, as a share of the distance of the next one."""
    alike: float = 0.6
    """Correlation with the right one, below which the picture is of something else."""

    def judge(
        self, image: Image.Image, candidates: Mapping[str, Image.Image], wanted: str
    ) -> Score:
        """Return the verdict on a picture; its details have the distance of each candidate.

        Args:
            image: The picture.
            candidates: All that it may be, at least two of its size.
            wanted: The name of the right one.
        """
        seen = self._blurred(image)
        blurred = {name: self._blurred(other) for name, other in candidates.items()}
        distances = {name: _distance(seen, other) for name, other in blurred.items()}
        others = [distance for name, distance in distances.items() if name != wanted]
        alike = _correlation(seen, blurred[wanted])
        if distances[wanted] > min(others):
            complaint = f"{min(distances, key=distances.__getitem__)} rather than {wanted}"
        elif distances[wanted] > self.clear * min(others):
            complaint = f"not clearly {wanted}"
        elif alike < self.alike:
            complaint = f"{wanted}, but of something else"
        else:
            complaint = ""
        details = {"distances": distances, "correlation": alike}
        return Score(float(not complaint), complaint or "as asked", details)

    def _blurred(self, image: Image.Image) -> Float[np.ndarray, "3 H W"]:
        radius = self.blur * min(image.size)
        soft = image.convert("RGB").filter(ImageFilter.GaussianBlur(radius))
        return lab(np.asarray(soft))


def _distance(one: Float[np.ndarray, "3 H W"], other: Float[np.ndarray, "3 H W"]) -> float:
    """Return the root of the mean squared Delta-E."""
    return float(np.sqrt(((one - other) ** 2).sum(0).mean()))


def _correlation(one: Float[np.ndarray, "3 H W"], other: Float[np.ndarray, "3 H W"]) -> float:
    """Return the correlation of what differs from each picture's mean colour; 0 if nothing does."""
    one, other = (planes - planes.mean((1, 2), keepdims=True) for planes in (one, other))
    size = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / size) if size else 0.0
