"""Layers as a PSD file, for Photoshop and whatever else reads it.

Written from Adobe's "Photoshop File Formats Specification": a header, two sections that stay
empty, the layers from the bottom up, then the whole picture for programs that know no layers. A
layer is cut to what can be seen of it; every row of every channel is packed on its own (PackBits).
Numbers are big-endian.

Dimension key:
    H W pixels
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from danqing.core.errors import RequestError
from danqing.core.files import atomic_path
from danqing.pipelines.layers.stack import Layer, Stack, compose

RGB = 3
"""The color mode; also how many channels it has."""

PACKED = 1
"""How pixels are compressed: by PackBits, with the lengths of all rows before the rows."""

ALPHA = -1
"""Number of the channel that says where a layer is."""

MOST_BYTES = 1 << 31
"""Bytes of a file, as Photoshop reads it."""

LONGEST_RUN = 128
SHORTEST_RUN = 3
"""Bytes that PackBits says in one go; and from how many equal ones on it is shorter to count."""


def write(stack: Stack, path: str | Path) -> None:
    """Write layers as a PSD file, whole or not at all.

    Raises:
        RequestError: there is no layer, they differ in size, or they are too large.
        StorageError: the disk cannot take it.
    """
    whole = np.asarray(compose(stack))
    height, width = whole.shape[:2]
    records, pixels = zip(*map(_layer, stack), strict=True)
    opaque = bool((whole[..., 3] == 255).all())
    # Fewer than none says that the whole picture has an alpha too.
    count = len(stack) if opaque else -len(stack)
    body = struct.pack(">h", count) + b"".join(records) + b"".join(pixels)
    channels = whole[..., :RGB] if opaque else _on_white(whole)
    with atomic_path(path) as staged, staged.open("wb") as file:
        file.write(b"8BPS")
        file.write(struct.pack(">H6xHIIHH", 1, channels.shape[2], height, width, 8, RGB))
        file.write(_section(b"") + _section(b""))
        file.write(_section(_section(_padded(body, 2)) + _section(b"")))
        file.write(_packed(channels))


def _layer(layer: Layer) -> tuple[bytes, bytes]:
    """Return what is said of a layer, and its pixels."""
    # Where alpha is 0 there is nothing to see, whatever the colour.
    left, top, right, bottom = layer.image.getchannel("A").getbbox() or (0, 0, 0, 0)
    seen = np.asarray(layer.image)[top:bottom, left:right]
    # In any order by the specification, but Pillow reads them in this one only.
    packed = [(number, _packed(seen[..., number : number + 1])) for number in range(RGB)]
    packed.append((ALPHA, _packed(seen[..., 3:])))
    said = struct.pack(">4iH", top, left, bottom, right, len(packed))
    said += b"".join(struct.pack(">hI", number, len(data)) for number, data in packed)
    # Opacity 255, no clipping, and only the flag that says it is the newer format.
    said += b"8BIMnorm" + struct.pack(">BBBx", 255, 0, 8)
    said += _section(_section(b"") + _section(b"") + _names(layer.name))
    return said, b"".join(data for _, data in packed)


def _names(name: str) -> bytes:
    """Return a name twice, as old and new programs read it."""
    old = name.encode("ascii", "replace")[:255]
    pascal = bytes([len(old)]) + old
    new = name.encode("utf-16-be")
    text = struct.pack(">I", len(new) // 2) + new
    return _padded(pascal, 4) + b"8BIMluni" + _section(_padded(text, 4))


def _on_white(whole: UInt8[np.ndarray, "H W 4"]) -> UInt8[np.ndarray, "H W 4"]:
    """Return a picture with alpha as PSD has it: its colours already lie on white."""
    ground = Image.new("RGBA", whole.shape[1::-1], "white")
    color = np.asarray(Image.alpha_composite(ground, Image.fromarray(whole)))[..., :RGB]
    return np.concatenate((color, whole[..., 3:]), axis=-1)


def _packed(channels: UInt8[np.ndarray, "H W _"]) -> bytes:
    """Return channels, one after the other, as PSD has them."""
    rows = [pack_row(row) for channel in np.moveaxis(channels, -1, 0) for row in channel]
    lengths = struct.pack(f">{len(rows)}H", *map(len, rows))
    return struct.pack(">H", PACKED) + lengths + b"".join(rows)


def pack_row(row: UInt8[np.ndarray, "W"]) -> bytes:
    """Return a row of bytes packed: runs as a count and a value, the rest as it is."""
    return b"".join(_pieces(row))


def _pieces(row: UInt8[np.ndarray, "W"]) -> Iterator[bytes]:
    edges = np.flatnonzero(row[1:] != row[:-1]) + 1
    begins, ends = np.append(0, edges), np.append(edges, len(row))
    runs = ends - begins >= SHORTEST_RUN
    data, done = row.tobytes(), 0
    for begin, end in zip(begins[runs].tolist(), ends[runs].tolist(), strict=True):
        yield from _literals(data[done:begin])
        value = data[begin : begin + 1]
        for start in range(begin, end, LONGEST_RUN):
            count = min(LONGEST_RUN, end - start)
            # A run of one has no code of its own: 256 would be 0, which is one literal.
            yield bytes([(257 - count) % 256]) + value
        done = end
    yield from _literals(data[done:])


def _literals(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), LONGEST_RUN):
        piece = data[start : start + LONGEST_RUN]
        yield bytes([len(piece) - 1]) + piece


def _section(body: bytes) -> bytes:
    """Return bytes after their length."""
    if len(body) >= MOST_BYTES:
        raise RequestError(
            f"a PSD must be smaller than {MOST_BYTES >> 30} GiB, got {len(body) / 2**30:.1f}; "
            "write a folder."
        )
    return struct.pack(">I", len(body)) + body


def _padded(body: bytes, multiple: int) -> bytes:
    return body + b"\0" * (-len(body) % multiple)
