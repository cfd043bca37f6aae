"""What can be trained: how it starts, and how it is written when it is done.

A trainee builds a module, from fresh weights or from those already in the model's folder, and
exports it in a published layout.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from danqing.core.registry import Registry
from danqing.training.sources.base import Batches


@runtime_checkable
class Trainee(Protocol):
    """Something a recipe can train."""

    def build(self, folder: Path, seed: int) -> nn.Module:
        """Return the module to train; `folder` may hold earlier weights."""
        ...

    def export(self, module: nn.Module, folder: Path, batches: Batches) -> None:
        """Write the trained parts into a model folder; `batches` are there to be measured."""
        ...


trainees: Registry[type[Trainee]] = Registry("trainee")


@contextmanager
def fresh(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed, leaving the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
