"""What an objective is: a model and a batch in, one loss with named parts out."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from danqing.core.registry import Registry


class Loss(NamedTuple):
    """A scalar to minimize, and the scalars worth a line in the log."""

    value: Tensor
    parts: Mapping[str, Tensor]


@runtime_checkable
class Objective(Protocol):
    """Anything that turns a model's behaviour on a batch into a loss.

    Randomness (noise, timesteps, dropped captions) comes from the generator alone, which the
    loop derives from the seed and the step: a resumed run repeats the losses of an unbroken one.
    """

    def __call__(self, model: nn.Module, batch: Any, generator: torch.Generator) -> Loss:
        """Return the loss of `model` on `batch`."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """An objective that is a mean over samples, so that a batch can be learned piece by piece.

    What is random is drawn for the whole batch beforehand, so that pieces see what a whole would.
    """

    def draw(self, model: nn.Module, batch: Any, generator: torch.Generator) -> Any:
        """Return all that losses are made of: a dataclass with an entry a sample in every field."""
        ...

    def loss(self, model: nn.Module, drawn: Any) -> Loss:
        """Return the loss on what was drawn, or on a piece of it."""
        ...


objectives: Registry[type[Objective]] = Registry("objective")
