"""The codec in numpy: slow, short, and what the fast ones are held against.

Dimension key:
    N weights    T tiles
"""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import BFloat16
from torch import Tensor

from danqing.memory.codec.format import BLOCK, LEVELS, RAW, SLACK, TILE, Packed, slots

Bits = np.ndarray


def choose(counts: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """Return the levels that cost least for exponents so often seen, and their palette.

    Args:
        counts: How often each of the 256 exponents occurs.
    """
    order = np.argsort(-counts, kind="stable")
    ranked = counts[order].astype(float)
    best: tuple[float, tuple[int, ...]] | None = None
    for levels in LEVELS:
        cost, known = 0.0, 0
        for bits in levels:
            cost += bits * ranked[known:].sum()
            known += 2**bits - 1
        cost += 8 * ranked[known:].sum()
        if best is None or cost < best[0]:
            best = cost, levels
    assert best is not None, "there are levels"
    entries = slots(best[1])
    palette = np.zeros(16, np.uint8)
    palette[entries] = order[: len(entries)]
    palette[RAW] = len(best[1])
    return best[1], palette


def encode(weights: BFloat16[Tensor, "*shape"]) -> Packed:
    """Return any bfloat16 tensor, packed."""
    bits = weights.contiguous().view(torch.int16).numpy().reshape(-1).view(np.uint16)
    exponents = ((bits >> 7) & 0xFF).astype(np.uint8)
    return pack(weights, *choose(np.bincount(exponents, minlength=256)))


def pack(
    weights: BFloat16[Tensor, "*shape"], levels: tuple[int, ...], palette: np.ndarray
) -> Packed:
    """Return a tensor packed with levels and a palette of one's own."""
    assert palette[RAW] == len(levels), "the palette says how many levels there are"
    bits = weights.contiguous().view(torch.int16).numpy().reshape(-1).view(np.uint16)
    exponents = ((bits >> 7) & 0xFF).astype(np.uint8)
    signs = ((bits >> 8) & 0x80 | bits & 0x7F).astype(np.uint8)
    slot_of = np.full(256, RAW, np.uint8)
    entries = slots(levels)
    slot_of[palette[entries]] = entries
    payloads = [
        _encode_tile(exponents[start : start + TILE], slot_of, levels)
        for start in range(0, len(exponents), TILE)
    ]
    offsets = np.cumsum([0, *map(len, payloads)])
    words = -(-(offsets[-1] + SLACK) // BLOCK) * BLOCK
    payload = np.zeros(words, np.uint32)
    payload[: offsets[-1]] = np.concatenate([np.zeros(0, np.uint32), *payloads])
    return Packed(
        torch.from_numpy(signs).view(weights.shape),
        torch.from_numpy(payload.view(np.int32)),
        torch.from_numpy(offsets.astype(np.int32)),
        torch.from_numpy(palette),
    )


def decode_into(packed: Packed, out: BFloat16[Tensor, "*shape"] | None) -> int | None:
    """Decode into a contiguous tensor, or with None only check every tile.

    Returns:
        None, or the number of a tile that is not as long as its codes say.
    """
    payload = packed.payload.numpy().view(np.uint32)
    offsets = packed.offsets.numpy()
    signs = packed.signs.numpy().reshape(-1)
    exponents = np.zeros(TILE * (len(offsets) - 1), np.uint8)
    for tile, (start, stop) in enumerate(pairwise(offsets)):
        piece = _decode_tile(payload[start:stop], packed.palette.numpy(), packed.levels)
        if piece is None:
            return tile
        exponents[tile * TILE : (tile + 1) * TILE] = piece
    if out is not None:
        middle = exponents[: len(signs)].astype(np.uint16) << 7
        bits = (signs & 0x80).astype(np.uint16) << 8 | middle | signs & 0x7F
        out.view(torch.int16).numpy().reshape(-1).view(np.uint16)[:] = bits
    return None


def _encode_tile(exponents: np.ndarray, slot_of: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    slot = np.zeros(TILE, np.uint8)
    slot[: len(exponents)] = slot_of[exponents]
    slot[len(exponents) :] = slots(levels)[0]  # what is beyond the end has the shortest code
    planes: list[Bits] = []
    looking = np.ones(TILE, bool)
    for depth, bits in enumerate(levels):
        here = _first(levels, depth)
        last = depth == len(levels) - 1
        beyond = looking & ((slot == RAW) if last else (slot >= _first(levels, depth + 1)))
        code = np.where(beyond, 2**bits - 1, slot - here)
        planes += [(code >> bit & 1)[looking] for bit in range(bits)]
        looking = beyond
    raw = exponents[looking[: len(exponents)]]
    return np.concatenate(
        [_words(np.concatenate(planes)), _words(np.unpackbits(raw, bitorder="little"))]
    )


def _decode_tile(
    words: np.ndarray, palette: np.ndarray, levels: tuple[int, ...]
) -> np.ndarray | None:
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    slot = np.zeros(TILE, np.uint8)
    looking, place = np.ones(TILE, bool), 0
    for depth, width in enumerate(levels):
        count = int(looking.sum())
        planes = [bits[place + bit * count : place + (bit + 1) * count] for bit in range(width)]
        if any(len(plane) < count for plane in planes):
            return None
        place += width * count
        code = sum(plane << bit for bit, plane in enumerate(planes))
        slot[looking] = _first(levels, depth) + code
        looking[looking] = code == 2**width - 1
    start, count = -(-place // 32) * 4, int(looking.sum())
    if -(-(start + count) // 4) != len(words):
        return None
    exponents = palette[slot]
    exponents[looking] = words.view(np.uint8)[start : start + count]
    return exponents


def _first(levels: tuple[int, ...], depth: int) -> int:
    """Return the slot of a level's first code."""
    return 8 if levels[depth] == 3 else 4 * depth


def _words(bits: Bits) -> np.ndarray:
    """Return bits as words, the last one filled with zeros."""
    filled = np.zeros(-(-len(bits) // 32) * 32, np.uint8)
    filled[: len(bits)] = bits
    return np.packbits(filled, bitorder="little").view(np.uint32)
