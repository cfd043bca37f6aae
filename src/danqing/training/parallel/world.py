"""The processes of a run, this one alone or all that torchrun started, and where each computes.

A process that is one of several has a *rank*, from 0; the one of rank 0 *leads*: it alone talks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

import torch
import torch.distributed as dist

from danqing.core.device import free_memory, pick_device

_device: ContextVar[torch.device | None] = ContextVar("device", default=None)


@contextmanager
def world(wanted: str | None = None) -> Iterator[None]:
    """Compute on a device, and join the processes that torchrun started with this one, if it did.

    They meet over NCCL where there are CUDA devices, each taking one, and over gloo on CPUs. Who
    has joined already stays.

    Args:
        wanted: The device, as in `pick_device`; None: the fastest kind. Of CUDA devices, processes
            of torchrun take one each, whatever the number.

    Raises:
        RequestError: The wanted device is unknown or not in this machine.
    """
    place = pick_device(wanted).device
    together = dist.is_torchelastic_launched() and not dist.is_initialized()
    if place.type == "cuda":
        own = int(os.environ["LOCAL_RANK"]) if together else place.index or 0
        place = torch.device("cuda", own)
        torch.cuda.set_device(place)
    before = _device.set(place)
    try:
        with _joined("nccl" if place.type == "cuda" else "gloo") if together else nullcontext():
            yield
    finally:
        _device.reset(before)


@contextmanager
def _joined(backend: str) -> Iterator[None]:
    store, number, count = next(dist.rendezvous("env://"))  # pyright: ignore[reportPrivateImportUsage]
    if os.environ["GROUP_WORLD_SIZE"] == "1":
        # When torchrun starts processes anew, its store still says where the dead ones were.
        # Machines count that differently, so of several this is no name that all would know.
        attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
        store = dist.PrefixStore(attempt, store)  # pyright: ignore[reportPrivateImportUsage]
    dist.init_process_group(backend, store=store, rank=number, world_size=count)
    try:
        yield
    finally:
        dist.destroy_process_group()


def alone() -> bool:
    """Return whether torchrun did not start this process."""
    return not dist.is_initialized()


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def leads() -> bool:
    """Return whether this process is the one that talks: logs, shows and exports."""
    return rank() == 0


def device() -> torch.device:
    """Return where this process computes: as `world` says, and outside of it on the CPU."""
    return _device.get() or torch.device("cpu")


def memory_of_each() -> int:
    """Return the free bytes that a process may take where it computes; of a CPU's, its share."""
    return free_memory(device()) // (size() if device().type == "cpu" else 1)


@contextmanager
def first() -> Iterator[None]:
    """Let the leading process do something before all others do it.

    What is made once and kept on disk, such as latents of a corpus, is then there for them.
    """
    if size() > 1 and not leads():
        dist.barrier()
    yield
    if size() > 1 and leads():
        dist.barrier()
