"""A GPU that is not there: tensors that hold CPU data and say that they are on `cuda:0`.

Between `pretend()` and its end, what is told `device="cuda"` makes *pretended* tensors. They reckon
on the CPU, so results are those of a CPU to the bit; but an operation that meets tensors of both
kinds fails as it would with a GPU, with the exceptions that a GPU makes. PyTorch itself takes them
for tensors on its device `lazy`, for which no card is needed and autograd needs no thread.

Not pretended: kernels, streams, autocast and memory. Where `torch.cuda` is asked for these, it
answers as if nothing were ever in use.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from danqing.memory.codec import cuda, triton_kernel

CUDA = torch.device("cuda", 0)
FREE = 64 << 30
"""Bytes of memory that the pretended GPU has."""

_INSIDE = torch.device("lazy", 0)
_CPU = torch.device("cpu")
_DEVICE = torch._C.TensorBase.device  # pyright: ignore
_DATA = torch._C.TensorBase.data  # pyright: ignore

_CROSSES = {
    *("copy_", "_foreach_copy_", "_foreach_copy", "copy", "_has_compatible_shallow_copy_type"),
}
"""Operations whose tensors may be anywhere."""
_INDEXES = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations whose indices may also be on the CPU."""
_STRICT = {
    *("cat", "stack", "embedding", "gather", "scatter", "scatter_", "scatter_add", "index_select"),
    *("index_add", "index_add_", "index_copy_", "equal", "searchsorted", "bucketize", "mm", "bmm"),
    *("addmm", "baddbmm", "dot", "mv", "convolution", "native_layer_norm", "native_group_norm"),
}
"""Operations that take not even a single number from the CPU."""
_AT_ONCE = {
    torch.ops.aten._conj.default: torch.ops.aten._conj_physical.default,
    torch.ops.aten._neg_view.default: torch.ops.aten.neg.default,
}
"""What PyTorch would only make a note of, below the place where it looks for such notes."""
_RESHAPES = {"resize_", "set_", "t_", "transpose_", "squeeze_", "unsqueeze_", "as_strided_"}
"""Operations that change the shape of what there is, which is not pretended."""


class Pretended(Tensor):
    """A tensor on the GPU that is not there.

    Attributes:
        inner: The tensor on the CPU that holds its numbers.
    """

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Pretended":
        """Put a tensor on the CPU where the GPU would be, without a copy."""
        tensor = Tensor._make_wrapper_subclass(  # pyright: ignore
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=_INSIDE,
        )
        tensor.inner = inner
        return tensor

    def numpy(self, *, force: bool = False) -> Any:
        """Return the numbers if forced to fetch them, and fail otherwise."""
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def tolist(self) -> Any:
        """Return the numbers: these may be asked for anywhere."""
        return self.detach().cpu().tolist()

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"Pretended({self.inner})"

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_index(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_index(index), value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if id(self) in memo:
            return memo[id(self)]
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        if getattr(self, "_is_param", False):
            copied = torch.nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied

    @property
    def data(self) -> Tensor:
        """What it holds, without a history; another tensor may be put in its place."""
        return _DATA.__get__(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        assert isinstance(value, Pretended), "not pretended: moved away in its place"
        _DATA.__set__(self, value)
        self.inner = value.inner

    def untyped_storage(self) -> torch.UntypedStorage:
        """Return the memory, by which it is told whether tensors share it."""
        return self.inner.untyped_storage()

    def data_ptr(self) -> int:
        """Return where in memory it begins."""
        return self.inner.data_ptr()

    def __reduce_ex__(self, protocol: Any) -> Any:
        # As read with `map_location="cpu"`.
        return self.inner.detach().__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, as while everything is pretended."""
        return _run(func, args, dict(kwargs or {}))


class _Generator(torch._C.Generator):
    """A generator that may be on the GPU that is not there."""

    elsewhere: ClassVar[set[int]] = set()
    """Where in memory those are that draw on the GPU: PyTorch hands on no more of them."""

    def __new__(cls, device: torch.device | str = "cpu") -> "_Generator":
        made = super().__new__(cls)
        if torch.device(device).type == "cuda":
            cls.elsewhere.add(made._cdata)
        else:
            cls.elsewhere.discard(made._cdata)
        return made

    def __init__(self, device: torch.device | str = "cpu") -> None: ...

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return CUDA if self._cdata in _Generator.elsewhere else _CPU


class _Pretending(TorchDispatchMode):
    """While it is on, operations on all tensors go through `_run`."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation; that on other tensors with a dispatch of their own only check."""
        kwargs = dict(kwargs or {})
        if any(kind not in (Tensor, Pretended, torch.nn.Parameter) for kind in types):
            _check(func, args, kwargs)
            return NotImplemented
        if _composite(func):  # in inference, where autograd has not taken it apart
            with self:
                return func.decompose(*args, **kwargs)
        return _run(func, args, kwargs)


@contextmanager
def pretend(capability: tuple[int, int] = (9, 0)) -> Iterator[torch.device]:
    """Have a GPU for a while, and yield its device.

    Args:
        capability: What it is able to; below 8.0 models run in float32.
    """
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    made = Tensor._make_wrapper_subclass  # pyright: ignore

    def wrapped(cls: type, *args: Any, **kwargs: Any) -> Any:
        kwargs["device"] = _inside(kwargs.get("device"))
        return made(cls, *args, **kwargs)

    told = {name: _told(getattr(Tensor, name)) for name in ("to", "new_tensor", "new_empty")}
    changes: list[Any] = [
        patch.multiple(
            Tensor,
            create=True,
            device=property(_where),
            is_cuda=property(lambda self: _where(self).type == "cuda"),
            cuda=lambda self, device=None, **more: self.to(CUDA, **more),
            pin_memory=lambda self, device=None: self.clone(),
            _make_wrapper_subclass=staticmethod(wrapped),
            **told,
        ),
        patch.multiple(
            torch.cuda,
            _lazy_init=lambda: None,
            is_available=lambda: True,
            is_bf16_supported=lambda *_: True,
            device_count=lambda: 1,
            current_device=lambda: 0,
            set_device=_numbered,
            device=lambda device: nullcontext(),
            get_device_capability=lambda device=None: capability,
            get_device_name=lambda device=None: "pretended",
            mem_get_info=lambda device=None: (FREE, FREE),
            synchronize=lambda device=None: None,
            empty_cache=lambda: None,
            memory_allocated=lambda device=None: 0,
            max_memory_allocated=lambda device=None: 0,
            reset_peak_memory_stats=lambda device=None: None,
        ),
        patch.object(torch, "Generator", _Generator),
        patch.object(torch, "tensor", _made(torch.tensor)),
        patch.object(torch, "as_tensor", _made(torch.as_tensor)),
        patch.object(cuda, "available", lambda device: False),
        patch.object(triton_kernel, "available", lambda device: False),
    ]
    for change in changes:
        change.start()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with _Pretending():
            yield CUDA
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swaps)
        for change in reversed(changes):
            change.stop()


@cache
def _composite(func: Any) -> bool:
    """Return whether an operation is made of others, wherever its tensors are."""
    key = "CompositeImplicitAutograd"
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key)  # pyright: ignore


def _numbered(device: Any) -> None:
    """Refuse a device without a number, as CUDA does."""
    if torch.device(device).index is None:
        raise ValueError(f"Expected a torch.device with a specified index, got: {device}")


def _where(tensor: Tensor) -> torch.device:
    """Return where a tensor says it is."""
    device = _DEVICE.__get__(tensor)
    return CUDA if device.type == _INSIDE.type else device


def _inside(device: Any) -> Any:
    """Return the device that PyTorch is told instead of one."""
    named = torch.device(device) if isinstance(device, str) else device
    return _INSIDE if isinstance(named, torch.device) and named.type == "cuda" else device


def _index(index: Any) -> Any:
    """Return an index with tensors in the place of lists, from which PyTorch makes lazy ones."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return torch.tensor(index) if isinstance(index, list) else index


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that is told of the device inside instead of the pretended one."""

    def called(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        args = tuple(_inside(arg) if isinstance(arg, (str, torch.device)) else arg for arg in args)
        if "device" in kwargs:
            kwargs["device"] = _inside(kwargs["device"])
        return method(self, *args, **kwargs)

    return called


def _made(maker: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes a tensor of numbers, by way of the CPU."""

    def called(data: Any, *args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        inside = _inside(device)
        if inside is not _INSIDE:
            return maker(data, *args, device=device, **kwargs)
        asked = kwargs.pop("requires_grad", False)
        return maker(data, *args, **kwargs).to(inside).requires_grad_(asked)

    return called


def _check(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Return whether an operation is one of the GPU's.

    Raises:
        RuntimeError: its tensors are not all on one device, and no exception allows that.
    """
    name = func.overloadpacket.__name__
    told = kwargs.get("device")
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
    there = [_where(each).type == "cuda" for each in tensors]
    result = any(there) if told is None else torch.device(told).type in (CUDA.type, _INSIDE.type)
    drawn = kwargs.get("generator")
    if drawn is not None and (drawn._cdata in _Generator.elsewhere) != result:
        kinds = ("cuda", "cpu") if result else ("cpu", "cuda")
        raise RuntimeError(
            "Expected a '%s' device type for generator but found '%s'" % kinds  # noqa: UP031
        )
    if not any(there) or all(there) or name in _CROSSES:
        return result
    if name in _INDEXES:
        if not there[0]:
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
            )
        tensors = [args[0], *args[2:3]]
    mutated = {
        id(value)
        for given, argument in zip(args, func._schema.arguments, strict=False)
        if argument.alias_info is not None and argument.alias_info.is_write
        for value in tree_flatten(given)[0]
    } | {id(value) for value in tree_flatten(kwargs.get("out"))[0]}
    for each in tensors:
        if _where(each).type != "cpu" or not isinstance(each, Tensor):
            continue
        if each.ndim or name in _STRICT or name.startswith("_foreach") or id(each) in mutated:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"cuda:0 and cpu! (when calling {func})"
            )
    return result


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operation on the CPU, and put what comes out where it says it is."""
    result = _check(func, args, kwargs)
    if "device" in kwargs and kwargs["device"] is not None and result:
        kwargs["device"] = _CPU
    outer: dict[int, Tensor] = {}

    def opened(tensor: Pretended) -> Tensor:
        outer[id(tensor.inner)] = tensor
        return tensor.inner

    args, kwargs = tree_map_only(Pretended, opened, (args, kwargs))
    if outer and func.overloadpacket.__name__ in _RESHAPES:
        raise NotImplementedError(f"{func} on a pretended device")
    out = _AT_ONCE.get(func, func)(*args, **kwargs)

    def closed(tensor: Tensor) -> Tensor:
        known = outer.get(id(tensor))
        if known is not None:
            return known
        return Pretended(tensor) if result and _DEVICE.__get__(tensor) == _CPU else tensor

    # Inference is not passed on to views of what it did not make.
    usual = func.is_view and not any(tensor.is_inference() for tensor in outer.values())
    with torch.inference_mode(False) if usual else nullcontext():
        return tree_map_only(Tensor, closed, out)
