"""Faults of stage 2: pictures turned, blurred, dark, bright, garish, flat or noisy."""

from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from danqing.data.record import Record
from danqing.data.sources.planted.plant import Maker, Plant, jpeg, of_picture, png
from danqing.data.sources.planted.scene import shape


def _turned(rng: np.random.Generator, image: Image.Image) -> Record:
    exif = Image.Exif()
    exif[0x0112] = int(rng.choice([2, 3, 4, 5, 6, 7, 8]))
    return jpeg(image, exif=exif)


def _blurred(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 256 * rng.uniform(4, 8)))


def _brightness(low: float, high: float, target: tuple[float, float]) -> Maker:
    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        pixels = np.asarray(image, np.float64)
        goal, spread = rng.uniform(*target), rng.uniform(low, high)
        return Image.fromarray(
            np.clip((pixels - pixels.mean()) * spread + goal, 0, 255).astype(np.uint8)
        )

    return of_picture(change)


def _saturated(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    hue, saturation, value = (np.asarray(plane) for plane in image.convert("HSV").split())
    full = np.clip(saturation.astype(int) // 4 + rng.integers(225, 240), 0, 255).astype(np.uint8)
    merged = Image.merge("HSV", [Image.fromarray(p) for p in (hue, full, value)])
    return merged.convert("RGB")


def _flat(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    colors = rng.integers(40, 215, (2, 3))
    flat = Image.new("RGB", image.size, tuple(int(c) for c in colors[0]))
    flat.paste(tuple(int(c) for c in colors[1]), mask=shape(rng, image.size))
    return flat


def _noisy(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    side = 256 / min(image.size)
    small = image.resize((round(image.width * side), round(image.height * side)))
    noise = rng.normal(0, rng.uniform(60, 90), (small.height, small.width, 1))
    pixels = np.clip(np.asarray(small, np.float64) * 0.4 + 76 + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize(image.size, Image.Resampling.NEAREST)


PHOTOMETRY: Final[dict[str, Plant]] = {
    "rotation-turned": Plant("rotation", _turned),
    "clarity-blurred": Plant("clarity", of_picture(_blurred)),
    "luma-dark": Plant("luma", _brightness(0.2, 0.35, (6.0, 14.0)), ("clarity",)),
    "luma-bright": Plant("luma", _brightness(0.2, 0.35, (241.0, 249.0)), ("clarity",)),
    "saturation-unnatural": Plant("saturation", of_picture(_saturated)),
    "entropy-flat": Plant(
        "entropy", lambda rng, image: png(_flat(rng, image), pad=12_000), ("clarity",)
    ),
    "texture-noise": Plant("texture", of_picture(_noisy)),
}
