"""Guidance: go further from the negative than the positive would alone.

    guided = negative + scale (positive - negative)        (Ho & Salimans, arXiv 2207.12598)

Qwen-Image then gives every token the length that the positive had, over its channels; without it
large scales burn the picture out. An interval of sigmas leaves guidance to where it helps
(Kynkäänniemi et al., arXiv 2404.07724).

Dimension key:
    B batch    I tokens    C channels of a token
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.flow.samplers import Velocity


@runtime_checkable
class Pair(Protocol):
    """Anything that gives the velocities towards a positive and a negative at once."""

    def __call__(
        self, x: Float[Tensor, "B I C"], sigma: float
    ) -> tuple[Float[Tensor, "B I C"], Float[Tensor, "B I C"]]:
        """Return the positive's velocity, then the negative's."""
        ...


def guide(
    positive: Velocity,
    pair: Pair | None,
    scale: float,
    *,
    rescale: bool = True,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Velocity:
    """Return a velocity on packed tokens that follows the positive away from the negative.

    With a scale of at most 1, or no pair, it is `positive` itself: no negative is asked.

    Args:
        positive: Velocity towards what is wanted.
        pair: The same, with the velocity towards what is not wanted.
        scale: 1 is no guidance.
        rescale: Whether tokens keep the length that the positive gave them.
        interval: Lowest and highest sigma at which there is guidance.
    """
    if pair is None or scale <= 1:
        return positive
    return Guided(positive, pair, scale, rescale, interval)


@dataclass(frozen=True, slots=True)
class Guided:
    """The velocity of a guided pair."""

    positive: Velocity
    pair: Pair
    scale: float
    rescale: bool
    interval: tuple[float, float]

    def __call__(self, x: Float[Tensor, "B I C"], sigma: float) -> Float[Tensor, "B I C"]:
        """Return the guided velocity, or the positive one outside the interval."""
        low, high = self.interval
        if not low <= sigma <= high:
            return self.positive(x, sigma)
        return combine(*self.pair(x, sigma), self.scale, rescale=self.rescale)


def combine(
    positive: Float[Tensor, "B I C"],
    negative: Float[Tensor, "B I C"],
    scale: float,
    *,
    rescale: bool = True,
) -> Float[Tensor, "B I C"]:
    """Return two velocities as one guided velocity."""
    guided = negative + scale * (positive - negative)
    if not rescale:
        return guided
    length = torch.linalg.vector_norm(guided, dim=-1, keepdim=True)
    wanted = torch.linalg.vector_norm(positive, dim=-1, keepdim=True)
    # A token of no length has no direction to be scaled in.
    return torch.where(length > 0, guided * (wanted / length), guided)
