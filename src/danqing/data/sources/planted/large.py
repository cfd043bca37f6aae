"""Faults of stages 5 and 6: squeezed, badly exposed, barred, coded and mosaicked pictures."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from danqing.data.record import Record
from danqing.data.sources.planted.plant import Change, Maker, Plant, encode, jpeg, of_picture, png

_DIGITS: Final = [
    f"{bars:07b}" for bars in (0x0D, 0x19, 0x13, 0x3D, 0x23, 0x31, 0x2F, 0x3B, 0x37, 0x0B)
]
"""Bars of the digits in the left half of an EAN-13, odd parity (GS1 General Specifications)."""
_PARITY: Final = [
    f"{even:06b}" for even in (0x00, 0x0B, 0x0D, 0x0E, 0x13, 0x19, 0x1C, 0x15, 0x16, 0x1A)
]
"""For each first digit, which digits of the left half have even parity."""


def _again(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encode(image, quality=quality))).convert("RGB")


def _squeezed(rng: np.random.Generator, image: Image.Image) -> Record:
    return jpeg(image, quality=int(rng.integers(6, 21)))


def _cropped(rng: np.random.Generator, image: Image.Image) -> Record:
    left, top = (int(n) for n in rng.integers(1, 8, 2))
    grid = _again(image, int(rng.integers(6, 21)))
    return jpeg(grid.crop((left, top, image.width, image.height)), quality=95)


def _clipped(white: bool) -> Maker:
    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        pixels = np.asarray(image, np.float64)
        share = rng.uniform(0.5, 0.7)
        # The channel that is clipped last decides.
        edge = (
            np.quantile(pixels.min(-1), 1 - share) if white else np.quantile(pixels.max(-1), share)
        )
        gain, goal = rng.uniform(1.5, 3), 255 if white else 0
        return Image.fromarray(np.clip((pixels - edge) * gain + goal, 0, 255).astype(np.uint8))

    return of_picture(change)


def _bars(upright: bool, sides: int) -> Maker:
    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        width, height = image.size
        tone = rng.choice([0, 16, 255, 127])
        plain = rng.integers(0, 256, 3) if rng.random() < 0.3 else np.full(3, tone)
        framed = Image.new("RGB", image.size, tuple(int(c) for c in plain))
        share = rng.uniform(0.06, 0.16) * (3 - sides)
        left = round(share * width) if upright else 0
        top = 0 if upright else round(share * height)
        inner = image.crop((left, top, width - left * (sides - 1), height - top * (sides - 1)))
        framed.paste(inner, (left, top))
        return framed

    return of_picture(change)


def _pasted(code: Change) -> Maker:
    """Return a maker of pictures with a code on a white label somewhere."""

    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        marked = image.copy()
        drawn = code(rng, image)
        place = (rng.random(2) * (np.array(image.size) - drawn.size)).astype(int)
        marked.paste(drawn, (int(place[0]), int(place[1])))
        return marked

    return of_picture(change)


def _qr(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    import cv2

    text = f"https://example.org/{rng.integers(10**9)}"
    drawn = np.pad(np.asarray(cv2.QRCodeEncoder.create().encode(text)), 2, constant_values=255)
    code = Image.fromarray(drawn)
    side = round(min(image.size) * rng.uniform(0.14, 0.35))
    return code.resize((side, side), Image.Resampling.NEAREST).convert("RGB")


def _ean(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    digits = rng.integers(0, 10, 12).tolist()
    digits.append(-(sum(digits[::2]) + 3 * sum(digits[1::2])) % 10)
    odd = [_DIGITS[digit] for digit in digits]
    right = ["".join("10"[int(bit)] for bit in bars) for bars in odd]
    even = [bars[::-1] for bars in right]
    left = "".join(
        (odd, even)[int(parity)][place] for place, parity in enumerate(_PARITY[digits[0]], start=1)
    )
    bits = f"{'0' * 9}101{left}01010{''.join(right[7:])}101{'0' * 9}"
    bars = np.array([[0 if bit == "1" else 255 for bit in bits]], np.uint8)
    module = max(2, round(min(image.size) * rng.uniform(0.003, 0.006)))
    size = len(bits) * module, round(len(bits) * module * rng.uniform(0.4, 0.7))
    code = Image.fromarray(bars).resize(size, Image.Resampling.NEAREST).convert("RGB")
    label = Image.new("RGB", (size[0], size[1] + 8 * module), "white")
    label.paste(code, (0, 4 * module))
    return label


def _mosaic(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    most = min(40, min(image.size) // 16)
    block = int(rng.integers(8, most + 1))
    across, down = (int(n) for n in rng.integers(6, 13, 2))
    across, down = min(across, image.width // block - 1), min(down, image.height // block - 1)
    size = across * block, down * block
    left, top = (int(rng.integers(0, a - b + 1)) for a, b in zip(image.size, size, strict=True))
    region = image.crop((left, top, left + size[0], top + size[1]))
    small = region.resize((across, down), Image.Resampling.BOX)
    mask = Image.new("L", size)
    if rng.random() < 0.5:
        ImageDraw.Draw(mask).ellipse((0, 0, *size), fill=255)
    else:
        mask.paste(255, (0, 0, *size))
    covered = image.copy()
    covered.paste(small.resize(size, Image.Resampling.NEAREST), (left, top), mask)
    return covered


def _scaled(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    scale = rng.uniform(0.8, 0.95)
    size = round(image.width * scale), round(image.height * scale)
    return _mosaic(rng, image).resize(size, Image.Resampling.LANCZOS)


LARGE: Final[dict[str, Plant]] = {
    "blockiness-squeezed": Plant("blockiness", _squeezed, ("bytes_per_pixel", "mosaic")),
    "blockiness-cropped": Plant("blockiness", _cropped, ("mosaic",)),
    "exposure-over": Plant("exposure", _clipped(white=True), ("luma", "entropy")),
    "exposure-under": Plant("exposure", _clipped(white=False), ("luma", "entropy", "saturation")),
    "bars-letterbox": Plant("bars", _bars(upright=False, sides=2), ("exposure",)),
    "bars-pillarbox": Plant("bars", _bars(upright=True, sides=2), ("exposure",)),
    "bars-one": Plant("bars", _bars(upright=False, sides=1), ("exposure",)),
    "codes-qr": Plant("codes", _pasted(_qr)),
    "codes-ean": Plant("codes", _pasted(_ean)),
    "mosaic-png": Plant("mosaic", lambda rng, image: png(_mosaic(rng, image))),
    "mosaic-jpeg": Plant(
        "mosaic", lambda rng, image: jpeg(_mosaic(rng, image), quality=int(rng.integers(75, 96)))
    ),
    "mosaic-scaled": Plant("mosaic", of_picture(_scaled)),
}
