"""Which characters a font file has: a bounded reader of OpenType's `cmap` table.

Pillow draws a box where a font has no glyph and does not say so; this table says it beforehand.
Formats 4 and 12 are read, which are those of every Unicode font in use (OpenType 1.9, "cmap").
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from danqing.core.errors import SourceError

MOST_BYTES: Final = 256 << 20
"""Bytes of a font file that is still read; the largest collections in use have 120 MB."""

_MOST_TABLES, _MOST_FACES, _MOST_GROUPS = 512, 256, 1 << 17
_LAST = 0x10FFFF
_UNICODE = {(0, 3): 0, (3, 1): 1, (0, 4): 2, (0, 6): 2, (3, 10): 3}
"""Platform and encoding of the subtables that are Unicode, the better ones higher."""


def characters(file: Path) -> list[frozenset[int]]:
    """Return the code points that have a glyph, for every face in a font file.

    Args:
        file: A TrueType or OpenType font, or a collection of them.

    Raises:
        SourceError: it cannot be read or is no such font.
    """
    try:
        if (size := file.stat().st_size) > MOST_BYTES:
            raise ValueError(f"{size:,} bytes")
        data = file.read_bytes()
        return [frozenset(_mapped(data, start)) for start in _faces(data)]
    except (OSError, ValueError, struct.error, IndexError) as error:
        raise SourceError(
            f"font {file} must be a TrueType or OpenType file, got one that cannot be read "
            f"({error}); take it out of the folder."
        ) from error


def _faces(data: bytes) -> list[int]:
    """Return where the table directory of each face begins."""
    if data[:4] != b"ttcf":
        return [0]
    (count,) = struct.unpack_from(">I", data, 8)
    if not 1 <= count <= _MOST_FACES:
        raise ValueError(f"a collection of {count} faces")
    return list(struct.unpack_from(f">{count}I", data, 12))


def _mapped(data: bytes, start: int) -> Iterator[int]:
    table = _table(data, start, b"cmap")
    (count,) = struct.unpack_from(">H", data, table + 2)
    best: tuple[int, int] | None = None
    for row in range(min(count, _MOST_TABLES)):
        platform, encoding, offset = struct.unpack_from(">HHI", data, table + 4 + 8 * row)
        rank = _UNICODE.get((platform, encoding))
        if rank is not None and (best is None or rank > best[0]):
            best = rank, table + offset
    if best is None:
        raise ValueError("no Unicode table")
    (kind,) = struct.unpack_from(">H", data, best[1])
    if kind == 4:
        return _format_4(data, best[1])
    if kind == 12:
        return _format_12(data, best[1])
    raise ValueError(f"a character table of format {kind}")


def _table(data: bytes, start: int, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", data, start + 4)
    for row in range(min(count, _MOST_TABLES)):
        name, _, offset, _ = struct.unpack_from(">4sIII", data, start + 12 + 16 * row)
        if name == tag:
            return offset
    raise ValueError(f"no table {tag.decode()!r}")


def _format_4(data: bytes, at: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", data, at + 6)
    columns = [
        np.frombuffer(data, ">u2", twice // 2, at + 14 + shift + part * twice).astype(np.int64)
        for part, shift in ((0, 0), (1, 2), (2, 2), (3, 2))
    ]
    if (columns[1][1:] <= columns[0][:-1]).any():
        raise ValueError("groups of characters that overlap")
    ranges = at + 16 + 3 * twice
    for i, (last, first, delta, offset) in enumerate(zip(*columns, strict=True)):
        for code in range(int(first), int(last) + 1):
            glyph = code
            if offset:
                place = ranges + 2 * i + int(offset) + 2 * (code - int(first))
                (glyph,) = struct.unpack_from(">H", data, place)
            if code != 0xFFFF and (glyph and (glyph + int(delta)) & 0xFFFF):
                yield code


def _format_12(data: bytes, at: int) -> Iterator[int]:
    (count,) = struct.unpack_from(">I", data, at + 12)
    if count > _MOST_GROUPS:
        raise ValueError(f"{count} groups of characters")
    groups = np.frombuffer(data, ">u4", 3 * count, at + 16).reshape(-1, 3).astype(np.int64)
    if (groups[:, 1] > _LAST).any() or (groups[1:, 0] <= groups[:-1, 1]).any():
        raise ValueError("groups of characters that overlap")
    for first, last, glyph in groups:
        # Glyph 0 is the box for what is missing.
        yield from range(int(first) + int(glyph == 0), int(last) + 1)
