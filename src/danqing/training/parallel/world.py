"""The processes of a run: this one alone, or all that torchrun started.

A process that is one of several has a *rank*, from 0; the one of rank 0 *leads*: it alone talks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist


@contextmanager
def world() -> Iterator[None]:
    """Join the processes that torchrun started with this one, if it did.

    They meet over NCCL where there are CUDA devices, each taking one, and over gloo on CPUs. Who
    has joined already stays.
    """
    if dist.is_initialized() or not dist.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if torch.cuda.is_available() else "gloo"
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
    """Return where a process computes; one that is alone stays where its modules are built."""
    cuda = dist.is_initialized() and torch.cuda.is_available()
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")


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
