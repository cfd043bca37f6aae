"""Time the lossless codec against copying memory and against other lossless coders, in turns.

    pip install zipnn entropack dahuffman    # not needed otherwise; those missing are left out
    python benchmarks/codec.py --threads 1

Weights are those of a block with the spread of tensors, rows and columns that published weights
have (see `full_size.py`). GB/s are of plain bfloat16.
"""

import ctypes
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
import tyro
from full_size import POOL, weight
from race import race, surroundings

from danqing.core.seed import generator
from danqing.memory.codec import jit, native
from danqing.models.mmdit import MMDiT, MMDiTConfig
from danqing.models.mmdit.names import published

FEW = 2**20
"""Weights of the tensor that the slowest coders are tried on."""


def main(*, threads: int = 1, repeats: int = 5) -> None:
    """Print bits a weight, and GB/s of encoding and decoding, each beside copying in its turn.

    Args:
        threads: CPU threads.
        repeats: How often each runs.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    tensors = block()
    plain = sum(tensor.nbytes for tensor in tensors)
    print(f"{len(tensors)} weights of a block, {plain / 1e6:.0f} MB\n")
    print(f"{'':26}{'bits':>8}{'decode':>10}{'of memcpy':>11}{'encode':>10}")

    packed = [native.encode(tensor) for tensor in tensors]
    bits = 8 * sum(p.nbytes for p in packed) / sum(t.numel() for t in tensors)
    out = torch.empty(max(t.numel() for t in tensors), dtype=torch.bfloat16)
    room = torch.zeros(len(out), dtype=torch.uint8)

    def copy() -> None:
        for tensor in tensors:
            memcpy(out, tensor)

    def decode(way: Callable[..., object]) -> Callable[[], None]:
        def run() -> None:
            for one in packed:
                way(one, out[: one.signs.numel()].view(one.shape))

        return run

    def encode() -> None:
        for tensor in tensors:
            native.encode(tensor, room=room)

    for run in (copy, decode(native.decode_into), encode):
        run()
    copying, decoding, encoding = race([copy, decode(native.decode_into), encode], repeats)
    row("danqing, C", bits, plain / decoding, copying / decoding, plain / encoding)
    decode(jit.decode_into)()
    copying, decoding = race([copy, decode(jit.decode_into)], 1)
    row("danqing, numba", bits, plain / decoding, copying / decoding, None)
    if find_spec("zipnn"):
        zipnn(tensors, threads, repeats)
    if find_spec("entropack"):
        entropack(tensors[0].reshape(-1)[:FEW])
    row("copying memory", 16, plain / copying, 1.0, None)


def row(name: str, bits: float, decode: float, share: float | None, encode: float | None) -> None:
    """Print one coder's figures."""
    copied = f"{share:>11.2f}" if share is not None else " " * 11
    encoded = f"{encode / 1e9:>10.3f}" if encode is not None else ""
    print(f"{name:<26}{bits:>8.3f}{decode / 1e9:>10.3f}{copied}{encoded}", flush=True)


def memcpy(out: torch.Tensor, tensor: torch.Tensor) -> None:
    """Copy a tensor with the system's own routine."""
    libc = ctypes.CDLL(None)
    libc.memcpy(
        ctypes.c_void_p(out.data_ptr()),
        ctypes.c_void_p(tensor.data_ptr()),
        ctypes.c_size_t(tensor.nbytes),
    )


def zipnn(tensors: list[torch.Tensor], threads: int, repeats: int) -> None:
    """Try ZipNN on the same weights."""
    from zipnn import ZipNN

    coder = ZipNN(input_format="torch", bytearray_dtype="bfloat16", threads=threads)
    # It works in the memory of what it is given.
    start = time.perf_counter()
    coded = [coder.compress(tensor.clone()) for tensor in tensors]
    encoding = time.perf_counter() - start
    seconds: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        for one in coded:
            coder.decompress(one)
        seconds.append(time.perf_counter() - start)
    plain = sum(tensor.nbytes for tensor in tensors)
    bits = 16 * sum(map(len, coded)) / plain
    row("ZipNN", bits, plain / statistics.median(seconds), None, plain / encoding)


def entropack(weights: torch.Tensor) -> None:
    """Try the two lossless ways of EntroPack on a part of a weight."""
    from entropack import DFloat11Config, TileANSConfig, compress, decompress

    for name, config in (("DFloat11", DFloat11Config()), ("tile-ANS", TileANSConfig())):
        start = time.perf_counter()
        coded = compress(weights.clone(), config)
        encoding = time.perf_counter() - start
        start = time.perf_counter()
        back = decompress(coded, config)
        decoding = time.perf_counter() - start
        assert torch.equal(back.view(torch.int16), weights.view(torch.int16))
        stored = sum(b.nbytes for b in coded.buffers.values() if isinstance(b, torch.Tensor))
        bits = 8 * stored / weights.numel()
        row(f"EntroPack {name}", bits, weights.nbytes / decoding, None, weights.nbytes / encoding)


def block() -> list[torch.Tensor]:
    """Return the weights of one block of the published width."""
    with torch.device("meta"):
        network = MMDiT(MMDiTConfig(depth=1))
    pool = torch.randn(POOL, generator=generator(0))
    shapes = {published(n): w.shape for n, w in network.blocks.named_parameters(prefix="blocks")}
    return [weight(name, shape, pool) for name, shape in shapes.items() if len(shape) == 2]


if __name__ == "__main__":
    tyro.cli(main)
