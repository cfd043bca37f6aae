"""Pictures with planted faults, each labelled: what a recipe's filters should find, and should not.

Sound pictures are made of noise whose spectrum falls as that of photographs does, with edges of
curved and straight shapes in it, so that photometry sees what it would see in photographs. Every
fault is one change to a sound picture. `danqing filter check` reports what each filter finds.

Dimension key: H height, W width.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageDraw, ImageFilter

from danqing.data.record import Item, Record, sources

Maker = Callable[[np.random.Generator, Image.Image], Record]

_CAPTIONS: Final = (
    ("a quiet valley of {a} and {b} hills under a soft evening sky", "en"),
    ("round {a} stones beside a {b} wall, seen from above", "en"),
    ("close view of a {a} leaf lying on {b} sand", "en"),
    ("傍晚柔和的天空下，{a}色与{b}色相间的山谷", "zh"),
    ("从上方看去，{b}色墙边有几块{a}色的圆石", "zh"),
)
_WORDS: Final = {
    "en": ("red", "green", "blue", "gray", "brown", "golden"),
    "zh": ("红", "绿", "蓝", "灰", "棕", "金"),
}


@dataclass(frozen=True, slots=True)
class Plant:
    """A fault and how it is made."""

    filter: str
    """The filter that should find it."""
    make: Maker
    also: tuple[str, ...] = ()
    """Filters that may find it too: a dark picture has no clear edges."""


@sources.register("planted")
@dataclass(frozen=True, kw_only=True)
class Planted:
    """A corpus of pictures whose faults are known.

    The first half of the rows are sound; faults of every kind follow, as many of each as there is
    room for. A row's key says its fault: `00000012-clarity-blurred`, or `00000003-sound-jpeg`.
    """

    rows: int = 2000
    side: int = 384
    """Pixels of the shorter side of a sound picture."""
    seed: int = 0

    def items(self) -> Iterator[Item]:
        """Yield pictures; each depends on its number and the settings alone."""
        sound = self.rows // 2
        for row in range(self.rows):
            name = SOUND[row % len(SOUND)] if row < sound else FAULTS[(row - sound) % len(FAULTS)]
            yield Item(f"{row:08d}-{name}", lambda row=row, name=name: self.record(row, name))

    def record(self, row: int, name: str) -> Record:
        """Return one picture."""
        rng = np.random.default_rng((self.seed, row))
        plant = PLANTS[name]
        if plant.filter == "duplicate":
            # A copy of a sound picture, which depends on that one's number.
            row = int(rng.integers(self.rows // 2))
            image = scene(np.random.default_rng((self.seed, row)), self.side)
        else:
            image = scene(rng, self.side)
        record = plant.make(rng, image)
        if record.raw is not None or plant.filter == "broken":
            return record
        return Record(name=record.name, image=record.image, raw=caption(rng))


def caption(rng: np.random.Generator) -> str:
    """Return a sound caption in English or Chinese."""
    text, language = _CAPTIONS[rng.integers(len(_CAPTIONS))]
    first, second = rng.choice(_WORDS[language], 2, replace=False)
    return text.format(a=first, b=second)


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
        image.paste(_colored(rng, *moved), mask=_shape(rng, size))
    return image


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


def _shape(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
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


def encode(image: Image.Image, kind: str = "JPEG", **settings: object) -> bytes:
    """Return a file of the picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def _jpeg(image: Image.Image, **settings: object) -> Record:
    return Record(name="picture.jpg", image=encode(image, "JPEG", **{"quality": 90, **settings}))


def _of_picture(change: Callable[[np.random.Generator, Image.Image], Image.Image]) -> Maker:
    return lambda rng, image: _jpeg(change(rng, image))


def _of_bytes(change: Callable[[np.random.Generator, bytes], bytes], name: str = "a.jpg") -> Maker:
    return lambda rng, image: Record(name=name, image=change(rng, encode(image, quality=90)))


def _of_caption(*texts: str) -> Maker:
    def make(rng: np.random.Generator, image: Image.Image) -> Record:
        text = texts[rng.integers(len(texts))]
        return Record(name="picture.jpg", image=encode(image, quality=90), raw=text)

    return make


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


def _turned(rng: np.random.Generator, image: Image.Image) -> Record:
    exif = Image.Exif()
    exif[0x0112] = int(rng.choice([2, 3, 4, 5, 6, 7, 8]))
    return _jpeg(image, exif=exif)


def _blurred(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 256 * rng.uniform(4, 8)))


def _brightness(low: float, high: float, target: tuple[float, float]) -> Maker:
    def change(rng: np.random.Generator, image: Image.Image) -> Image.Image:
        pixels = np.asarray(image, np.float64)
        goal, spread = rng.uniform(*target), rng.uniform(low, high)
        return Image.fromarray(
            np.clip((pixels - pixels.mean()) * spread + goal, 0, 255).astype(np.uint8)
        )

    return _of_picture(change)


def _saturated(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    hue, saturation, value = (np.asarray(plane) for plane in image.convert("HSV").split())
    full = np.clip(saturation.astype(int) // 4 + rng.integers(225, 240), 0, 255).astype(np.uint8)
    merged = Image.merge("HSV", [Image.fromarray(p) for p in (hue, full, value)])
    return merged.convert("RGB")


def _flat(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    colors = rng.integers(40, 215, (2, 3))
    flat = Image.new("RGB", image.size, tuple(int(c) for c in colors[0]))
    flat.paste(tuple(int(c) for c in colors[1]), mask=_shape(rng, image.size))
    return flat


def _noisy(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    side = 256 / min(image.size)
    small = image.resize((round(image.width * side), round(image.height * side)))
    noise = rng.normal(0, rng.uniform(60, 90), (small.height, small.width, 1))
    pixels = np.clip(np.asarray(small, np.float64) * 0.4 + 76 + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize(image.size, Image.Resampling.NEAREST)


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


def _smaller(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    side = int(rng.integers(96, 240))
    scale = side / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def _strip(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    long = round(min(image.size) * rng.uniform(3.3, 5))
    wide = image.resize((long, min(image.size)))
    return wide if rng.random() < 0.5 else wide.transpose(Image.Transpose.ROTATE_90)


PLANTS: Final[dict[str, Plant]] = {
    "sound-jpeg": Plant("", _of_picture(lambda rng, image: image)),
    "sound-png": Plant("", lambda rng, image: Record(name="a.png", image=encode(image, "PNG"))),
    "sound-webp": Plant(
        "", lambda rng, image: Record(name="a.webp", image=encode(image, "WEBP", quality=90))
    ),
    "broken-empty": Plant("broken", _of_bytes(lambda rng, data: b"")),
    "broken-truncated": Plant(
        "broken", _of_bytes(lambda rng, data: data[: int(len(data) * rng.uniform(0.3, 0.95))])
    ),
    "broken-garbage": Plant("broken", _of_bytes(lambda rng, data: rng.bytes(len(data)))),
    "broken-wrong-extension": Plant("broken", _of_bytes(lambda rng, data: data, "a.png")),
    "broken-bomb": Plant("broken", _of_bytes(lambda rng, data: _bomb(40_000, 40_000), "a.png")),
    "broken-wide": Plant("broken", _of_bytes(lambda rng, data: _bomb(30_000, 300), "a.png")),
    "broken-exif-bomb": Plant("broken", _exif_bomb),
    "file_size-tiny": Plant(
        "file_size",
        lambda rng, image: _jpeg(image.resize((260, 260)), quality=int(rng.integers(5, 10))),
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
    "resolution-small": Plant("resolution", lambda rng, image: _png(_smaller(rng, image))),
    "aspect_ratio-strip": Plant("aspect_ratio", _of_picture(_strip)),
    "duplicate-encoded": Plant("duplicate", lambda rng, image: _jpeg(image, quality=60)),
    "duplicate-resized": Plant("duplicate", _of_picture(_resized)),
    "duplicate-cropped": Plant("duplicate", _of_picture(_cropped)),
    "duplicate-watermarked": Plant("duplicate", _of_picture(_watermarked)),
    "rotation-turned": Plant("rotation", _turned),
    "clarity-blurred": Plant("clarity", _of_picture(_blurred)),
    "luma-dark": Plant("luma", _brightness(0.2, 0.35, (6.0, 14.0)), ("clarity",)),
    "luma-bright": Plant("luma", _brightness(0.2, 0.35, (241.0, 249.0)), ("clarity",)),
    "saturation-unnatural": Plant("saturation", _of_picture(_saturated)),
    "entropy-flat": Plant(
        "entropy", lambda rng, image: _png(_flat(rng, image), pad=12_000), ("clarity",)
    ),
    "texture-noise": Plant("texture", _of_picture(_noisy)),
    "token_length-none": Plant("token_length", _of_caption("", "tree", "树"), ("invalid_caption",)),
    "invalid_caption-refused": Plant(
        "invalid_caption",
        _of_caption(
            "I'm sorry, but I cannot describe this picture.",
            "As an AI language model I am unable to see images.",
            "抱歉，我无法描述这张图片的内容。",
        ),
    ),
    "invalid_caption-markup": Plant(
        "invalid_caption",
        _of_caption("<a href='x.html'>more views</a> of the valley", "see https://example.org/a1"),
    ),
    "invalid_caption-file": Plant(
        "invalid_caption", _of_caption("IMG_20240312_0001.jpg", "DSC 0042")
    ),
    "invalid_caption-repeated": Plant(
        "invalid_caption", _of_caption("cheap red shoes buy now " * 8, "红色运动鞋" * 12)
    ),
}
"""Every kind of picture by its name."""


def _png(image: Image.Image, pad: int = 0) -> Record:
    # A flat picture makes a tiny file; the padding keeps other filters out of the matter.
    data = encode(image, "PNG")
    if pad > len(data):
        text = b"Comment\x00" + b" " * (pad - len(data))
        chunk = struct.pack(">I", len(text)) + b"tEXt" + text
        chunk += struct.pack(">I", zlib.crc32(b"tEXt" + text))
        data = data[:33] + chunk + data[33:]
    return Record(name="picture.png", image=data)


SOUND: Final = tuple(name for name, plant in PLANTS.items() if not plant.filter)
FAULTS: Final = tuple(name for name, plant in PLANTS.items() if plant.filter)
