"""What may happen to a picture on its way to a judge, and must not change a verdict."""

import io
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

Degradation = Callable[[Image.Image], Image.Image]


def clean(image: Image.Image) -> Image.Image:
    """Return the picture as it is."""
    return image


def jpeg(image: Image.Image) -> Image.Image:
    """Return the picture as a JPEG of quality 50 keeps it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=50)
    return Image.open(file).convert("RGB")


def blur(image: Image.Image) -> Image.Image:
    """Return the picture under a Gaussian of 1 pixel."""
    return image.filter(ImageFilter.GaussianBlur(1))


def noise(image: Image.Image) -> Image.Image:
    """Return the picture with grain of 12 / 255, the same grain every time."""
    grain = np.random.default_rng(0).normal(0, 12, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def half(image: Image.Image) -> Image.Image:
    """Return the picture shrunk to half its size and enlarged again."""
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def warp(image: Image.Image) -> Image.Image:
    """Return the picture on rubber pulled about by 1.2 % of its side, the same way every time."""
    draws, cells = np.random.default_rng(0), 8
    xs = np.linspace(0, image.width, cells + 1).round()
    ys = np.linspace(0, image.height, cells + 1).round()
    pull = np.zeros((cells + 1, cells + 1, 2))
    # The rim stays, so nothing from beyond the picture comes in.
    pull[1:-1, 1:-1] = draws.normal(size=(cells - 1, cells - 1, 2)) * 0.012 * min(image.size)
    knots = np.stack(np.meshgrid(xs, ys), axis=-1) + pull
    mesh = [
        (
            (int(xs[j]), int(ys[i]), int(xs[j + 1]), int(ys[i + 1])),
            (*knots[i, j], *knots[i + 1, j], *knots[i + 1, j + 1], *knots[i, j + 1]),
        )
        for i in range(cells)
        for j in range(cells)
    ]
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def turned(image: Image.Image) -> Image.Image:
    """Return the picture turned by 3 degrees."""
    return image.rotate(3, Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0)))


def smaller(image: Image.Image) -> Image.Image:
    """Return the picture at 80 % of its size, with more ground to the right and below."""
    small = image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", image.size, image.getpixel((0, 0)))
    whole.paste(small, (image.width // 20, image.height // 20))
    return whole


LADDER: Final[Mapping[str, Degradation]] = {
    "clean": clean,
    "jpeg 50": jpeg,
    "blur 1 px": blur,
    "noise 12": noise,
    "half size": half,
    "warp 1.2 %": warp,
    "turned 3 degrees": turned,
    "at 80 %": smaller,
}
"""Degradations by name, in the order of the table."""
