"""A packed weight that looks like a weight: shape, dtype, device, and numbers when asked.

To a module it is a parameter like any other. A linear map that meets it decodes it into a *slot*,
memory for one weight that all of them share, and multiplies; a second map by the same weight, as
for the negative of guidance, finds it there. Whatever else is done to it is done to a decoded
copy, so nothing that keeps a result can be surprised. Gradients flow to what it is multiplied
with, never to the weight.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import BFloat16
from torch import Tensor
from torch.utils._pytree import tree_map_only

from danqing.memory.codec import Packed, decode_into, verify
from danqing.memory.pages import drop, mapped

PARTS = ("sm", "ex", "ix", "pal")
"""Endings of the names under which a file holds the parts of a packed weight."""

Patch = Callable[[Tensor], None]
"""Changes a decoded weight in place, as a merged LoRA does."""

_aten = torch.ops.aten


class Slots:
    """Room for one decoded weight on each device, used by one after the other."""

    def __init__(self) -> None:
        self._room: dict[torch.device, Tensor] = {}
        self._holds: dict[torch.device, tuple[object, ...]] = {}
        self._largest = 0

    @property
    def nbytes(self) -> int:
        """Bytes that the room on a device takes."""
        return 2 * self._largest

    def reserve(self, count: int) -> None:
        """Make sure that a weight of so many numbers will fit; nothing is allocated yet."""
        self._largest = max(self._largest, count)

    def decoded(self, weight: "PackedTensor") -> BFloat16[Tensor, "*shape"]:
        """Return a weight in the room, valid until the next one is asked for."""
        packed, device = weight.packed, weight.device
        room = self._room.get(device)
        if room is None or len(room) < self._largest:
            room = self._room[device] = torch.empty(
                self._largest, dtype=torch.bfloat16, device=device
            )
            self._holds.pop(device, None)
        view = room[: packed.signs.numel()].view(packed.shape)
        content = (packed, *weight.patches)
        if self._holds.get(device) != content:
            self._holds.pop(device, None)
            weight.decode_into(view)
            self._holds[device] = content
        return view


class PackedTensor(Tensor):
    """A bfloat16 tensor that is stored packed.

    Attributes:
        packed: What is stored.
        slots: Where it is decoded for a product.
        kept: Whether what is stored stays in the memory of the device; else it is sent there for
            each use.
        file: Whether what is stored is a file's pages and not kept: they are dropped after each
            use and come back from disk.
        patches: What is done to it whenever it is decoded.
    """

    packed: Packed
    slots: Slots
    kept: bool
    file: bool
    patches: tuple[Patch, ...]

    def __new__(
        cls,
        packed: Packed,
        slots: Slots,
        kept: bool = True,
        file: bool = False,
        patches: Iterable[Patch] = (),
        device: torch.device | None = None,
    ) -> "PackedTensor":
        """Wrap a packed tensor; `device` is where it is used if that is not where it is stored."""
        tensor = Tensor._make_wrapper_subclass(  # pyright: ignore
            cls, packed.shape, dtype=torch.bfloat16, device=device or packed.device
        )
        tensor.packed, tensor.slots, tensor.kept, tensor.file = packed, slots, kept, file
        tensor.patches = tuple(patches)
        slots.reserve(packed.signs.numel())
        return tensor

    def decode_into(self, out: BFloat16[Tensor, "*shape"]) -> None:
        """Decode into a contiguous tensor, with all patches.

        Raises:
            CheckpointError: The stored bits are damaged.
        """
        decode_into(self.packed.to(out.device), out)
        if self.file:
            drop(self.packed.parts.values())
        for patch in self.patches:
            patch(out)

    def plain(self) -> BFloat16[Tensor, "*shape"]:
        """Return a decoded copy.

        Raises:
            CheckpointError: The stored bits are damaged.
        """
        out = torch.empty(self.packed.shape, dtype=torch.bfloat16, device=self.device)
        self.decode_into(out)
        return out

    def patched(self, patch: Patch) -> "PackedTensor":
        """Return the same weight, changed by one more patch."""
        patches = (*self.patches, patch)
        return PackedTensor(self.packed, self.slots, self.kept, self.file, patches, self.device)

    def __repr__(self, *, tensor_contents: object = None) -> str:
        bits = 8 * self.packed.nbytes / max(1, self.packed.signs.numel())
        return f"PackedTensor({list(self.shape)}, {bits:.2f} bits a weight, {self.device})"

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Let a linear map find the weight in its slot; leave everything else to dispatch."""
        kwargs = dict(kwargs or {})
        with torch._C.DisableTorchFunctionSubclass():  # pyright: ignore
            if func is F.linear:
                return _linear(*args, **kwargs)
            return func(*args, **kwargs)

    @classmethod
    def __torch_dispatch__(
        cls,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Decode the packed weights that an operation meets."""
        kwargs = dict(kwargs or {})
        if func is _aten.detach.default:
            return _moved(args[0], args[0].device)
        if func is _aten._to_copy.default and kwargs.get("dtype") in (None, torch.bfloat16):
            return _moved(args[0], kwargs.get("device") or args[0].device)
        if func is torch.ops.mkldnn._linear_pointwise.default:
            args = (args[0], args[1].slots.decoded(args[1]), *args[2:])
            return func(*args, **kwargs)
        plain = tree_map_only(PackedTensor, PackedTensor.plain, (args, kwargs))
        return func(*plain[0], **plain[1])


def assemble(
    tensors: Mapping[str, Tensor], slots: Slots, kept: Callable[[str], bool] = lambda name: True
) -> dict[str, Tensor]:
    """Return the tensors of files with packed weights in the place of their parts.

    Args:
        tensors: What files hold, by name: `X.sm`, `X.ex`, `X.ix`, `X.pal` are a packed `X`.
        slots: Where the weights are decoded.
        kept: Of a weight's name: whether it stays in memory; pages of others are dropped after
            each use if they are mapped from a file.

    Raises:
        CheckpointError: A packed weight is damaged, or one of its parts is missing.
    """
    names = [name.removesuffix(".sm") for name in tensors if name.endswith(".sm")]
    groups = {
        name: {end: tensors[f"{name}.{end}"] for end in PARTS if f"{name}.{end}" in tensors}
        for name in names
    }
    whole = {name: Packed.of(parts, name) for name, parts in groups.items()}
    parts = {f"{name}.{end}" for name in names for end in PARTS}
    found = {name: tensor for name, tensor in tensors.items() if name not in parts}
    on_disk = mapped(packed.signs for packed in whole.values())
    for (name, packed), file in zip(whole.items(), on_disk, strict=True):
        stays = kept(name)
        found[name] = PackedTensor(packed, slots, stays, file and not stays)
    return found


def _moved(tensor: PackedTensor, device: torch.device) -> PackedTensor:
    """Return a weight to be used elsewhere; what is not kept stays where it is stored.

    Raises:
        CheckpointError: It is to be decoded where tiles are not checked, and one is damaged.
    """
    if tensor.packed.device.type == "cpu" and torch.device(device).type not in ("cpu", "meta"):
        verify(tensor.packed)
    packed = tensor.packed.to(device) if tensor.kept else tensor.packed
    return PackedTensor(
        packed, tensor.slots, tensor.kept, tensor.file, tensor.patches, torch.device(device)
    )


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if not isinstance(weight, PackedTensor):
        return F.linear(input, weight, bias)
    needs = input.requires_grad or (bias is not None and bias.requires_grad)
    if torch.is_grad_enabled() and needs:
        return _Product.apply(input, weight, bias)  # pyright: ignore
    return F.linear(input, weight.slots.decoded(weight), bias)


class _Product(torch.autograd.Function):
    """A product that decodes its weight once more on the way back instead of keeping it."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: PackedTensor, bias: Tensor | None) -> Tensor:
        """Return the linear map of `input`."""
        ctx.weight = weight
        return F.linear(input, weight.slots.decoded(weight), bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        """Return the gradients of input and bias."""
        (grad,) = grads
        to_input = to_bias = None
        if ctx.needs_input_grad[0]:
            to_input = grad @ ctx.weight.slots.decoded(ctx.weight)
        if ctx.needs_input_grad[2]:
            to_bias = grad.flatten(0, -2).sum(0)
        return to_input, None, to_bias
