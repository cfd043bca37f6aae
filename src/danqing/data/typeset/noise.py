"""Smooth noise, from which surfaces are made.

Dimension key: H height, W width.
"""

import numpy as np
from jaxtyping import Float32

Plane = Float32[np.ndarray, "H W"]
"""One number a pixel."""

Pixels = Float32[np.ndarray, "H W 3"]
"""Red, green and blue in [0, 1]."""


def clouds(
    rng: np.random.Generator,
    size: tuple[int, int],
    cells: tuple[float | int, float | int],
    octaves: int = 4,
    fade: float = 0.5,
) -> Plane:
    """Return noise of zero mean and unit spread: random grids, each finer and fainter, summed.

    Args:
        rng: Decides the grids.
        size: Width and height in pixels.
        cells: How many bumps of the coarsest grid lie across and down.
        octaves: How many grids; each has bumps of half the size.
        fade: How much of a grid's height the next finer one has.
    """
    import cv2

    width, height = size
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        across, down = (
            min(side, max(2, round(count * 2**octave)))
            for side, count in zip(size, cells, strict=True)
        )
        grid = rng.standard_normal((down, across)).astype(np.float32)
        total += fade**octave * cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    total -= total.mean()
    return (total / max(float(total.std()), 1e-6)).astype(np.float32)


def grain(rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    """Return noise of unit spread that has no size but a pixel's."""
    return rng.standard_normal((size[1], size[0]), np.float32)
