"""Stage 6, what hides faces: a mosaic anywhere in a picture, and a blur over a face alone.

Dimension key: D, A windows down and across; n phases of a grid, or pixels of a block.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from danqing.core.errors import RecipeError
from danqing.data.filters.base import Batch, Cut, Measured, each, filters, laplacian
from danqing.data.pixels import Gray

_BLOCKS: Final = range(6, 49)
"""Pixels of a mosaic's blocks that are looked for."""
_WINDOW: Final = 4
"""Blocks along each side of what is looked at as one: the smallest mosaic over a face."""
_STEP: Final = 4.0
"""Grey levels between blocks below which there is nothing to see."""
_LIKELY: Final = 2.0
"""Steps on a grid over those beside it, from which on a window is looked at block by block."""
_TRIED: Final = 24
"""Windows of each size that are; in what is no mosaic, single edges fill this list."""
_TONE: Final = 4
"""Grey levels that tones of two blocks are apart to be two."""
_TONES: Final = 0.6
"""Tones for each block that a mosaic has at least: print, checks and QR codes have two in all."""
_SMALLEST: Final = 24
"""Pixels of a face below which it is no portrait."""
_SURE: Final = 0.8
"""Faces that the detector is less sure of are not looked at."""


@filters.register("mosaic")
@dataclass(frozen=True, kw_only=True, slots=True)
class Mosaic:
    """How much larger steps between flat blocks on a grid are than those inside: 1 is no mosaic.

    Seen at the picture's own size, for blocks of 6 to 48 pixels, in a window of four by four. Under
    a strong JPEG compression, areas of little detail look the same and are found, too.
    """

    needs: ClassVar = ("original",)
    slow: ClassVar = False
    cut: Cut = Cut(high=2.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a ratio."""
        return each(batch.originals, _mosaic)


@filters.register("face_blur")
@dataclass(frozen=True, kw_only=True, slots=True)
class FaceBlur:
    """Sharpness of the largest face over that of the clearest part of the picture; low is blurred.

    Pictures without a face have no such number, nor have faces blurred beyond a tenth of their
    width, which the detector takes for none. Sharp copies of the one face that we measured have
    0.45 and more, blurred ones 0.09 and less. The detector is YuNet (Wu et al. 2023), through
    OpenCV: the file `face_detection_yunet_2023mar.onnx` of opencv_zoo, 232,589 bytes, MIT licence.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = True
    cut: Cut = Cut(low=0.1)
    detector: Path = Path("face_detection_yunet_2023mar.onnx")

    def load(self) -> None:
        """Make sure that the detector is there.

        Raises:
            RecipeError: it is not.
        """
        if not self.detector.is_file():
            raise RecipeError(
                "detector must be face_detection_yunet_2023mar.onnx of github.com/opencv/opencv_zoo"
                f", got no file {self.detector}; download it and name its path, or take the filter "
                "out."
            )

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a ratio."""
        import cv2

        # Made for each batch, because threads must not share one.
        detect = cv2.FaceDetectorYN.create(str(self.detector), "", (320, 320), _SURE)
        found: list[Measured] = []
        for pixels, gray in zip(batch.images, batch.grays, strict=True):
            if isinstance(pixels, str) or isinstance(gray, str):
                found.append(Measured(None, str(pixels)))
                continue
            detect.setInputSize((pixels.shape[1], pixels.shape[0]))
            faces = detect.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
            seen = [] if faces is None else list(faces)  # pyright: ignore[reportUnnecessaryComparison]
            found.append(Measured(sharpness(gray, seen)))
        return found


def sharpness(gray: Gray, faces: list[np.ndarray]) -> float | None:
    """Return how sharp the largest face is, over the clearest part of a picture.

    Args:
        gray: The picture.
        faces: Of each: left, top, width, height, and five points across and down, in pixels.
    """
    from danqing.data.filters.photometry import Clarity

    largest = max(faces, key=lambda face: face[2] * face[3], default=None)
    if largest is None or min(largest[2:4]) < _SMALLEST:
        return None
    # Around eyes, nose and mouth: the box's rim has hair and ground in it, which nobody blurred.
    width, height = largest[2:4]
    points = largest[4:14].reshape(5, 2)
    rim = np.array([0.15 * width, 0.1 * height])
    left, top = np.maximum(points.min(axis=0) - rim, 0).astype(int)
    right, bottom = (points.max(axis=0) + rim).astype(int)
    clearest = Clarity().clearest(laplacian(gray))
    inner = gray[top:bottom, left:right]
    if not inner.size or not clearest:
        return None
    return Clarity(tiles=1).clearest(laplacian(np.ascontiguousarray(inner))) / clearest


class _Grid(NamedTuple):
    """Of each window, steps across a grid of one pitch."""

    step: Float64[np.ndarray, "D A"]
    """Mean step in the phase that has most."""
    beside: Float64[np.ndarray, "D A"]
    """The most in a phase that is not next to it."""
    phase: Int64[np.ndarray, "D A"]
    """Which phase that is: the grid's lines come after the pixels of this one."""

    @property
    def transposed(self) -> "_Grid":
        return _Grid(*(values.T for values in self))


def _mosaic(gray: Gray) -> float:
    across, down = (_summed(lines) for lines in (gray, gray.T))
    most = 1.0
    for block in _BLOCKS:
        one, two = _grid(across, block), _grid(down, block)
        if one is None or two is None:
            break
        for top, left in _windows(one, two.transposed):
            y, x = 2 * block * top, 2 * block * left
            y, x = y + int(two.phase[left, top]) + 1, x + int(one.phase[top, left]) + 1
            most = max(most, _ratio(gray[y:, x:], block))
    return most


def _summed(lines: Gray) -> Int32[np.ndarray, "_ _"]:
    """Return steps from each pixel to the next of its line, summed over the lines before."""
    steps = np.abs(np.diff(lines.astype(np.int16), axis=1))
    return np.pad(steps.cumsum(axis=0, dtype=np.int32), ((1, 0), (0, 0)))


def _grid(summed: Int32[np.ndarray, "_ _"], block: int) -> _Grid | None:
    # Cells of two blocks a side; four neighbours make a window, so windows overlap by half and any
    # mosaic of six blocks has a whole one.
    cell = 2 * block
    rows, columns = (summed.shape[0] - 1) // cell, summed.shape[1] // cell
    if rows < 2 or columns < 2:
        return None
    lines = np.diff(summed[: cell * rows + 1 : cell], axis=0)[:, : cell * columns]
    cells = lines.reshape(rows, columns, 2, block).sum(axis=2)
    cells = cells[:-1] + cells[1:]
    phases = (cells[:, :-1] + cells[:, 1:]) / (_WINDOW**2 * block)
    phase = phases.argmax(axis=-1)
    far = np.abs((np.arange(block) - phase[..., None] + block // 2) % block - block // 2) > 2
    return _Grid(phases.max(axis=-1), (phases * far).max(axis=-1), phase)


def _windows(one: _Grid, two: _Grid) -> list[tuple[int, int]]:
    """Return where windows lie that have a grid both ways, the clearest first."""
    rows, columns = np.minimum(one.step.shape, two.step.shape)
    ratio = np.full((rows, columns), np.inf)
    for grid in (one, two):
        step, beside = grid.step[:rows, :columns], grid.beside[:rows, :columns]
        ratio = np.minimum(ratio, np.where(step >= _STEP, step / (beside + 1), 0))
    order = np.argsort(-ratio, axis=None, kind="stable")[:_TRIED]
    places = np.stack(np.unravel_index(order, ratio.shape), axis=1).tolist()
    return [(top, left) for top, left in places if ratio[top, left] >= _LIKELY]


def _ratio(gray: Gray, block: int) -> float:
    """Return steps between blocks from a corner on, over steps inside them; 0: it is no mosaic."""
    count = min(_WINDOW, min(gray.shape) // block)
    if count < _WINDOW - 1:
        return 0.0
    pixels = gray[: count * block, : count * block].astype(np.float32)
    blocks = pixels.reshape(count, block, count, block)
    inner = blocks[:, 1:-1, :, 1:-1]
    tones = np.median(inner, axis=(1, 3))
    if len(np.unique(tones // _TONE)) < _TONES * tones.size:
        return 0.0
    rough = (np.abs(np.diff(inner, axis=axis)).mean(axis=(1, 3)) for axis in (1, 3))
    inside = np.mean(list(rough), axis=0) + 1
    beside = np.abs(np.diff(pixels, axis=1))[:, block - 1 :: block]
    below = np.abs(np.diff(pixels, axis=0))[block - 1 :: block]
    steps = (
        beside.reshape(count, block, -1).mean(axis=1) / np.maximum(inside[:, 1:], inside[:, :-1]),
        below.reshape(-1, count, block).mean(axis=2) / np.maximum(inside[1:], inside[:-1]),
    )
    # A third of the blocks may be like their neighbours; where one straight edge of something makes
    # the steps, nearly all are.
    return float(np.quantile(np.concatenate([step.ravel() for step in steps]), 0.35))
