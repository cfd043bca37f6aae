"""The decoder for machines without a C compiler: compiled by numba when it is first used.

Weight by weight, as the format is read aloud; a tenth of the speed of `planes.c`.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import BFloat16
from torch import Tensor

from danqing.memory.codec.format import PLANE, RAW, TILE, Packed


def decode_into(packed: Packed, out: BFloat16[Tensor, "*shape"] | None) -> int | None:
    """Decode on the CPU into a contiguous tensor, or with None only check every tile.

    Returns:
        None, or the number of a tile that is not as long as its codes say.

    Raises:
        ImportError: numba is not installed.
    """
    signs = packed.signs.numpy().reshape(-1)
    target = np.zeros(0, np.uint16)
    if out is not None:
        target = out.view(torch.int16).numpy().reshape(-1).view(np.uint16)
    widths = np.array(packed.levels, np.int64)
    words = packed.payload.numpy().view(np.uint32)
    wrong = _compiled()(
        signs, words, packed.offsets.numpy(), packed.palette.numpy(), widths, target
    )
    return None if wrong < 0 else int(wrong)


@cache
def _compiled() -> Callable[..., Any]:
    import numba

    # Tests check annotations of every function; numba compiles what is inside.
    return numba.njit(cache=True, boundscheck=False)(inspect.unwrap(_decode))


def _decode(
    signs: np.ndarray,
    words: np.ndarray,
    offsets: np.ndarray,
    palette: np.ndarray,
    widths: np.ndarray,
    out: np.ndarray,
) -> int:
    """Decode all tiles into `out`, unless it is empty; return the first wrong tile, or -1."""
    depths = len(widths)
    at = np.zeros(6, np.int64)
    one, low_bits = np.uint32(1), np.uint32(127)
    middles = palette.astype(np.uint32) << np.uint32(7)
    exponents = np.zeros(TILE, np.uint32)
    low = high = np.uint32(0)
    for tile in range(len(offsets) - 1):
        start, length = np.int64(offsets[tile]), np.int64(offsets[tile + 1] - offsets[tile])
        # How many weights look in each level follows from the levels before.
        looking = np.int64(TILE)
        place = np.int64(0)
        if widths[0] == 2:
            looking = 0
            for word in range(PLANE):
                both = words[start + word] & words[start + PLANE + word]
                while both:
                    looking += 1
                    both &= both - np.uint32(1)
            place = 2 * TILE
        if depths > 1:
            if place + widths[1] * looking > 32 * length:
                return tile
            for bit in range(widths[1]):
                at[3 + bit] = place + bit * looking
        if depths == 3:
            place += 2 * looking
            first, second, count = at[3], at[4], looking
            looking = 0
            for i in range(count):
                a = words[start + ((first + i) >> 5)] >> np.uint32((first + i) & 31)
                b = words[start + ((second + i) >> 5)] >> np.uint32((second + i) & 31)
                looking += np.int64(a & b & np.uint32(1))
        if place + 3 * looking > 32 * length:
            return tile
        r = place
        raw = 4 * ((place + 3 * looking + 31) >> 5)

        p, q = at[3], at[4]
        for i in range(TILE):
            slot, inner = np.uint32(0), one
            if depths > 1:
                if i & 31 == 0:
                    low, high = words[start + (i >> 5)], words[start + PLANE + (i >> 5)]
                slot = low & one | (high & one) << one
                inner = low & high & one
                low >>= one
                high >>= one
            if depths == 3:
                # Guessing which weights look further would cost more than looking for all.
                a = words[start + (p >> 5)] >> np.uint32(p & 31) & one
                b = words[start + (q >> 5)] >> np.uint32(q & 31) & one
                p += inner
                q += inner
                slot = np.uint32(4) | a | b << one if inner else slot
                inner &= a & b
            if inner:
                s, t = r + looking, r + 2 * looking
                a = words[start + (r >> 5)] >> np.uint32(r & 31) & one
                b = words[start + (s >> 5)] >> np.uint32(s & 31) & one
                c = words[start + (t >> 5)] >> np.uint32(t & 31) & one
                slot = np.uint32(8) | a | b << one | c << np.uint32(2)
                r += 1
            exponent = middles[slot]
            if slot == RAW:
                if raw >= 4 * length:
                    return tile
                byte = words[start + (raw >> 2)] >> np.uint32(8 * (raw & 3)) & np.uint32(255)
                exponent = byte << np.uint32(7)
                raw += 1
            exponents[i] = exponent
        here = tile * TILE
        for i in range(min(TILE, len(out) - here)):
            sign = np.uint32(signs[here + i])
            whole = (sign & np.uint32(128)) << np.uint32(8) | exponents[i] | sign & low_bits
            out[here + i] = whole
        if (raw + 3) >> 2 != length:
            return tile
    return -1
