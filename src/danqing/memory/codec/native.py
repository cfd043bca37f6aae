"""`planes.c` as a library: built once for this processor, where there is a C compiler."""

import ctypes
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import BFloat16, UInt8
from torch import Tensor

from danqing.memory.build import build, share_out
from danqing.memory.codec.format import (
    BLOCK,
    LARGEST_TILE,
    RAW,
    SLACK,
    TILE,
    Packed,
    slots,
    tiles,
)
from danqing.memory.codec.reference import choose

SOURCE: Final = Path(__file__).with_name("planes.c")

SHARE: Final = 256
"""Tiles that a thread takes at a time: half a megabyte, longer than a thread takes to start."""

SAMPLED: Final = 16
"""In a large tensor, one of so many tiles is looked at to choose the palette."""


@cache
def library(arch: str = "native") -> ctypes.CDLL | None:
    """Return the library, built now if it has not been; None where that is not possible.

    Args:
        arch: The processor to build for, in the compiler's words.
    """
    opened = build(SOURCE, arch)
    if opened is not None:
        opened.planes_decode.restype = opened.planes_encode.restype = ctypes.c_int64
    return opened


def decode_into(
    packed: Packed, out: BFloat16[Tensor, "*shape"] | None, arch: str = "native"
) -> int | None:
    """Decode on the CPU into a contiguous tensor, or with None only check every tile.

    Returns:
        None, or the number of a tile that is not as long as its codes say.
    """
    native = library(arch)
    assert native is not None, "called where there is a library"
    pointers = [ctypes.c_void_p(part.data_ptr()) for part in packed.parts.values()]
    signs, payload, offsets, palette = pointers
    count = packed.signs.numel()
    target = ctypes.c_void_p(0 if out is None else out.data_ptr())

    def run(first: int, last: int) -> int:
        return native.planes_decode(
            *(signs, payload, offsets, palette, len(packed.levels)),
            *(map(ctypes.c_int64, (count, first, last))),
            target,
            1,
        )

    wrong = [tile for tile in share_out(tiles(count), run, SHARE) if tile]
    return wrong[0] - 1 if wrong else None


def encode(
    weights: BFloat16[Tensor, "*shape"],
    arch: str = "native",
    room: UInt8[Tensor, " bytes"] | None = None,
) -> Packed:
    """Return a contiguous tensor on the CPU, packed.

    Args:
        weights: Any bfloat16 numbers.
        arch: The processor to run on, in the compiler's words.
        room: At least as many bytes as there are weights, for signs and mantissas: getting fresh
            memory would take longer than encoding.
    """
    native = library(arch)
    assert native is not None, "called where there is a library"
    count = weights.numel()
    source = ctypes.c_void_p(weights.data_ptr())
    counts = np.zeros(256, np.int64)
    step = SAMPLED if count > 64 * SAMPLED * TILE else 1
    address = ctypes.c_void_p(counts.ctypes.data)
    native.planes_count(source, ctypes.c_int64(count), ctypes.c_int64(step), address)
    levels, palette = choose(counts)
    slot_of = np.full(256, RAW, np.uint8)
    slot_of[palette[slots(levels)]] = slots(levels)

    if room is None:
        room = torch.empty(count, dtype=torch.uint8)
    signs = room[:count].view(weights.shape)
    lengths = torch.zeros(tiles(count), dtype=torch.int32)

    def run(first: int, last: int) -> list[Tensor]:
        # Small enough to stay in the cache: fresh memory for the worst case is slow to get.
        room = torch.empty(SHARE * LARGEST_TILE, dtype=torch.int32)
        pieces: list[Tensor] = []
        for start in range(first, last, SHARE):
            words = native.planes_encode(
                source,
                ctypes.c_int64(count),
                ctypes.c_void_p(slot_of.ctypes.data),
                len(levels),
                (ctypes.c_int * 3)(*levels),
                ctypes.c_int64(start),
                ctypes.c_int64(min(start + SHARE, last)),
                ctypes.c_void_p(signs.data_ptr()),
                ctypes.c_void_p(room.data_ptr()),
                ctypes.c_void_p(lengths.data_ptr() + 4 * start),
            )
            pieces.append(room[:words].clone())
        return pieces

    pieces = [piece for pieces in share_out(len(lengths), run, SHARE) for piece in pieces]
    offsets = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    torch.cumsum(lengths, 0, out=offsets[1:])
    used = sum(map(len, pieces))
    rest = -(used + SLACK) % BLOCK + SLACK
    payload = torch.cat([*pieces, torch.zeros(rest, dtype=torch.int32)])
    return Packed(signs, payload, offsets, torch.from_numpy(palette))
