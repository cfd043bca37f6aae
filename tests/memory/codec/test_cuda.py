"""The kernel for GPUs, run lane by lane on the CPU: the same source, the same arguments.

What a GPU does beyond that, its compiler and its memory, the tests marked `gpu` try.
"""

import ctypes
import mmap
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from danqing.memory.codec import cuda, reference, triton_kernel
from danqing.memory.codec.format import LEVELS, RAW, TILE, Packed, slots, tiles

HERE = Path(__file__).parent
STRIDES = (1, 31, 13)
"""Orders in which lanes take turns; upwards, downwards and mixed."""

EMULATED = """
#include "warp_emulator.h"
{kernel}
extern "C" int decode(int blocks, int threads, int stride, const u8 *signs, const u32 *payload,
                      const int *offsets, const u8 *palette, u16 *out, int levels, int first,
                      int last, int full, int rest)
{{
    return warp::launch(blocks, threads, stride, [=] {{
        planes_decode(signs, payload, offsets, palette, out, levels, first, last, full, rest);
    }});
}}
"""


def from_bits(bits):
    return torch.from_numpy(np.asarray(bits, np.uint16).view(np.int16)).view(torch.bfloat16)


def same(a, b):
    return torch.equal(a.contiguous().view(torch.int16), b.contiguous().view(torch.int16))


def gaussian(*shape):
    generator = torch.Generator().manual_seed(sum(shape))
    return (0.02 * torch.randn(*shape, generator=generator)).bfloat16()


def with_levels(weights, levels, palette):
    """Weights packed with a palette that need not fit them."""
    entries = np.zeros(16, np.uint8)
    entries[slots(levels)] = palette[: len(slots(levels))]
    entries[RAW] = len(levels)
    return reference.pack(weights, levels, entries)


def cases():
    """Weights by name, each with what they are packed into."""
    rng = np.random.default_rng(0)
    skewed = rng.choice([120, 121, 122, 7], 4000, p=[0.97, 0.02, 0.009, 0.001]).astype(np.uint16)
    plain = {
        **{f"{n} weights": gaussian(n) for n in (0, 1, 1023, 1024, 1025, 5000)},
        "an odd shape": gaussian(300, 333),
        "all 65,536 patterns": from_bits(np.arange(65536)),
        "random bits": from_bits(rng.integers(0, 65536, 5000)),
        "zeros": torch.zeros(3000, dtype=torch.bfloat16),
        "one number": torch.full((2 * TILE,), -1.5, dtype=torch.bfloat16),
        "not-a-numbers": from_bits([0x7F80, 0xFF80, 0x7FC0, 0xFFFF] * 700),
        "very skewed": from_bits(skewed << 7 | rng.integers(0, 128, 4000, np.uint16)),
        "seven exponents alike": from_bits(rng.integers(100, 107, 4000, np.uint16) << 7),
    }
    made = {name: (weights, reference.encode(weights)) for name, weights in plain.items()}
    mixed = torch.cat([gaussian(2500), from_bits(rng.integers(0, 65536, 700)), gaussian(777)])
    usual = [*range(121, 100, -1)]
    for levels in LEVELS:
        for fit, palette in {"fit": usual, "a bad fit": rng.permutation(256)}.items():
            made[f"levels {levels}, {fit}"] = mixed, with_levels(mixed, levels, palette)
    return made


CASES = cases()


class Emulated:
    """`planes.cu`, perhaps changed, called as PyTorch calls a kernel."""

    def __init__(self, folder, *defined, change=lambda source: source):
        compiler = next(
            filter(None, map(shutil.which, (os.environ.get("CXX", ""), "c++", "g++", "clang++"))),
            None,
        )
        if compiler is None or os.name == "nt":
            pytest.skip("no C++ compiler to run the kernel with")
        source = EMULATED.format(kernel=change(cuda.SOURCE.read_text()))
        flags = [
            *("-std=c++17", "-O1", "-shared", "-fPIC", "-x", "c++", "-"),
            "-U_FORTIFY_SOURCE",  # its jumps take a change of stacks for an error
            # What a GPU does not allow either stops the tests.
            *("-fsanitize=alignment,shift", "-fsanitize-undefined-trap-on-error"),
        ]
        subprocess.run(
            [compiler, *flags, *defined, "-I", str(HERE), "-o", str(folder / "kernel.so")],
            input=source,
            text=True,
            check=True,
        )
        self.library = ctypes.CDLL(str(folder / "kernel.so"))
        self.stride = 1

    def __call__(self, *, grid, block, args):
        assert grid[1:] == block[1:] == (1, 1)
        converted = [
            ctypes.c_void_p(x.data_ptr()) if isinstance(x, torch.Tensor) else ctypes.c_int(x)
            for x in args
        ]
        wrong = self.library.decode(grid[0], block[0], self.stride, *converted)
        assert not wrong, "lanes do not meet at the same place"


@pytest.fixture(scope="module", params=[(), ("-D__HIP__",)], ids=["CUDA", "HIP"])
def emulated(request, tmp_path_factory):
    return Emulated(tmp_path_factory.mktemp("kernel"), *request.param)


@pytest.fixture
def kernel(emulated, monkeypatch):
    monkeypatch.setattr(cuda, "_kernel", lambda device: emulated)
    emulated.stride = 1
    return emulated


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_gives_the_weights_back(kernel, name):
    weights, packed = CASES[name]
    for kernel.stride in STRIDES:
        out = torch.full(weights.shape, 7.0, dtype=torch.bfloat16)
        cuda.decode_into(packed, out)
        assert same(out, weights), f"stride {kernel.stride}"


def test_the_cases_have_all_levels_raw_exponents_and_a_ragged_end():
    assert {packed.levels for _, packed in CASES.values()} == set(LEVELS)
    assert any(weights.numel() % 8 for weights, _ in CASES.values())
    exponents = CASES["all 65,536 patterns"][0].view(torch.int16).int() >> 7 & 255
    assert len(exponents.unique()) > len(slots(LEVELS[0])) + 1


def test_a_changed_bit_is_seen(kernel):
    weights, packed = CASES["5000 weights"]
    parts = {end: part.clone() for end, part in packed.parts.items()}
    parts["sm"][4321] ^= 1
    out = torch.zeros_like(weights)
    cuda.decode_into(Packed(*parts.values()), out)
    assert torch.nonzero(out.view(torch.int16) != weights.view(torch.int16)).tolist() == [[4321]]


@pytest.mark.parametrize("shift", [1, 4, 7])
def test_tensors_may_begin_anywhere(kernel, shift):
    weights, packed = CASES["5000 weights"]
    signs = torch.zeros(weights.numel() + shift, dtype=torch.uint8)[shift:]
    signs.copy_(packed.signs)
    out = torch.zeros(weights.numel() + shift, dtype=torch.bfloat16)[shift:]
    cuda.decode_into(Packed(signs, *list(packed.parts.values())[1:]), out)
    assert same(out, weights)


def test_only_the_tiles_that_are_asked_for_are_written(kernel):
    weights, packed = CASES["5000 weights"]
    out = torch.full_like(weights, 7.0)
    numbers = [packed.depth, 2, 4, *divmod(weights.numel(), TILE)]
    kernel(grid=(1, 1, 1), block=(128, 1, 1), args=[*packed.parts.values(), out, *numbers])
    asked = torch.arange(weights.numel()) // TILE
    asked = (asked == 2) | (asked == 3)
    assert same(out, torch.where(asked, weights, torch.full_like(weights, 7.0)))


@pytest.mark.parametrize("name", ["1025 weights", "random bits", "levels (3,), fit", "zeros"])
def test_nothing_is_read_or_written_beyond_the_tensors(kernel, name):
    weights, packed = CASES[name]
    fenced = Packed(*map(at_the_end_of_a_page, packed.parts.values()))
    out = at_the_end_of_a_page(torch.zeros_like(weights))
    cuda.decode_into(fenced, out)
    assert same(out, weights)


def at_the_end_of_a_page(tensor):
    """Copy a tensor to where memory that must not be touched begins."""
    size = -(-tensor.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    room = mmap.mmap(-1, size + mmap.PAGESIZE)
    end = ctypes.addressof(ctypes.c_char.from_buffer(room)) + size
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(end), mmap.PAGESIZE, 0) == 0
    kept = torch.frombuffer(room, dtype=torch.uint8)[size - tensor.nbytes : size]
    return kept.view(tensor.dtype).view(tensor.shape).copy_(tensor)


def test_lanes_that_do_not_wait_for_one_another_are_noticed(tmp_path, monkeypatch):
    """The emulator can fail: without its barriers the kernel reads what is not there yet."""
    barrier = "#define meet() __syncwarp()"
    hasty = Emulated(tmp_path, change=lambda source: source.replace(barrier, "#define meet()"))
    monkeypatch.setattr(cuda, "_kernel", lambda device: hasty)
    weights, packed = CASES["5000 weights"]
    right = []
    for hasty.stride in STRIDES:
        out = torch.zeros_like(weights)
        cuda.decode_into(packed, out)
        right.append(same(out, weights))
    assert not all(right)


def test_a_decoder_is_only_trusted_if_it_gives_the_bits_back(kernel):
    def forgetful(packed, out):
        cuda.decode_into(packed, out)
        out[-1] = 0

    def broken(packed, out):
        raise RuntimeError("CUDA error: no kernel image is available")

    cpu = torch.device("cpu")
    assert cuda.decodes_right(cuda.decode_into, cpu)
    assert not cuda.decodes_right(forgetful, cpu)
    assert not cuda.decodes_right(broken, cpu)
    assert not cuda.available(cpu)


def test_the_compiler_is_found_where_no_toolkit_is_installed(monkeypatch):
    from torch.utils import cpp_extension

    monkeypatch.setattr(cpp_extension, "CUDA_HOME", None)
    with cuda._without_a_toolkit():
        assert cpp_extension.include_paths("cuda")
    assert cpp_extension.CUDA_HOME is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("decoder", [cuda, triton_kernel])
def test_a_gpu_gives_the_weights_back(decoder):
    device = torch.device("cuda", 0)
    assert decoder.available(device)
    for name, (weights, packed) in CASES.items():
        out = torch.full(weights.shape, 7.0, dtype=torch.bfloat16, device=device)
        decoder.decode_into(packed.to(device), out)
        assert same(out.cpu(), weights), name
    assert tiles(CASES["an odd shape"][0].numel()) > 90
