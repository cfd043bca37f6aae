"""One-coloured regions of a picture: the part of a detector that knows nothing of shapes.

A region starts from its core, pixels whose whole neighbourhood shares their colour, and then
takes back its own rim. The mixed colours of a smooth edge are narrower than a neighbourhood,
so they found no region of their own and end up in the rim of one.

Dimension key:
    H, W  picture in pixels
"""

import numpy as np
from jaxtyping import Bool, Int, UInt8


def regions(
    labels: UInt8[np.ndarray, "H W"], reach: int, smallest: float
) -> list[Bool[np.ndarray, "H W"]]:
    """Return the masks of the one-coloured regions, the largest first.

    Args:
        labels: The colour of each pixel, from 1; 0 is the ground and belongs to no region.
        reach: Half the side of a core pixel's neighbourhood, in pixels.
        smallest: Regions of fewer pixels are dropped.
    """
    parts = _largest(components(core(labels, reach)), 255).astype(np.uint8)
    # One step more than the core lost, for the pixels that smoothing mixed.
    for _ in range(2 * reach + 1):
        free = (parts == 0) & (labels > 0)
        parts += free * _neighbours(parts, np.maximum)
    sizes = np.bincount(parts.ravel(), minlength=2)[1:]
    order = np.argsort(-sizes, kind="stable")
    return [parts == part + 1 for part in order if sizes[part] >= max(smallest, 1)]


def components(labels: UInt8[np.ndarray, "H W"]) -> Int[np.ndarray, "H W"]:
    """Return the number, from 1, of each pixel's connected one-coloured component; 0 stays 0.

    Pixels connect through their sides. Runs within rows are merged downwards until nothing
    changes, which needs no library beyond numpy and few rounds.
    """
    starts = np.ones(labels.shape, dtype=bool)
    starts[:, 1:] = labels[:, 1:] != labels[:, :-1]
    run = np.cumsum(starts).reshape(labels.shape) - 1
    meets = (labels[1:] == labels[:-1]) & (labels[1:] > 0)
    # Two runs meet along a stretch of pixels, of which the first says it all.
    meets[:, 1:] &= starts[1:, 1:] | starts[:-1, 1:]
    above, below = run[:-1][meets], run[1:][meets]
    root = np.arange(run[-1, -1] + 1)
    while True:
        low = np.minimum(root[above], root[below])
        merged = root.copy()
        np.minimum.at(merged, root[above], low)
        np.minimum.at(merged, root[below], low)
        merged = merged[merged]
        if np.array_equal(merged, root):
            break
        root = merged
    ground = labels[starts] == 0
    numbers = np.zeros_like(root)
    numbers[~ground] = np.unique(root[~ground], return_inverse=True)[1] + 1
    return numbers[run]


def core(labels: UInt8[np.ndarray, "H W"], reach: int) -> UInt8[np.ndarray, "H W"]:
    """Keep a pixel's label where all pixels within `reach` share it."""
    low = high = labels
    for _ in range(reach):
        low, high = _neighbours(low, np.minimum), _neighbours(high, np.maximum)
    return labels * (low == high)


def _largest(parts: Int[np.ndarray, "H W"], count: int) -> Int[np.ndarray, "H W"]:
    """Keep the `count` largest parts, renumbered from 1 by falling size; the rest becomes 0."""
    sizes = np.bincount(parts.ravel())[1:]
    numbers = np.zeros(len(sizes) + 1, dtype=int)
    order = np.argsort(-sizes, kind="stable")[:count]
    numbers[1 + order] = 1 + np.arange(len(order))
    return numbers[parts]


def _neighbours(x: UInt8[np.ndarray, "H W"], fold: np.ufunc) -> UInt8[np.ndarray, "H W"]:
    """Fold each pixel with its eight neighbours, as many as the picture has."""
    rows = x.copy()
    fold(rows[1:], x[:-1], out=rows[1:])
    fold(rows[:-1], x[1:], out=rows[:-1])
    out = rows.copy()
    fold(out[:, 1:], rows[:, :-1], out=out[:, 1:])
    fold(out[:, :-1], rows[:, 1:], out=out[:, :-1])
    return out
