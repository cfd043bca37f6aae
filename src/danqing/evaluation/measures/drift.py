"""How far pictures drift when they are edited again and again.

Three things may go wrong where nothing was asked for: pixels change, the picture moves, and who
or what is in it is no longer the same. A shift is found by phase correlation (Kuglin and Hines,
1975), whitened by half (generalized correlation: Knapp and Carter, 1976), and refined between
pixels by a Fourier transform of the peak's neighbourhood alone (Guizar-Sicairos et al., 2008).

Dimension key:
    H W  picture in pixels    U V  offsets that are tried
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.measures.pixels import pixels, psnr
from danqing.scorers.embed import Embedder

_FINE: Final = 20
"""Steps of a pixel that shifts are found in."""


class Shift(NamedTuple):
    """How far a picture has moved, in pixels."""

    right: float
    down: float

    @property
    def length(self) -> float:
        """How far, whichever way."""
        return float(np.hypot(*self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """How far a picture is from what it was, where nothing was asked for."""

    psnr: float | None
    """Decibels of the pixels that should not have changed; None if there are none."""
    shift: Shift
    """How far the picture as a whole has moved."""
    likeness: float | None
    """Cosine of both pictures' vectors; None without an embedder."""


def drift(
    first: Image.Image,
    last: Image.Image,
    kept: Bool[np.ndarray, "H W"],
    embedder: Embedder | None = None,
) -> Drift:
    """Return how far a picture has drifted.

    Args:
        first: The picture before all edits.
        last: A picture of the same size after some of them.
        kept: The pixels that should not have changed.
        embedder: What knows who or what is in a picture.

    Raises:
        SourceError: the pictures are not of one size.
    """
    if first.size != last.size:
        raise SourceError(
            f"pictures must have one size to be compared, got {first.size[0]}x{first.size[1]} and "
            f"{last.size[0]}x{last.size[1]}; scale neither, edit at the size of the first."
        )
    before, after = pixels(first), pixels(last)
    likeness = None
    if embedder is not None:
        one, other = embedder.images([first, last])
        likeness = float(one @ other)
    return Drift(
        psnr=psnr(before, after, kept) if kept.any() else None,
        shift=shift(before.mean(-1), after.mean(-1)),
        likeness=likeness,
    )


def shift(first: Float[np.ndarray, "H W"], second: Float[np.ndarray, "H W"]) -> Shift:
    """Return how far the second picture has moved against the first."""
    # What wraps around at the edges would be a picture that has not moved.
    height, width = first.shape
    window = np.outer(_hann(height), _hann(width))
    spectra = [np.fft.fft2((image - image.mean()) * window) for image in (second, first)]
    cross = spectra[0] * spectra[1].conj()
    size = np.abs(cross)
    # Half as white as phases alone: in a flat picture most frequencies are nothing but noise.
    phase = cross / np.sqrt(np.maximum(size, size.max() * 1e-9 + np.finfo(float).tiny))
    rough = np.unravel_index(np.fft.ifft2(phase).real.argmax(), phase.shape)
    down, right = (
        int(at) - (side if at > side // 2 else 0)
        for at, side in zip(rough, phase.shape, strict=True)
    )
    near = np.arange(-_FINE, _FINE + 1) / _FINE
    peak = _correlation(phase, down + near, right + near)
    row, column = np.unravel_index(peak.argmax(), peak.shape)
    return Shift(float(right + near[column]), float(down + near[row]))


def _hann(side: int) -> Float[np.ndarray, " side"]:
    return np.hanning(side + 2)[1:-1]


def _correlation(
    phase: Complex[np.ndarray, "H W"],
    down: Float[np.ndarray, " U"],
    right: Float[np.ndarray, " V"],
) -> Float[np.ndarray, "U V"]:
    """Return the correlation at offsets between pixels."""
    rows, columns = (
        np.exp(2j * np.pi * np.outer(offsets, np.fft.fftfreq(side)))
        for offsets, side in zip((down, right), phase.shape, strict=True)
    )
    return np.real(rows @ phase @ columns.T)
