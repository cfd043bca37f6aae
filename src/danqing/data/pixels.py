"""From bytes of strangers to pixels: what a head promises, and a decode no larger than needed.

Nothing here raises for a bad picture. What is wrong with it is a sentence, because a bad picture
is one drop among millions and never the end of a run.
"""

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from danqing.core.pictures import SUFFIXES, excess, open_picture, orientation, rgb, sentence

RGB = UInt8[np.ndarray, "_ _ 3"]
Gray = UInt8[np.ndarray, "_ _"]

MOST_METADATA: Final = 1 << 20
"""Bytes of EXIF and text beside the pixels."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first bytes of a picture say about it."""

    format: str
    """Pillow's name, such as `JPEG`."""
    width: int
    height: int
    mode: str
    """Pillow's name of the pixels' kind, such as `RGB` or `CMYK`."""
    frames: int
    """1, or more if it moves."""
    orientation: int
    """EXIF's number from 1 (upright) to 8; 1 where there is none."""


def read_head(data: bytes, name: str = "") -> Head | str:
    """Return what a picture says about itself, or what is wrong with it; decodes no pixel.

    Args:
        data: The file.
        name: What it is called; its end, if it is one that is known, must tell the truth.
    """
    if not data:
        return "it is empty"
    try:
        with open_picture(io.BytesIO(data)) as image:
            return _head(image, name)
    except UnidentifiedImageError:
        return "it is no picture of a known format"
    # Parsers of strangers' bytes raise whatever they like; see the module's first lines.
    except Exception as error:
        return f"its head cannot be read ({sentence(error)})"


def decode(data: bytes, side: int) -> RGB | str:
    """Return pixels whose shorter side is `side`, or what is wrong with the picture.

    A JPEG is decoded at an eighth, a quarter or half of its size where that is enough. Every byte
    of it is still read, so a file that ends early is found. Pictures smaller than `side` stay as
    they are; alpha lies on white; of a moving picture the first frame counts.
    """
    try:
        with open_picture(io.BytesIO(data)) as image:
            if isinstance(trouble := _head(image, ""), str):
                return trouble
            image.draft("RGB", _scaled(image.size, side))
            image.load()
            whole = np.asarray(rgb(image))
    except Exception as error:
        return f"it cannot be decoded ({sentence(error)})"
    return _shrink(whole, side)


def cover(data: bytes, width: int, height: int) -> RGB | str:
    """Return the middle of a picture at a size that it just covers, or what is wrong with it.

    Raises:
        ValueError: the picture is smaller than that; it is never enlarged.
    """
    import cv2

    head = read_head(data)
    if isinstance(head, str):
        return head
    scale = max(width / head.width, height / head.height)
    if scale > 1:
        raise ValueError(f"{head.width}x{head.height} does not cover {width}x{height}")
    pixels = decode(data, math.ceil(min(head.width, head.height) * scale))
    if isinstance(pixels, str):
        return pixels
    size = max(width, round(head.width * scale)), max(height, round(head.height * scale))
    if pixels.shape[1::-1] != size:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return pixels[top : top + height, left : left + width]  # pyright: ignore[reportReturnType]


def _head(image: Image.Image, name: str) -> Head | str:
    width, height = image.size
    promised = SUFFIXES.get(name.rpartition(".")[2].lower())
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    if promised is not None and promised != kind:
        return f"its name says {promised} and its bytes say {kind}"
    if trouble := excess(image):
        return f"it {trouble}"
    if (size := _metadata(image)) > MOST_METADATA:
        return f"it carries {size:,} bytes of metadata, more than {MOST_METADATA:,}"
    return Head(
        format=kind,
        width=width,
        height=height,
        mode=image.mode,
        frames=getattr(image, "n_frames", 1),
        orientation=orientation(image),
    )


def _metadata(image: Image.Image) -> int:
    return sum(len(value) for value in image.info.values() if isinstance(value, bytes | str))


def _scaled(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrink(pixels: RGB, side: int) -> RGB:
    import cv2

    height, width = pixels.shape[:2]
    if min(height, width) <= side:
        return pixels
    return cv2.resize(pixels, _scaled((width, height), side), interpolation=cv2.INTER_AREA)  # pyright: ignore[reportReturnType]
