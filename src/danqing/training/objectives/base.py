"""What an objective is: a model and a batch in, one loss with named parts out.

An objective that *compares* the model with what it was says which earlier weights it needs, and is
given a policy that answers with them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from danqing.core.registry import Registry
from danqing.training.ema import Decay
from danqing.training.policy import Policy


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
class Divisible(Objective, Protocol):
    """An objective that is a mean over samples, so that a batch can be learned piece by piece.

    What is random is drawn for the whole batch beforehand, so that pieces see what a whole would.
    """

    def draw(self, model: nn.Module, batch: Any, generator: torch.Generator) -> Any:
        """Return all that losses are made of: a dataclass with an entry a sample in every field."""
        ...

    def loss(self, model: nn.Module, drawn: Any) -> Loss:
        """Return the loss on what was drawn, or on a piece of it."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """Anything that becomes an objective once there is a policy to ask."""

    @property
    def past(self) -> Mapping[str, Decay]:
        """The weights it needs beside those that are learned, and how they follow them."""
        ...

    def against(self, policy: Policy) -> Divisible:
        """Return the objective; `policy` has the weights of `past` by their names."""
        ...


objectives: Registry[type[Objective] | type[Comparing]] = Registry("objective")
