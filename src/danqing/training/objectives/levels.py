"""Noise levels to learn at.

Dimension key:
    B batch
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Logit-normal noise levels (Esser et al., arXiv 2403.03206), some of them uniform."""

    mean: float = 0.0
    """Centre of the logit of sigma; above 0 favours noisy inputs."""
    spread: float = 1.0
    """Standard deviation of the logit of sigma."""
    uniform: float = 0.1
    """Share of samples whose sigma is uniform in (0, 1), so that the ends are seen too."""

    def sigmas(self, count: int, generator: torch.Generator) -> Float[Tensor, "B"]:
        """Draw noise levels, one from each of `count` equal strata, in random order.

        Strata keep the distribution and lower the variance of a small batch's loss.
        """
        strata = torch.randperm(count, generator=generator)
        quantile = (strata + torch.rand(count, generator=generator)) / count
        # Float32 quantiles of exactly 0 or 1 would give an infinite logit.
        normal = torch.special.ndtri(quantile.double().clamp(1e-6, 1 - 1e-6)).float()
        levels = torch.sigmoid(self.mean + self.spread * normal)
        uniform = torch.rand(count, generator=generator) < self.uniform
        return torch.where(uniform, quantile, levels)
