"""How much a noise level counts in the loss of flow matching.

How often levels are drawn and how much they count are one choice told in two ways: drawing with a
density p and weighing with w learns what drawing evenly and weighing with p w would, up to the
noise of gradients (Kingma & Gao, arXiv 2303.00848; Esser et al., arXiv 2403.03206). Weights are for
the square error of the velocity. The error of the picture that a velocity means is sigma times it,
so a weight of sigma^2 is for that error.

Dimension key:
    B batch
"""

import math
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.registry import Registry


@runtime_checkable
class Weighting(Protocol):
    """Anything that says how much each noise level counts."""

    def __call__(self, sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Return a weight of 0 or more for each level, from 0 to 1."""
        ...


weightings: Final[Registry[Weighting | type[Weighting]]] = Registry("weighting")


@weightings.register("cosmap")
def cosmap(sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Return the density of levels whose log-SNR is that of the cosine schedule.

    2 / (pi (1 - 2 sigma + 2 sigma^2)): most at 0.5, and half of that at both ends (Esser et al.,
    arXiv 2403.03206, section 3.1). Its mean is 1.
    """
    return 2 / (math.pi * (1 - 2 * sigma + 2 * sigma.square()))


@weightings.register("bell")
def bell(sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Return a bell around 0.5 that is 0 at both ends, as DiffSynth-Studio trains Qwen-Image.

    exp(-2 (sigma - 1/2)^2) - exp(-1/2), over its mean, which is then 1.
    """
    end = math.exp(-0.5)
    mean = math.sqrt(math.pi / 2) * math.erf(math.sqrt(0.5)) - end
    return ((-2 * (sigma - 0.5).square()).exp() - end) / mean


@weightings.register("min_snr")
@dataclass(frozen=True, kw_only=True, slots=True)
class MinSNR:
    """The error of the picture, its signal-to-noise ratio cut (Hang et al., arXiv 2303.09556).

    sigma^2 min(snr, gamma) with snr = ((1 - sigma) / sigma)^2, so (1 - sigma)^2 where the ratio is
    not cut: levels with hardly any noise, where little is to be learned, do not rule the rest.
    """

    gamma: float = 5.0
    """The largest ratio that counts."""

    def __post_init__(self) -> None:
        if self.gamma <= 0:
            raise RecipeError(f"gamma must be above 0, got {self.gamma:g}; try 5.")

    def __call__(self, sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Return the weight of each level, at most 1."""
        return torch.minimum((1 - sigma).square(), self.gamma * sigma.square())


@weightings.register("sigma_sqrt")
@dataclass(frozen=True, kw_only=True, slots=True)
class InverseSquare:
    """sigma^-2, which favours what is almost free of noise; diffusers' name for it."""

    limit: float = 1e4
    """The largest weight; without one, a single sample may outweigh a run."""

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise RecipeError(f"limit must be at least 1, got {self.limit:g}; raise it.")

    def __call__(self, sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Return the weight of each level, from 1 to the limit."""
        return sigma.square().reciprocal().clamp(max=self.limit)
