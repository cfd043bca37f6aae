"""How near two pictures are, pixel by pixel: PSNR and SSIM.

Values are RGB in [0, 1], never luma, and figures are those of one picture: an average of decibels
is not the decibels of an average.

Dimension key:
    H, W  picture in pixels
    C     channels
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from danqing.core.errors import SourceError

_EPSILON: Final = 1e-8
"""Added to the mean squared error, as `piq` does, so that equal pictures have 80 dB."""

_WINDOW: Final = 11
_SIGMA: Final = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def pixels(image: Image.Image, size: tuple[int, int] | None = None) -> Float[np.ndarray, "H W 3"]:
    """Return a picture as RGB in [0, 1].

    Args:
        image: The picture.
        size: Width and height; a picture of another size is resized to it, bicubically. None: as
            it is.
    """
    image = image.convert("RGB")
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image, np.float64) / 255


def psnr(
    first: Float[np.ndarray, "H W C"],
    second: Float[np.ndarray, "H W C"],
    mask: Bool[np.ndarray, "H W"] | None = None,
) -> float:
    """Return the peak signal-to-noise ratio in dB; 80 for equal pictures.

    Args:
        first: Values in [0, 1].
        second: Values in [0, 1].
        mask: The pixels that count, at least one; None: all.
    """
    squares = (first - second) ** 2
    error = float(squares.mean() if mask is None else squares[mask].mean())
    return -10 * float(np.log10(error + _EPSILON))


def ssim(first: Float[np.ndarray, "H W C"], second: Float[np.ndarray, "H W C"]) -> float:
    """Return the structural similarity; 1 for equal pictures.

    The window is a Gaussian of 11x11 with sigma 1.5, it stays within the picture, and nothing is
    made smaller first: Wang et al., "Image quality assessment" (2004), without the down-sampling
    of its authors' later code. Channels are averaged.

    Args:
        first: Values in [0, 1].
        second: Values in [0, 1].

    Raises:
        SourceError: a side is shorter than the window.
    """
    height, width = first.shape[:2]
    if min(height, width) < _WINDOW:
        raise SourceError(
            f"pictures must be at least {_WINDOW} pixels a side to be compared, got "
            f"{width}x{height}; take larger ones."
        )
    x, y = _blurred(first), _blurred(second)
    xx, yy, xy = _blurred(first**2), _blurred(second**2), _blurred(first * second)
    structure = (2 * (xy - x * y) + _C2) / (xx - x**2 + yy - y**2 + _C2)
    return float(((2 * x * y + _C1) / (x**2 + y**2 + _C1) * structure).mean())


def _blurred(values: Float[np.ndarray, "H W C"]) -> Float[np.ndarray, "h w C"]:
    """Return means within the window, wherever it lies inside."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    for axis in (0, 1):
        length = values.shape[axis] - _WINDOW + 1
        values = sum(
            w * values.take(range(i, i + length), axis)
            for i, w in enumerate(weights / weights.sum())
        )  # pyright: ignore[reportAssignmentType]
    return values
