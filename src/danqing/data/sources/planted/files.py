"""Faults of stage 1: files that are broken, tiny or squeezed, odd sizes, copies."""

import struct
import zlib
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from danqing.data.record import Record
from danqing.data.sources.planted.plant import Plant, encode, jpeg, of_bytes, of_picture, png


def _bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that promises very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 16), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _exif_bomb(rng: np.random.Generator, image: Image.Image) -> Record:
    exif = b"Exif\x00\x00MM\x00\x2a" + bytes(3 << 20)
    return Record(name="picture.webp", image=encode(image, "WEBP", quality=80, exif=exif))


def _smaller(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    side = int(rng.integers(96, 240))
    scale = side / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def _strip(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    long = round(min(image.size) * rng.uniform(3.3, 5))
    wide = image.resize((long, min(image.size)))
    return wide if rng.random() < 0.5 else wide.transpose(Image.Transpose.ROTATE_90)


def _cropped(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    width, height = round(image.width * 0.95), round(image.height * 0.95)
    left = int(rng.integers(image.width - width + 1))
    top = int(rng.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def _resized(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    scale = max(rng.uniform(0.7, 0.95), 260 / min(image.size))
    return image.resize((round(image.width * scale), round(image.height * scale)))


def _watermarked(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    layer = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(layer)
    place = rng.uniform(0.05, 0.6) * image.width, rng.uniform(0.05, 0.85) * image.height
    pen.text(place, "© stock.example", fill=(255, 255, 255, 150), font_size=image.height / 14)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


FILES: Final[dict[str, Plant]] = {
    "broken-empty": Plant("broken", of_bytes(lambda rng, data: b"")),
    "broken-truncated": Plant(
        "broken", of_bytes(lambda rng, data: data[: int(len(data) * rng.uniform(0.3, 0.95))])
    ),
    "broken-garbage": Plant("broken", of_bytes(lambda rng, data: rng.bytes(len(data)))),
    "broken-wrong-extension": Plant("broken", of_bytes(lambda rng, data: data, "a.png")),
    "broken-bomb": Plant("broken", of_bytes(lambda rng, data: _bomb(40_000, 40_000), "a.png")),
    "broken-wide": Plant("broken", of_bytes(lambda rng, data: _bomb(30_000, 300), "a.png")),
    "broken-exif-bomb": Plant("broken", _exif_bomb),
    "file_size-tiny": Plant(
        "file_size",
        lambda rng, image: jpeg(image.resize((260, 260)), quality=int(rng.integers(5, 10))),
    ),
    "bytes_per_pixel-squeezed": Plant(
        "bytes_per_pixel",
        lambda rng, image: Record(
            name="a.webp",
            image=encode(
                image.resize((image.width * 4, image.height * 4)), "WEBP", quality=0, method=4
            ),
        ),
    ),
    "resolution-small": Plant("resolution", lambda rng, image: png(_smaller(rng, image))),
    "aspect_ratio-strip": Plant("aspect_ratio", of_picture(_strip)),
    "duplicate-encoded": Plant("duplicate", lambda rng, image: jpeg(image, quality=60)),
    "duplicate-resized": Plant("duplicate", of_picture(_resized)),
    "duplicate-cropped": Plant("duplicate", of_picture(_cropped)),
    "duplicate-watermarked": Plant(
        "duplicate", of_picture(_watermarked), ("watermark_text",), "en"
    ),
}
