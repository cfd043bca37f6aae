"""What stands behind a thing with text on it: the user's photographs, or scenes of our own.

Dimension key: H height, W width.
"""

from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from danqing.core.errors import SourceError
from danqing.core.pictures import SUFFIXES
from danqing.data.pixels import decode
from danqing.data.typeset.noise import Pixels, clouds
from danqing.data.typeset.surfaces import surfaces
from danqing.scorers.world import Language

LARGEST: Final = 256 << 20
"""Bytes of a photograph that is still read."""

Said = dict[Language, str]

_WALLS = ("brick", "plaster", "wood", "stone")


@lru_cache(maxsize=8)
def photographs(folder: Path) -> tuple[Path, ...]:
    """Return the pictures in a folder, in the order of their names.

    Raises:
        SourceError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise SourceError(f"photographs {folder} must be a folder; check the recipe's path.")
    files = sorted(f for f in folder.rglob("*") if f.suffix[1:].lower() in SUFFIXES)
    if not files:
        raise SourceError(f"photographs {folder} must hold pictures, got none; add some.")
    return tuple(files)


def backdrop(rng: Random, size: tuple[int, int], folder: Path | None = None) -> tuple[Pixels, Said]:
    """Return a background, and where a thing before it is said to be.

    Args:
        rng: Decides which.
        size: Width and height in pixels.
        folder: Of the user's photographs; none means scenes of our own.
    """
    if folder is not None:
        file = rng.choice(photographs(folder))
        pixels = _photograph(file, size) if file.stat().st_size <= LARGEST else None
        if pixels is not None:
            return pixels, {"en": "in front of a photographed scene", "zh": "在一张照片的场景前"}
    noise = np.random.default_rng(rng.getrandbits(64))
    make = rng.choice((_wall, _wall, _evening, _meadow))
    return make(noise, size)


def _photograph(file: Path, size: tuple[int, int]) -> Pixels | None:
    pixels = decode(file.read_bytes(), max(size))
    if isinstance(pixels, str):
        return None
    fitted = ImageOps.fit(Image.fromarray(pixels), size, Image.Resampling.BICUBIC)
    return np.asarray(fitted, np.float32) / 255


def _wall(noise: np.random.Generator, size: tuple[int, int]) -> tuple[Pixels, Said]:
    material = surfaces[_WALLS[int(noise.integers(len(_WALLS)))]]
    pixels = material.make(noise, size)
    dim = np.float32(noise.uniform(0.62, 0.85))
    soft = _softened(pixels * dim, min(size) / 500)
    return soft, {
        "en": f"in front of a wall of {material.said['en']}",
        "zh": f"在{material.said['zh']}质的墙面前",
    }


def _evening(noise: np.random.Generator, size: tuple[int, int]) -> tuple[Pixels, Said]:
    """Return lights of a street at night, out of focus."""
    import cv2

    width, height = size
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.asarray((0.10, 0.12, 0.24), np.float32) * (1 - rows)
    street = np.asarray((0.16, 0.11, 0.12), np.float32) * rows
    pixels = np.ascontiguousarray(np.broadcast_to(sky + street, (height, width, 3)), np.float32)
    for _ in range(int(noise.integers(24, 48))):
        x, y = int(noise.uniform(0, width)), int(noise.uniform(0.15, 0.9) * height)
        radius = int(min(size) * noise.uniform(0.012, 0.05))
        hue = np.asarray(((1.0, 0.72, 0.36), (1.0, 0.86, 0.62), (0.95, 0.35, 0.28), (0.4, 0.66, 1)))
        color = hue[int(noise.integers(4))] * noise.uniform(0.25, 0.75)
        disc = np.zeros((height, width), np.float32)
        cv2.circle(disc, (x, y), radius, 1.0, -1, cv2.LINE_AA)
        pixels += disc[..., None] * color.astype(np.float32) * 0.6
    soft = _softened(np.clip(pixels, 0, 1), min(size) / 140)
    return soft, {"en": "in front of blurred street lights at night", "zh": "在夜晚模糊的街灯前"}


def _meadow(noise: np.random.Generator, size: tuple[int, int]) -> tuple[Pixels, Said]:
    """Return sky, hills and a field, out of focus."""
    width, height = size
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    sky = np.asarray((0.56, 0.74, 0.92), np.float32) * (1 - rows[..., None])
    pixels = sky + np.asarray((0.97, 0.93, 0.84), np.float32) * rows[..., None]
    drifts = np.clip(clouds(noise, size, (4, 6), 5), 0, 2)[..., None] * 0.12
    pixels = np.broadcast_to(pixels, (height, width, 3)) + drifts
    greens = ((0.52, 0.64, 0.60), (0.38, 0.54, 0.38), (0.46, 0.60, 0.26))
    for level, green in zip((0.52, 0.6, 0.7), greens, strict=True):
        ridge = level + 0.035 * clouds(noise, (width, 2), (3, 2), 3)[0]
        inside = np.clip(0.5 + (rows - ridge[None]) * height / 4, 0, 1)
        grass = 1 + 0.08 * clouds(noise, size, (60, 60), 3)
        hill = np.asarray(green, np.float32) * grass[..., None]
        pixels = pixels * (1 - inside[..., None]) + hill * inside[..., None]
    soft = _softened(np.clip(pixels, 0, 1).astype(np.float32), min(size) / 180)
    return soft, {"en": "in front of green hills under a clear sky", "zh": "在晴空下的青山前"}


def _softened(pixels: Pixels, radius: float) -> Pixels:
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
