"""The decoder in Triton, for GPUs on which `planes.cu` cannot be built.

A warp decodes a tile, as there, at about three times the instructions. Triton comes with PyTorch
on Linux; its functions are plain ones until they are first used, so that importing this module
does not import it. With TRITON_INTERPRET=1 they run, slowly, on a CPU.

Dimension key:
    T tiles of a program    W words of a plane    J bits of a word
"""

# pyright: reportMissingParameterType=false
# Triton takes annotations for its own, and has none that say more.

from functools import cache
from importlib.util import find_spec
from inspect import unwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import torch
from jaxtyping import BFloat16
from torch import Tensor

from danqing.memory.codec.cuda import decodes_right
from danqing.memory.codec.format import Packed, tiles

if TYPE_CHECKING:
    tl: Any  # given to the functions with their globals

TILES: Final = 4
"""Tiles of a program, each decoded by a warp."""


@cache
def available(device: torch.device) -> bool:
    """Return whether this way to decode works on a device; the first time, it is tried."""
    if device.type != "cuda" or find_spec("triton") is None:
        return False
    return decodes_right(decode_into, device)


def decode_into(packed: Packed, out: BFloat16[Tensor, "*shape"]) -> None:
    """Decode on a GPU into a contiguous tensor, on the current stream; nothing is allocated.

    Args:
        packed: A tensor on the GPU of which every tile has been checked on the CPU: a tile that is
            not as long as its codes say is read beyond its end.
        out: Where it goes, on the same device.

    Raises:
        ImportError: Triton is not installed.
    """
    count = packed.signs.numel()
    if count == 0:
        return
    with torch.cuda.device_of(out):
        _compiled()[(-(-tiles(count) // TILES),)](
            *packed.parts.values(),
            *(out.view(torch.int16), count, packed.depth),
            num_warps=TILES,
            enable_fp_fusion=False,  # there is nothing to fuse, but silence gets a warning
        )


@cache
def _compiled() -> Any:
    """Return the kernel; Triton compiles it when it first runs."""
    import triton  # pyright: ignore[reportMissingImports]  # PyTorch for CPUs comes without it

    # Triton looks names up among a function's globals, so the functions get ones of their own.
    names: dict[str, Any] = {"__name__": __name__, "tl": triton.language}
    names["TILES"] = triton.language.constexpr(TILES)
    helpers = (_words, _together, _before, _peek, _ones_up_to, _odd, _moves, _spread)
    for function in (*helpers, _decode):
        # Tests check annotations of every function; Triton compiles what is inside.
        bare = FunctionType(unwrap(function).__code__, names, function.__name__)
        names[function.__name__] = triton.jit(bare)
    return names[_decode.__name__]


def _words(place):
    return tl.load(place).to(tl.uint32, bitcast=True)


def _together(counts):
    return tl.sum(counts, axis=1, keep_dims=True)


def _before(counts):
    """Return how many the words before have."""
    return tl.cumsum(counts, axis=1) - counts


def _peek(tile, at):
    """Return 32 bits from any bit on."""
    low, high = _words(tile + (at >> 5)), _words(tile + (at >> 5) + 1)
    return (low >> (at & 31)) | (high << 1 << (31 - (at & 31)))


def _ones_up_to(words):
    """Return, in each byte, how many ones there are in the bytes up to it."""
    pairs = words - ((words >> 1) & 0x55555555)
    nibbles = (pairs & 0x33333333) + ((pairs >> 2) & 0x33333333)
    return ((nibbles + (nibbles >> 4)) & 0x0F0F0F0F) * 0x01010101


def _odd(bits):
    """Mark each bit up to which its byte has an odd number of ones."""
    bits ^= (bits << 1) & 0xFEFEFEFE
    bits ^= (bits << 2) & 0xFCFCFCFC
    return bits ^ ((bits << 4) & 0xF0F0F0F0)


def _moves(mask):
    """Return what moves by 1, 2 and 4 bits inside its byte to get to the ones of a mask."""
    zeros = ((mask << 1) & 0xFEFEFEFE) ^ 0xFEFEFEFE
    odd = _odd(zeros)
    one = odd & mask
    left = (mask ^ one) | (one >> 1)
    zeros ^= zeros & odd
    odd = _odd(zeros)
    two = odd & left
    left = (left ^ two) | (two >> 2)
    return one, two, _odd(zeros ^ (zeros & odd)) & left


def _spread(bits, mask, ones, one, two, four):
    """Bring the lowest bits, in order, to the ones of a mask; see `Spread` in `planes.cu`."""
    lower = (bits & 255) | (((bits >> (ones & 255)) & 255) << 8)
    upper = ((bits >> ((ones >> 8) & 255)) & 255) | (bits >> ((ones >> 16) & 255) << 8)
    bits = lower | (upper << 16)
    bits ^= (bits ^ (bits << 4)) & four
    bits ^= (bits ^ (bits << 2)) & two
    bits ^= (bits ^ (bits << 1)) & one
    return bits & mask


def _decode(signs, payload, offsets, palette, out, count, depth):
    """Decode tiles. `first` to `mask`, the planes of slots, are `T W`; exponents are `T W J`."""
    number = (tl.program_id(0) * TILES + tl.arange(0, TILES)[:, None]).to(tl.int64)
    tile = payload + tl.load(offsets + number, mask=number * 1024 < count, other=0)
    lane = tl.arange(0, 32)[None, :].to(tl.uint32)
    first = tl.zeros([TILES, 32], tl.uint32)
    second, third, mask = first, first, first ^ 0xFFFFFFFF
    looking = first + 32
    begin, total = _before(looking), _together(looking)
    place = total - total
    if depth > 1:
        a, b = _words(tile + lane), _words(tile + 32 + lane)
        mask = a & b
        first, second = a ^ mask, b ^ mask
        place += 2 * total
        looking = _ones_up_to(mask) >> 24
        begin, total = _before(looking), _together(looking)
    if depth > 2:
        ones = _ones_up_to(mask)
        one, two, four = _moves(mask)
        a = _spread(_peek(tile, place + begin), mask, ones, one, two, four)
        b = _spread(_peek(tile, place + total + begin), mask, ones, one, two, four)
        third = mask ^ (a & b)
        mask = a & b
        first, second = first | (a ^ mask), second | (b ^ mask)
        place += 2 * total
        looking = _ones_up_to(mask) >> 24
        begin, total = _before(looking), _together(looking)
    ones = _ones_up_to(mask)
    one, two, four = _moves(mask)
    a = _spread(_peek(tile, place + begin), mask, ones, one, two, four)
    b = _spread(_peek(tile, place + total + begin), mask, ones, one, two, four)
    c = _spread(_peek(tile, place + 2 * total + begin), mask, ones, one, two, four)
    first, second, third, raw = first | a, second | b, third | c, a & b & c

    bit = tl.arange(0, 32)[None, None, :].to(tl.uint32)
    slot = ((first[:, :, None] >> bit) & 1) | (((second[:, :, None] >> bit) & 1) << 1)
    slot |= (((third[:, :, None] >> bit) & 1) << 2) | (((mask[:, :, None] >> bit) & 1) << 3)
    exponent = tl.load(palette + slot).to(tl.uint32)
    # Raw exponents are rare: each turn puts in one for every word that has any left.
    at = (((place + 3 * total + 31) >> 5) << 2) + _before(_ones_up_to(raw) >> 24)
    while tl.max(raw) > 0:
        lowest = raw & (raw ^ (raw - 1))
        held = (_words(tile + (at >> 2)) >> (8 * (at & 3))) & 255
        exponent = tl.where((lowest[:, :, None] >> bit) & 1 != 0, held[:, :, None], exponent)
        raw ^= lowest
        at += (lowest != 0).to(tl.uint32)

    index = number[:, :, None] * 1024 + (32 * lane[:, :, None] + bit)
    sign = tl.load(signs + index, mask=index < count, other=0).to(tl.uint32)
    weight = ((sign & 128) << 8) | (exponent << 7) | (sign & 127)
    tl.store(out + index, weight.to(tl.int16), mask=index < count)
