"""Guidance: go further from the negative than the positive would alone.

    guided = negative + scale (positive - negative)        (Ho & Salimans, arXiv 2207.12598)

Qwen-Image then gives every token the length that the positive had, over its channels; without it
large scales burn the picture out. An interval of sigmas leaves guidance to where it helps
(Kynkäänniemi et al., arXiv 2404.07724).

Dimension key:
    B batch    I tokens    C channels of a token
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.flow.samplers import Velocity


def guide(
    positive: Velocity,
    negative: Velocity | None,
    scale: float,
    *,
    rescale: bool = True,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Velocity:
    """Return a velocity on packed tokens that follows `positive` away from `negative`.

    With a scale of at most 1, or no negative, it is `positive` itself: nothing is called twice.
    Where it guides it asks `positive` first.

    Args:
        positive: Velocity towards what is wanted.
        negative: Velocity towards what is not wanted.
        scale: 1 is no guidance.
        rescale: Whether tokens keep the length that the positive gave them.
        interval: Lowest and highest sigma at which there is guidance.
    """
    if negative is None or scale <= 1:
        return positive
    return Guided(positive, negative, scale, rescale, interval)


@dataclass(frozen=True, slots=True)
class Guided:
    """The velocity of a guided pair."""

    positive: Velocity
    negative: Velocity
    scale: float
    rescale: bool
    interval: tuple[float, float]

    def __call__(self, x: Float[Tensor, "B I C"], sigma: float) -> Float[Tensor, "B I C"]:
        """Return the guided velocity, or the positive one outside the interval."""
        positive = self.positive(x, sigma)
        low, high = self.interval
        if not low <= sigma <= high:
            return positive
        return combine(positive, self.negative(x, sigma), self.scale, rescale=self.rescale)


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
