"""Devices, number formats and free memory, chosen in one place and with the reason said."""

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from danqing.core.errors import RequestError, unknown

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


class DeviceChoice(NamedTuple):
    """A device, and the sentence that says why this one; unpacks as a pair."""

    device: torch.device
    reason: str


class DtypeChoice(NamedTuple):
    """A number format, and the sentence that says why this one; unpacks as a pair."""

    dtype: torch.dtype
    reason: str


def pick_device(wanted: str | None = None) -> DeviceChoice:
    """Return the wanted device, or else the fastest kind that is here.

    Raises:
        RequestError: the wanted device is unknown or not in this machine.
    """
    found = [name for name, here in _found().items() if here]
    if wanted is None:
        return DeviceChoice(torch.device(found[0]), f"{found[0]}: the fastest device here")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise RequestError(unknown("device", wanted, found)) from None
    if device.type not in found or (device.index or 0) >= _count(device.type):
        raise RequestError(f"device must be in this machine, got {wanted}; try {found[0]}.")
    return DeviceChoice(device, f"{wanted}: asked for")


def pick_dtype(device: str | torch.device, wanted: str | None = None) -> DtypeChoice:
    """Return the wanted number format, or bfloat16 where it is native and float32 elsewhere.

    Raises:
        RequestError: the wanted format is unknown.
    """
    device = torch.device(device)
    if wanted is not None:
        if wanted not in DTYPES:
            raise RequestError(unknown("dtype", wanted, DTYPES))
        return DtypeChoice(DTYPES[wanted], f"{wanted}: asked for")
    if native_bf16(device):
        return DtypeChoice(torch.bfloat16, f"bfloat16: this {device.type} multiplies it natively")
    return DtypeChoice(torch.float32, f"float32: this {device.type} has no bfloat16 instructions")


def native_bf16(device: str | torch.device) -> bool:
    """Return whether matrix products in bfloat16 run on instructions made for it.

    On a CPU that is AMX-BF16, AVX512-BF16 or the ARM BF16 extension; on CUDA, compute capability
    8.0 or later. Elsewhere bfloat16 works, but by conversion, slower than float32.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and _cpu_has_bf16()


def free_memory(device: str | torch.device) -> int:
    """Return the bytes that new tensors may take on a device without swapping."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return min(_machine_memory(), _container_memory())


def _found() -> dict[str, bool]:
    return {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


@cache
def _cpu_has_bf16() -> bool:
    instructions = torch.cpu.get_capabilities()
    return any(instructions.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))


def _machine_memory() -> int:
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():  # macOS and Windows: what is installed, the best the library knows
        names: dict[str, int] = getattr(os, "sysconf_names", {})
        if "SC_PHYS_PAGES" not in names:
            return 8 << 30
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _container_memory() -> int:
    """Return what the control group (version 2) leaves, or the largest integer without one."""
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if not limit.exists() or limit.read_text().strip() == "max":
        return 2**63 - 1
    return max(0, int(limit.read_text()) - int(used.read_text()))
