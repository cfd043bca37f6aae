"""How far pictures drift when they are edited again and again.

Three things may go wrong where nothing was asked for: pixels change, the picture moves, and who
or what is in it is no longer the same. A shift is found by phase correlation (Kuglin and Hines,
1975), whitened by half (generalized correlation: Knapp and Carter, 1976), and refined between
pixels by a Fourier transform of the peak's neighbourhood alone (Guizar-Sicairos et al., 2008).
That of a part of the picture is where the part's normalized correlation peaks (masked registration:
Padfield, 2012): what the part has of itself at each offset is compared and nothing beside it, so
its outline, which never moves, has no say.

Dimension key:
    H W  picture in pixels    U V  offsets that are tried
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.measures.pixels import pixels, psnr
from danqing.scorers.embed import Embedder

_FINE: Final = 20
"""Steps of a pixel that shifts are found in."""
_PLAIN: Final = 0.01
"""Deviation of values in [0, 1] below which there is nothing to be seen to move."""


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


def shift_within(
    first: Float[np.ndarray, "H W"],
    second: Float[np.ndarray, "H W"],
    kept: Bool[np.ndarray, "H W"],
) -> Shift | None:
    """Return how far what one part of a picture shows has moved, at most an eighth of a side.

    Args:
        first: Values in [0, 1].
        second: The same picture, with anything beside the part.
        kept: The part.

    Returns:
        The shift; None where either part is plain, so that nothing could be seen to move.
    """
    if not kept.any() or min(first[kept].std(), second[kept].std()) < _PLAIN:
        return None
    # Room for all offsets without wrapping around.
    shape = [2 * side for side in first.shape]
    mask = np.fft.rfft2(kept, shape)

    def common(one: Complex[np.ndarray, "_ _"], other: Complex[np.ndarray, "_ _"]) -> Any:
        return np.fft.irfft2(one * other.conj(), shape)

    here, there = ((image - image[kept].mean()) * kept for image in (first, second))
    a, aa, b, bb = (np.fft.rfft2(x, shape) for x in (here, here**2, there, there**2))
    count = np.maximum(common(mask, mask), 0.5)
    sums = common(mask, a), common(b, mask)
    spread = [
        np.maximum(squares - total**2 / count, 0)
        for squares, total in zip((common(mask, aa), common(bb, mask)), sums, strict=True)
    ]
    size = np.sqrt(spread[0] * spread[1])
    alike = (common(b, a) - sums[0] * sums[1] / count) / np.maximum(size, 1e-6 * size.max())
    reach = [max(1, side // 8) for side in first.shape]
    near = np.roll(alike, reach, (0, 1))[: 2 * reach[0] + 1, : 2 * reach[1] + 1]
    row, column = (int(at) for at in np.unravel_index(near.argmax(), near.shape))
    down, right = row - reach[0], column - reach[1]
    return Shift(right + _top(near[row], column), down + _top(near[:, column], row))


def _top(values: Float[np.ndarray, " N"], at: int) -> float:
    """Return how far beside the largest value the top of the parabola through it is."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, most, after = values[at - 1 : at + 2]
    return float((after - before) / (4 * most - 2 * (before + after) + 1e-12))


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
