"""Encode and decode on whatever this machine has; results are the same bits everywhere."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from jaxtyping import BFloat16, UInt8
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.memory.codec import cuda, jit, native, reference, triton_kernel
from danqing.memory.codec.format import Packed

WORTHWHILE = 0.96
"""Share of its plain size that a packed tensor may take; above it stays as it is."""

Decoder = Callable[[Packed, "Tensor | None"], "int | None"]


def encode(
    weights: BFloat16[Tensor, "*shape"], room: UInt8[Tensor, " bytes"] | None = None
) -> Packed | None:
    """Return a tensor, packed on the CPU; None where that would hardly make it smaller.

    Args:
        weights: Any bfloat16 numbers.
        room: Memory for a byte of every weight, to be used for one tensor after the other.
    """
    weights = weights.detach().cpu().contiguous()
    if native.library() is not None:
        packed = native.encode(weights, room=room)
    else:
        packed = reference.encode(weights)
    return packed if packed.nbytes < WORTHWHILE * weights.nbytes else None


def decode(packed: Packed) -> BFloat16[Tensor, "*shape"]:
    """Return the tensor, bit for bit, in fresh memory.

    Raises:
        CheckpointError: A tile is not as long as its codes say.
    """
    out = torch.empty(packed.shape, dtype=torch.bfloat16, device=packed.device)
    decode_into(packed, out)
    return out


def decode_into(packed: Packed, out: BFloat16[Tensor, "*shape"]) -> None:
    """Decode into a contiguous tensor on the same device.

    Accelerators do not check tiles: `verify` on the CPU what comes from strangers.

    Raises:
        CheckpointError: A tile is not as long as its codes say.
    """
    assert out.shape == packed.shape, f"{list(out.shape)} has no room for {list(packed.shape)}"
    assert out.is_contiguous(), "decoders write numbers in a row"
    if torch.compiler.is_compiling():
        torch.ops.danqing.decode_planes(*packed.parts.values(), out)
    else:
        # The first call of a custom operation takes a second, and every one longer than this.
        _run(packed, out)


def verify(packed: Packed) -> None:
    """Decode every tile of a tensor on the CPU, without keeping what comes out.

    Raises:
        CheckpointError: A tile is not as long as its codes say.
    """
    assert packed.device.type == "cpu", "tiles are checked before they are sent elsewhere"
    _refuse(_cpu_decoder()(packed, None))


@torch.library.custom_op("danqing::decode_planes", mutates_args={"out"})
def _decode_planes(
    signs: Tensor, payload: Tensor, offsets: Tensor, palette: Tensor, out: Tensor
) -> None:
    """One operation to `torch.compile`, whatever decodes."""
    _run(Packed(signs, payload, offsets, palette), out)


@_decode_planes.register_fake
def _shapes(signs: Tensor, payload: Tensor, offsets: Tensor, palette: Tensor, out: Tensor) -> None:
    return None


def _run(packed: Packed, out: Tensor) -> None:
    if packed.device.type == "cpu":
        _refuse(_cpu_decoder()(packed, out))
    elif cuda.available(packed.device):
        cuda.decode_into(packed, out)
    elif triton_kernel.available(packed.device):
        triton_kernel.decode_into(packed, out)
    else:
        out.copy_(decode(packed.to("cpu")))


@cache
def _cpu_decoder() -> Decoder:
    if native.library() is not None:
        return native.decode_into
    if find_spec("numba") is not None:
        return jit.decode_into
    return reference.decode_into


def _refuse(tile: int | None) -> None:
    if tile is not None:
        raise CheckpointError(
            f"tile {tile} must be as long as its codes say, got another length; "
            "the file is damaged: download or compress it again."
        )
