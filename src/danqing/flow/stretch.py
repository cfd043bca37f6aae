"""A stretch of a walk as one step: the mean velocity that leads from its start to its end.

A sampler that goes along the mean velocity of every stretch of its schedule ends where the flow
itself ends, however few the stretches are. That is what a model of few steps has to know.

Dimension key:
    B batch    *s any shape; a state and its velocity share it
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Field(Protocol):
    """A velocity whose samples are each at a noise level of their own."""

    def __call__(
        self, x: Float[Tensor, "B *s"], sigma: Float[Tensor, "B"]
    ) -> Float[Tensor, "B *s"]:
        """Return the velocity at `x`."""
        ...


def mean_velocity(
    field: Field,
    x: Float[Tensor, "B *s"],
    sigma: Float[Tensor, "B"],
    after: Float[Tensor, "B"],
    steps: int,
) -> Float[Tensor, "B *s"]:
    """Return the mean velocity of a field from `sigma` to `after`, along its way through `x`.

    The way is that of Euler steps of even length, so one step gives the velocity at `x` itself, and
    the error falls in proportion to their number.
    """
    length = (after - sigma) / steps
    lengths = length.reshape(-1, *[1] * (x.ndim - 1))
    total = torch.zeros_like(x)
    for number in range(steps):
        velocity = field(x, sigma + number * length)
        total += velocity
        x = x + lengths * velocity
    return total / steps
