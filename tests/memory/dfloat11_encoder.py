"""An encoder of DFloat11 units, for tests: the layout is that of the official one.

Written from the description in `danqing.memory.dfloat11`. Codes are as long as the official
encoder's but for ties, and numbered otherwise; which code means what is for the tables to say.
"""

import heapq
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

CHUNK_BITS, WINDOW_BITS, LONGEST, POINTER = 32768, 64, 32, 240
END = 256
"""The symbol that fills the last byte."""

Codes = dict[int, tuple[int, int]]
"""Length and value of each symbol's code."""


def encode(weights: Sequence[Tensor], counts: Mapping[int, int] | None = None) -> dict[str, Tensor]:
    """Return the parts of a unit that holds some bfloat16 tensors.

    Args:
        weights: In the order of the codes.
        counts: How often to pretend that each exponent occurs; by default how often it does.
    """
    row = torch.cat([weight.reshape(-1) for weight in weights]).view(torch.int16)
    bits = row.numpy().view(np.uint16)
    exponents = (bits >> 7 & 0xFF).astype(np.uint8)
    signs = (bits >> 8 & 0x80 | bits & 0x7F).astype(np.uint8)
    codes = huffman(counts or dict(zip(*np.unique_counts(exponents), strict=True)))
    stream, gaps, positions = _stream(exponents, codes)
    splits = np.cumsum([weight.numel() for weight in weights])[:-1].astype(np.int64)
    return {
        "luts": torch.from_numpy(tables(codes)),
        "encoded_exponent": torch.from_numpy(stream),
        "sign_mantissa": torch.from_numpy(signs),
        "output_positions": torch.from_numpy(positions.astype("<u4").view(np.uint8)),
        "gaps": torch.from_numpy(gaps),
        "split_positions": torch.from_numpy(splits),
    }


def huffman(counts: Mapping[int, int]) -> Codes:
    """Return codes of 32 bits at most for exponents and the end, numbered in order of length."""
    while True:
        heap = [(count, symbol, {symbol: 0}) for symbol, count in {**counts, END: 1}.items()]
        heapq.heapify(heap)
        while len(heap) > 1:
            a, b = heapq.heappop(heap), heapq.heappop(heap)
            deeper = {symbol: depth + 1 for symbol, depth in (a[2] | b[2]).items()}
            heapq.heappush(heap, (a[0] + b[0], min(a[1], b[1]), deeper))
        lengths = {int(symbol): depth for symbol, depth in heap[0][2].items()}
        if max(lengths.values()) <= LONGEST:
            break
        # Rare symbols take less unequal shares of the codes until none is too long.
        counts = {symbol: count // 2 + 1 for symbol, count in counts.items()}
    codes: Codes = {}
    value = previous = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        value <<= length - previous
        codes[symbol] = length, value
        value, previous = value + 1, length
    return codes


def tables(codes: Codes) -> np.ndarray:
    """Return the tables of 256 entries and the row of lengths.

    An entry that no code leads to repeats the one before it, be it of another table.
    """
    prefixes = [""]
    spelled = {s: format(v, f"0{n}b") for s, (n, v) in codes.items() if s != END}
    for code in spelled.values():
        for cut in range(8, (len(code) - 1) // 8 * 8 + 1, 8):
            if code[:cut] not in prefixes:
                prefixes.append(code[:cut])
    prefixes.sort(key=len)
    luts = np.zeros((len(prefixes) + 1, 256), np.uint8)
    last = 0
    for number, prefix in enumerate(prefixes):
        entries: dict[int, int] = {}
        for symbol, code in spelled.items():
            rest = code[len(prefix) :]
            if not code.startswith(prefix) or not rest:
                continue
            if len(rest) > 8:
                entries[int(rest[:8], 2)] = 256 - prefixes.index(prefix + rest[:8])
            else:
                first = int(rest.ljust(8, "0"), 2)
                entries |= dict.fromkeys(range(first, first + 2 ** (8 - len(rest))), symbol)
        for byte in range(256):
            luts[number, byte] = last = entries.get(byte, last)
    for symbol, code in spelled.items():
        luts[-1, symbol] = len(code)
    return luts


def _stream(exponents: np.ndarray, codes: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the codes, the gaps and the positions of chunks."""
    length, value = np.zeros(257, np.int64), np.zeros(257, np.int64)
    for symbol, (bits, code) in codes.items():
        length[symbol], value[symbol] = bits, code
    stops = np.cumsum(length[exponents])
    # The end is told only where a byte is to be filled, and then counts as a code that begins.
    symbols = exponents.astype(np.int64)
    if stops[-1] % 8:
        symbols = np.append(symbols, END)
    starts = np.append(0, np.cumsum(length[symbols]))[:-1]
    bytes_ = -(-int(stops[-1]) // 8)
    bits = np.zeros(8 * bytes_ + LONGEST, np.uint8)
    for bit in range(LONGEST):
        there = length[symbols] > bit
        of = symbols[there]
        bits[starts[there] + bit] = value[of] >> (length[of] - 1 - bit) & 1
    stream = np.packbits(bits[: 8 * bytes_])

    windows, first = np.unique(starts // WINDOW_BITS, return_index=True)
    gaps = np.zeros(-(-bytes_ * 8 // CHUNK_BITS) * CHUNK_BITS // WINDOW_BITS, np.uint8)
    gaps[windows] = starts[first] % WINDOW_BITS
    packed = np.packbits(np.unpackbits(gaps[:, None], axis=1)[:, 3:])
    _, heads = np.unique(starts // CHUNK_BITS, return_index=True)
    return stream, packed, np.append(heads, len(exponents))
