"""How near a depth is to the truth, up to the scale and shift that one picture cannot know.

The protocol is that of Marigold (Ke et al. 2024, arXiv:2312.02145, and its published evaluation):
least squares over valid pixels, a clip to the data set's range, then two figures a picture, which
are averaged over pictures.

Dimension key:
    H, W  picture in pixels
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_NEAR_ONE: Final = 1.25
_SMALLEST_DEPTH: Final = 1e-6
_SMALLEST_DISPARITY: Final = 1e-3


class DepthError(NamedTuple):
    """What is wrong with a depth."""

    abs_rel: float
    """Mean of the distance from the truth as a share of the truth; 0 is best."""
    delta1: float
    """Share of pixels within a factor of 1.25 of the truth; 1 is best."""


def aligned(
    shown: Float[np.ndarray, "H W"],
    truth: Float[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "H W"]:
    """Return `shown` with the scale and shift that bring it nearest to the truth.

    Args:
        shown: Values of any unit; a negative scale is as good as another.
        truth: The values wanted.
        valid: The pixels that are fitted. Where they show one value only, the least scale does.
    """
    known = np.stack([shown[valid], np.ones(int(valid.sum()))], axis=1)
    scale, shift = np.linalg.lstsq(known, truth[valid], rcond=None)[0]
    return shown * scale + shift


def aligned_as_disparity(
    shown: Float[np.ndarray, "H W"],
    truth: Float[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "H W"]:
    """Return the depth behind a picture of disparity, which is fitted to 1 / truth.

    Only pixels that show more than nothing are fitted, and the fit is kept above 0.001.

    Args:
        shown: Disparity of any unit.
        truth: Depth.
        valid: The pixels of known depth, more than 0.
    """
    inverse = np.divide(1.0, truth, out=np.zeros_like(truth), where=truth > 0)
    fitted = aligned(shown, inverse, valid & (truth > 0) & (shown > 0))
    return 1 / np.maximum(fitted, _SMALLEST_DISPARITY)


def depth_error(
    depth: Float[np.ndarray, "H W"],
    truth: Float[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
    nearest: float = 0.0,
    furthest: float = np.inf,
) -> DepthError:
    """Return how far a depth is from the truth, both in one unit.

    Args:
        depth: The depth; it is clipped to what the data set can hold.
        truth: The truth, more than 0 where it is valid.
        valid: The pixels that count, at least one.
        nearest: The least depth.
        furthest: The largest one.
    """
    told = np.clip(depth[valid], max(nearest, _SMALLEST_DEPTH), furthest)
    true = truth[valid]
    off = np.maximum(told / true, true / told)
    return DepthError(float((np.abs(told - true) / true).mean()), float((off < _NEAR_ONE).mean()))
