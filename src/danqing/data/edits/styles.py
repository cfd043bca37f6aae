"""Looks that a picture can be given, each a function of its pixels and of nothing else.

All are made to be told apart at 256 pixels; lengths are in pixels of a picture with that shorter
side, and grow with it.

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from PIL import Image, ImageFilter

from danqing.core.registry import Registry

Style = Callable[[Image.Image], Image.Image]
"""Returns an RGB picture as another RGB picture of the same size."""

STYLES: Registry[Style] = Registry("style")

_CONTRAST: Final = 24
"""Difference of a channel, in steps of 1/255, from which there is an edge between two pixels."""
_COLORFUL: Final = 60
"""Distance of the highest channel from the lowest, from which a colour glows as a colour."""


@STYLES.register("outline")
def outline(image: Image.Image) -> Image.Image:
    """Draw edges, black on white."""
    return Image.fromarray(np.where(_edges(image, 5), np.uint8(20), np.uint8(250))).convert("RGB")


@STYLES.register("sketch")
def sketch(image: Image.Image) -> Image.Image:
    """Draw edges and hatch what is dark, in grays on white; what is darkest is hatched twice."""
    tone = np.asarray(image.convert("L"))
    period, stroke = _scaled(image, 16), _scaled(image, 6)
    rows, columns = np.indices(tone.shape)
    hatched = (tone < 165) & ((rows + columns) % period < stroke)
    hatched |= (tone < 85) & ((rows - columns) % period < stroke)
    gray = np.where(hatched, 150, 250)
    return Image.fromarray(np.where(_edges(image, 3), 70, gray).astype(np.uint8)).convert("RGB")


@STYLES.register("pixel")
def pixel(image: Image.Image) -> Image.Image:
    """Average blocks of 16 pixels."""
    width, height = image.size
    block = _scaled(image, 16)
    few = image.resize((-(-width // block), -(-height // block)), Image.Resampling.BOX)
    return few.resize(image.size, Image.Resampling.NEAREST)


@STYLES.register("neon")
def neon(image: Image.Image) -> Image.Image:
    """Let edges glow on black, in the most colourful tone beside them, else in white."""
    planes = _planes(image)
    shifts = [(axis, shift) for axis in (1, 2) for shift in (-4, -2, 2, 4)]
    around = np.stack([planes, *(np.roll(planes, shift, axis) for axis, shift in shifts)])
    chroma = around.max(1) - around.min(1)
    # What is mixed at an edge is duller than the thing itself, and so is the ground.
    best = np.take_along_axis(around, chroma.argmax(0)[None, None], 0)[0]
    low, chroma = best.min(0), chroma.max(0)
    pure = 60 + (best - low) * 195 // np.maximum(chroma, 1)
    tones = np.where(chroma < _COLORFUL, 255, pure)
    lines = _image(np.where(_edges(image, 1), tones, 0))
    tubes = lines.filter(ImageFilter.MaxFilter(_odd(image, 7)))
    glow = tubes.filter(ImageFilter.GaussianBlur(_scaled(image, 5)))
    return _image(_planes(tubes) + _planes(glow) // 2 + 24)


@STYLES.register("watercolor")
def watercolor(image: Image.Image) -> Image.Image:
    """Wash colours out: pale, soft at edges, where they gather, and uneven on a grained paper."""
    soft = image.filter(ImageFilter.GaussianBlur(_scaled(image, 2)))
    rim = Image.fromarray(_edges(image, 3)).convert("L")
    gathered = np.asarray(rim.filter(ImageFilter.GaussianBlur(_scaled(image, 3)))) / 255
    pigment = 1 + 0.5 * _noise(image.size, 8) + 0.3 * _noise(image.size, 40) + 0.7 * gathered
    return _image(255 - 0.7 * (255 - _planes(soft)) * pigment)


def _planes(image: Image.Image) -> Int[np.ndarray, "3 H W"]:
    """Return channels one after the other, in which maxima over them are fast."""
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1)).astype(np.int32)


def _image(planes: Shaped[np.ndarray, "3 H W"]) -> Image.Image:
    """Return the picture of channels in any numbers."""
    pixels = np.clip(planes, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(pixels))


def _edges(image: Image.Image, thickness: int) -> Bool[np.ndarray, "H W"]:
    """Return where colours change, in lines a little wider than so many pixels."""
    planes = np.pad(_planes(image), ((0, 0), (1, 1), (1, 1)), "edge")
    across = np.abs(planes[:, 1:-1, 2:] - planes[:, 1:-1, :-2]).max(0)
    down = np.abs(planes[:, 2:, 1:-1] - planes[:, :-2, 1:-1]).max(0)
    lines = Image.fromarray(np.maximum(across, down) > _CONTRAST).convert("L")
    return np.asarray(lines.filter(ImageFilter.MaxFilter(_odd(image, thickness)))) > 0


@lru_cache(maxsize=16)
def _noise(size: tuple[int, int], cells: int) -> Float[np.ndarray, "H W"]:
    """Return smooth noise in [-0.5, 0.5] with so many cells a side, always the same."""
    coarse = np.random.default_rng(cells).random((cells, cells)) - 0.5
    smooth = Image.fromarray(coarse.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float64)


def _scaled(image: Image.Image, length: int) -> int:
    """Return a length at 256 pixels in those of a picture, at least 1."""
    return max(1, round(length * min(image.size) / 256))


def _odd(image: Image.Image, length: int) -> int:
    """Return a length in a picture's pixels, as an odd number as filters need it."""
    return _scaled(image, length) // 2 * 2 + 1
