"""How far things found cover things that are there: IoU of masks and boxes, average precision.

Dimension key:
    H, W  picture in pixels
    P     things found
    T     things that are there
    K     thresholds of IoU
    N     things found in all pictures
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Num

THRESHOLDS: Final = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""The IoUs from which a box counts as found, after COCO: .5, .55, ... .95."""

_RECALLS: Final = np.linspace(0, 1, 101)


def mask_overlap(found: Bool[np.ndarray, "H W"], there: Bool[np.ndarray, "H W"]) -> tuple[int, int]:
    """Return the pixels that two masks share, and those of either."""
    return int((found & there).sum()), int((found | there).sum())


def mask_iou(found: Bool[np.ndarray, "H W"], there: Bool[np.ndarray, "H W"]) -> float:
    """Return intersection over union; 1 where both masks are empty."""
    shared, either = mask_overlap(found, there)
    return shared / either if either else 1.0


def box_ious(found: Num[np.ndarray, "P 4"], there: Num[np.ndarray, "T 4"]) -> Float[
    np.ndarray, "P T"
]:  # fmt: skip
    """Return the IoU of every pair of boxes; 0 where both have no area.

    Args:
        found: Left, top, right, bottom, the far edges not included.
        there: As `found`.
    """
    low = np.maximum(found[:, None, :2], there[None, :, :2])
    high = np.minimum(found[:, None, 2:], there[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(-1) for b in (found, there)]
    either = areas[0][:, None] + areas[1][None] - shared
    return np.divide(shared, either, out=np.zeros(either.shape), where=either > 0)


def matches(
    ious: Float[np.ndarray, "P T"], thresholds: tuple[float, ...] = THRESHOLDS
) -> Bool[np.ndarray, "K P"]:
    """Return, for each threshold, which of the things found are right.

    Each takes, in turn, what it overlaps most of that which nobody took, if by the threshold or
    more; of equal overlaps it takes the last, as COCO's code does.

    Args:
        ious: Their overlaps with what is there, the surest first.
        thresholds: From what IoU one is right.
    """
    right = np.zeros((len(thresholds), len(ious)), bool)
    for k, threshold in enumerate(thresholds):
        free = np.ones(ious.shape[1], bool)
        for p, row in enumerate(ious):
            open_ = np.where(free, row, -1.0)
            if len(row) and open_.max() >= min(threshold, 1 - 1e-10):
                best = len(row) - 1 - int(open_[::-1].argmax())
                right[k, p], free[best] = True, False
    return right


def average_precision(
    sure: Float[np.ndarray, " N"],
    right: Bool[np.ndarray, " N"],
    count: int,
    weights: Float[np.ndarray, " N"] | Int[np.ndarray, " N"] | None = None,
) -> float | None:
    """Return the mean of precision at the recalls 0, .01, ... 1, as COCO computes it.

    Precision at a recall is the best one at that recall or more; 0 where it is not reached.

    Args:
        sure: How sure each thing found in any picture is; equal ones keep their order.
        right: Whether it is right.
        count: Things that are there.
        weights: How often each counts, such as a bootstrap drew its picture; None: once.

    Returns:
        The precision from 0 to 1; None where there is nothing to be found.
    """
    if not count:
        return None
    order = np.argsort(-sure, kind="stable")
    each = np.ones(len(sure)) if weights is None else weights[order].astype(float)
    hits, shots = np.cumsum(each * right[order]), np.cumsum(each)
    recall = hits / count
    precision = np.divide(hits, shots, out=np.zeros(len(hits)), where=shots > 0)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    # A recall that is reached exactly must not be missed by the last bit of a division.
    places = np.searchsorted(recall, _RECALLS - 1e-12, side="left")
    return float(np.append(best, 0.0)[places].mean())
