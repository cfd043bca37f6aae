"""`planes.cu` on a GPU, built by the compiler that PyTorch brings along.

No wheel of ours and no CUDA toolkit is needed: NVRTC (on AMD cards HIPRTC) is part of PyTorch, and
one of its functions, still private, compiles a kernel and starts it. Where that function is gone
or fails, there is Triton.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import torch
from jaxtyping import BFloat16
from torch import Tensor

from danqing.memory.codec import reference
from danqing.memory.codec.format import TILE, Packed, tiles

SOURCE: Final = Path(__file__).with_name("planes.cu")

WARPS: Final = 4
"""Warps of a block, as in `planes.cu`; each decodes a tile."""

_log = logging.getLogger(__name__)


@cache
def available(device: torch.device) -> bool:
    """Return whether this way to decode works on a device; the first time, it is tried."""
    if device.type != "cuda" or not hasattr(torch.cuda, "_compile_kernel"):
        return False
    return decodes_right(decode_into, device)


def decode_into(packed: Packed, out: BFloat16[Tensor, "*shape"]) -> None:
    """Decode on a GPU into a contiguous tensor, on the current stream; nothing is allocated.

    Args:
        packed: A tensor on the GPU of which every tile has been checked on the CPU: a tile that is
            not as long as its codes say is read beyond its end.
        out: Where it goes, on the same device; fastest if it begins at a multiple of 16 bytes.
    """
    # Kernels take integers of 32 bits, so they are not told how many weights there are.
    full, rest = divmod(packed.signs.numel(), TILE)
    last = tiles(packed.signs.numel())
    if last == 0:
        return
    with torch.cuda.device_of(out):
        _kernel(out.device)(
            grid=(-(-last // WARPS), 1, 1),
            block=(32 * WARPS, 1, 1),
            args=[*packed.parts.values(), out, packed.depth, 0, last, full, rest],
        )


def decodes_right(decoder: Callable[[Packed, Tensor], None], device: torch.device) -> bool:
    """Return whether a decoder gives every bit pattern back, among weights such as models have."""
    generator = torch.Generator().manual_seed(0)
    usual = (0.02 * torch.randn(100 * TILE + 7, generator=generator)).bfloat16()
    patterns = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    weights = torch.cat([patterns, usual])
    try:
        packed = reference.encode(weights).to(device)
        out = torch.zeros_like(weights, device=device)
        decoder(packed, out)
        right = torch.equal(out.cpu().view(torch.int16), weights.view(torch.int16))
    except Exception as error:  # of a compiler or a driver; whatever it is, there are other ways
        _log.warning("%s cannot decode on %s: %s", decoder.__module__, device, error)
        return False
    if not right:
        _log.warning("%s decodes wrong on %s", decoder.__module__, device)
    return right


@cache
def _kernel(device: torch.device) -> Callable[..., None]:
    """Return the kernel, built now if it has not been for this device.

    Raises:
        RuntimeError: The kernel does not compile.
        OSError: There is no compiler after all.
    """
    with torch.cuda.device(device), _without_a_toolkit():
        # The public name that its documentation announces is not there yet.
        build = torch.cuda._compile_kernel  # pyright: ignore[reportPrivateUsage]
        return build(SOURCE.read_text(), "planes_decode")


@contextmanager
def _without_a_toolkit() -> Iterator[None]:
    """Keep PyTorch from insisting on a folder of CUDA headers, of which the kernel needs none."""
    from torch.utils import cpp_extension  # brings setuptools along

    home = cpp_extension.CUDA_HOME
    cpp_extension.CUDA_HOME = home or str(SOURCE.parent)
    try:
        yield
    finally:
        cpp_extension.CUDA_HOME = home
