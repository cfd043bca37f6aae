"""Strangers' pictures: opened with care and made upright, nothing lost without a word.

Files may claim to be anything, so few formats are read, and sizes are bounded before a pixel is
decoded.
"""

import hashlib
import warnings
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from danqing.core.errors import RequestError

SUFFIXES: Final = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "bmp": "BMP",
    "tif": "TIFF",
    "tiff": "TIFF",
}
"""Formats that are read, by the ends of names. Pillow knows more; fewer are less to attack."""

LONGEST_SIDE: Final = 16_384
"""Pixels of a side; what is longer has never been a photograph."""

MOST_PIXELS: Final = 120_000_000
"""Pixels of a picture; a head that promises more is taken for a decompression bomb."""


_FORMATS: Final = "a JPEG, PNG, WebP, GIF, BMP or TIFF file"


class Opened(NamedTuple):
    """A picture as it is worked on."""

    image: Image.Image
    """RGB, or RGBA if transparency was asked for; upright."""
    remarks: tuple[str, ...]
    """What was done to the file's pixels, such as `transparency laid on white`."""


def read_picture(path: str | Path, *, alpha: bool = False) -> Opened:
    """Return the picture in a file, and what had to be done to it.

    It is turned as its EXIF says; of a moving one the first frame counts; transparency lies on
    white; 16 bits are scaled to 8; colours are converted to sRGB.

    Args:
        path: The file.
        alpha: Whether to keep transparency, as RGBA, instead.

    Raises:
        RequestError: it is no picture, damaged, too large, or its pixels have no known range.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            # Our own bound is told in words, Pillow's by a warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_picture(path) as image:
                if trouble := excess(image):
                    raise RequestError(
                        f"picture must be smaller: {path.name} {trouble}; shrink it."
                    )
                return _worked_on(image, alpha)
    except RequestError:
        raise
    except UnidentifiedImageError as error:
        raise RequestError(
            f"picture must be {_FORMATS}, got {path.name}, which is none; convert it."
        ) from error
    except Image.DecompressionBombError as error:
        raise RequestError(
            f"picture must be smaller: {path.name} promises far more than {MOST_PIXELS:,} pixels; "
            "shrink it."
        ) from error
    except FileNotFoundError as error:
        raise RequestError(f"picture must be a file, got {path}; check the path.") from error
    # Parsers of strangers' bytes raise whatever they like.
    except Exception as error:
        raise RequestError(
            f"picture must be whole, got {path.name}, which cannot be decoded ({sentence(error)}); "
            "save it again."
        ) from error


def open_picture(file: Path | BytesIO) -> Image.Image:
    """Return a picture whose head is read and whose pixels are not."""
    return Image.open(file, formats=sorted(set(SUFFIXES.values())))


def excess(image: Image.Image) -> str | None:
    """Return in which way a picture is too large to be decoded, or None."""
    width, height = image.size
    if max(width, height) > LONGEST_SIDE:
        return f"is {width}x{height}, longer than {LONGEST_SIDE:,} pixels"
    if width * height > MOST_PIXELS:
        return f"promises {width * height:,} pixels, more than {MOST_PIXELS:,}"
    return None


def orientation(image: Image.Image) -> int:
    """Return EXIF's number from 1 (upright) to 8; 1 where there is none."""
    number = image.getexif().get(ExifTags.Base.Orientation, 1)
    return number if number in range(1, 9) else 1


def rgb(image: Image.Image) -> Image.Image:
    """Return a picture in RGB: 16 bits scaled to 8, transparency laid on white."""
    if image.mode.startswith("I;16"):
        # Pillow would clip sixteen bits at 255 instead of scaling them.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        ground = Image.new("RGBA", above.size, "white")
        return Image.alpha_composite(ground, above).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def fingerprint(image: Image.Image) -> str:
    """Return what identifies the pixels of an RGB picture: 64 hexadecimal digits, a SHA-256."""
    head = f"{image.width}x{image.height}:".encode()
    return hashlib.sha256(head + rgb(image).tobytes()).hexdigest()


def sentence(error: Exception) -> str:
    """Return what a parser complains of, short enough for a line."""
    return _line(str(error)).rstrip(".") or type(error).__name__


def _line(text: str) -> str:
    return " ".join(text.split())[:120]


def _worked_on(image: Image.Image, alpha: bool) -> Opened:
    remarks: list[str] = []
    # A phone's MPO holds one photograph, and beside it what only its maker can use.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        remarks.append("only its first frame taken")
    if image.mode in ("I", "F"):
        raise RequestError(
            f"pixels must have 8 or 16 bits, got 32 (Pillow's mode {image.mode}), whose range "
            "nobody knows; convert it."
        )
    image.load()
    if orientation(image) != 1:
        remarks.append("turned as its EXIF says")
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        remarks.append("16 bits scaled to 8")
        image = rgb(image)
    profile = image.info.get("icc_profile")
    mask = None
    if image.has_transparency_data:
        above = image.convert("RGBA")
        seen = above.getchannel("A")
        if alpha:
            image, mask = above.convert("RGB"), seen
        elif seen.getextrema()[0] < 255:  # pyright: ignore[reportOperatorIssue]
            remarks.append("transparency laid on white")
        image = rgb(image)
    if profile and image.mode in ("RGB", "CMYK", "L"):
        image, remark = _managed(image, profile)
        remarks += remark
    if image.mode == "CMYK":
        remarks.append("CMYK without a profile converted to RGB")
    image = rgb(image)
    if mask is not None:
        image.putalpha(mask)
    return Opened(image, tuple(remarks))


def _managed(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """Return a picture with its colours in sRGB, and what there is to say about it."""
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        name = _line(ImageCms.getProfileDescription(own))
        if "srgb" in name.lower():
            return image, []
        to = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, to, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image, ["its colour profile ignored, which cannot be used"]
    assert converted is not None
    return converted, [f"colours converted from {name} to sRGB"]
