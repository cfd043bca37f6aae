"""What a plant is, and how changes of pictures, files and captions become one."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from danqing.data.record import Record

Maker = Callable[[np.random.Generator, Image.Image], Record]
Change = Callable[[np.random.Generator, Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Plant:
    """A kind of picture: a fault and how it is made, or a sound one."""

    filter: str
    """The filter that should find it; empty: none should."""
    make: Maker
    also: tuple[str, ...] = ()
    """Filters that may find it too: a dark picture has no clear edges."""
    language: str = "none"
    """What is written in it, as `text_language` has it: none, en, zh or other."""


def encode(image: Image.Image, kind: str = "JPEG", **settings: object) -> bytes:
    """Return a file of the picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def jpeg(image: Image.Image, **settings: object) -> Record:
    """Return a picture as a JPEG, of quality 90 where nothing else is said."""
    return Record(name="picture.jpg", image=encode(image, "JPEG", **{"quality": 90, **settings}))


def png(image: Image.Image, pad: int = 0) -> Record:
    """Return a picture as a PNG with no fewer than about `pad` bytes.

    A flat picture makes a tiny file; the padding keeps filters of files out of the matter.
    """
    data = encode(image, "PNG")
    if pad > len(data):
        text = b"Comment\x00" + b" " * (pad - len(data))
        chunk = struct.pack(">I", len(text)) + b"tEXt" + text
        chunk += struct.pack(">I", zlib.crc32(b"tEXt" + text))
        data = data[:33] + chunk + data[33:]
    return Record(name="picture.png", image=data)


def of_picture(change: Change) -> Maker:
    """Return a maker of JPEGs of changed pictures."""
    return lambda rng, image: jpeg(change(rng, image))


def of_bytes(change: Callable[[np.random.Generator, bytes], bytes], name: str = "a.jpg") -> Maker:
    """Return a maker of files whose bytes are changed."""
    return lambda rng, image: Record(name=name, image=change(rng, encode(image, quality=90)))


def of_caption(*texts: str) -> Maker:
    """Return a maker of sound pictures with one of some captions."""

    def make(rng: np.random.Generator, image: Image.Image) -> Record:
        text = texts[rng.integers(len(texts))]
        return Record(name="picture.jpg", image=encode(image, quality=90), raw=text)

    return make
