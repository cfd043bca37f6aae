"""A picture that is known beforehand: where the walk to a new one begins, and what it must keep.

A picture painted over begins on the path of the old one, and its `strength` is the share of the
steps that are walked. A mask is a strength for every place: black is never let go, white from the
first step on, and grey where a picture of that strength would begin (Levin and Fried, arXiv
2306.00950). Until then the velocity of a place is that of its known path, so every sampler keeps
it there.

Dimension key:
    *s any shape; a state and its velocity share it
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from danqing.flow.samplers import Velocity


def first_step(steps: int, strength: Float[Tensor, "*s"]) -> Int[Tensor, "*s"]:
    """Return the first step that is walked, counted as the published code counts.

    Args:
        steps: Steps from noise to picture.
        strength: From 0, which walks none of them, to 1, which walks all. As float64 it is rounded
            as Python rounds.
    """
    return (steps - steps * strength).clamp(0, steps).long()


def release(sigmas: Sequence[float], strength: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Return the sigma at which each place is let go; 0 is never."""
    return torch.tensor(sigmas)[first_step(len(sigmas) - 1, strength)]


@dataclass(frozen=True, slots=True)
class Held:
    """A velocity that keeps every place on its known path until it is let go."""

    velocity: Velocity
    """Velocity of what is let go."""
    known: Float[Tensor, "*s"]
    """Velocity of the known path: noise - x0."""
    release: Float[Tensor, "..."]
    """Highest sigma at which a place is free."""

    def __call__(self, x: Float[Tensor, "*s"], sigma: float) -> Float[Tensor, "*s"]:
        """Return the velocity at `x`."""
        held: Bool[Tensor, ...] = sigma > self.release
        return torch.where(held, self.known, self.velocity(x, sigma))
