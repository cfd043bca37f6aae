"""Sound pictures: clouds of noise with shapes of other clouds in them.

Dimension key: H height, W width.
"""

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageDraw

from danqing.data.record import Record
from danqing.data.sources.planted.plant import encode, jpeg


def scene(rng: np.random.Generator, side: int) -> Image.Image:
    """Return a sound picture whose shorter side is `side`."""
    ratio = rng.choice([1, 4 / 3, 3 / 2, 16 / 9])
    size = (round(side * ratio), side) if rng.random() < 0.6 else (side, round(side * ratio))
    slopes = rng.uniform(1.0, 1.3), rng.uniform(0.9, 1.4), 1.6, 1.6
    ground, other, *chroma = (_clouds(rng, size, slope) for slope in slopes)
    image = _colored(rng, ground, *chroma)
    for _ in range(rng.integers(3, 8)):
        # Moved along, one field of noise serves all shapes.
        shift = tuple(int(s) for s in rng.integers(size[::-1]))
        moved = [np.roll(field, shift, (0, 1)) for field in (other, *chroma)]
        image.paste(_colored(rng, *moved), mask=shape(rng, size))
    return image


def shape(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a mask with one ellipse or polygon somewhere in it."""
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
    radius = rng.uniform(0.08, 0.3) * min(size)
    if rng.random() < 0.5:
        pen.ellipse((x - radius, y - radius * 0.7, x + radius, y + radius * 0.7), fill=255)
    else:
        turn = rng.uniform(0, 2 * np.pi)
        angles = turn + np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
        points = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]
        pen.polygon(points, fill=255)
    return mask


def sky(rng: np.random.Generator, image: Image.Image) -> Record:
    """Return the picture under a clear sky, whose rows are as even as those of a bar."""
    width, height = image.size
    horizon = height * rng.uniform(0.25, 0.5)
    down, across = np.mgrid[:height, :width]
    light = 0.75 + 0.25 * down / horizon + rng.uniform(-0.02, 0.02) * across / width
    blue = np.array([rng.uniform(90, 150), rng.uniform(140, 190), rng.uniform(200, 235)])
    pixels = light[..., None] * blue + rng.normal(0, 1, (height, width, 1))
    above = Image.fromarray(np.clip(pixels, 0, 240).astype(np.uint8))
    waves = rng.uniform(0.01, 0.05) * height * np.sin(across / width * rng.uniform(3, 12))
    mask = Image.fromarray(((down < horizon + waves) * 255).astype(np.uint8))
    ground = image.copy()
    ground.paste(above, mask=mask)
    return jpeg(ground)


def screen(rng: np.random.Generator, image: Image.Image) -> Record:
    """Return the picture in a window: plain areas, sharp edges, squares in rows and in checks."""
    window = image.copy()
    pen = ImageDraw.Draw(window)
    unit = min(image.size) / 40
    dark = bool(rng.random() < 0.5)
    tones = (
        [(34, 37, 41), (52, 56, 62), (88, 94, 104)]
        if dark
        else [(244,) * 3, (222,) * 3, (190,) * 3]
    )
    ground, raised, line = tones
    pen.rectangle((0, 0, image.width, 2 * unit), fill=ground)
    pen.line((0, 2 * unit, image.width, 2 * unit), fill=line)
    side = 9 * unit
    for row in range(int((image.height - 3 * unit) / (2 * unit))):
        top = 3 * unit + row * 2 * unit
        pen.rectangle((0, top, side, top + 2 * unit), fill=raised if row % 2 else ground)
        pen.rectangle((unit / 2, top + unit / 2, unit * 1.5, top + unit * 1.5), fill=line)
        length = rng.uniform(0.3, 0.8) * side
        pen.rectangle((2 * unit, top + 0.8 * unit, 2 * unit + length, top + 1.2 * unit), fill=line)
    # Checks as they show through: same squares side by side, yet of two colours.
    step, left, top = round(unit * rng.uniform(0.6, 1.5)), round(side + unit), round(4 * unit)
    for row in range(8):
        for column in range(8):
            x, y = left + column * step, top + row * step
            tone = 255 if (row + column) % 2 else 204
            pen.rectangle((x, y, x + step - 1, y + step - 1), fill=(tone,) * 3)
    return Record(name="screen.png", image=encode(window, "PNG"))


def _clouds(
    rng: np.random.Generator, size: tuple[int, int], slope: float
) -> Float64[np.ndarray, "H W"]:
    """Return noise of zero mean and unit spread whose amplitude falls as frequency to `-slope`."""
    width, height = size
    across, down = np.fft.rfftfreq(width), np.fft.fftfreq(height)[:, None]
    radius = np.hypot(across, down)
    radius[0, 0] = np.inf
    phase = np.exp(2j * np.pi * rng.random(radius.shape))
    clouds = np.fft.irfft2(phase / radius**slope, s=(height, width))
    return (clouds - clouds.mean()) / clouds.std()


def _colored(rng: np.random.Generator, luma: np.ndarray, *chroma: np.ndarray) -> Image.Image:
    mean = rng.uniform(80, 175)
    planes = [mean + rng.uniform(30, 50) * luma]
    planes += [128 + rng.uniform(-35, 35) + rng.uniform(4, 12) * plane for plane in chroma]
    pixels = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels, "YCbCr").convert("RGB")
