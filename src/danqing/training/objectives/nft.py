"""Learning from rewards by flow matching: DiffusionNFT (arXiv 2509.16117).

No likelihoods and no stochastic steps: pictures may be painted in any way, and only they count.
A picture is good with a probability r that its advantage tells. At a noisy version of it, the
learned velocity v and that of the painting model v_old make a better and a worse one,

    v+ = beta v + (1 - beta) v_old        v- = (1 + beta) v_old - beta v

and flow matching is asked of v+ as far as the picture is good, of v- as far as it is not. So v is
drawn towards good pictures and away from bad ones. Both errors are those of the picture that a
velocity means, each divided by its own size, so that no noise level outweighs the others.

Pictures of one prompt share noise and its level. Advantages of a group add up to nothing, and so
does what noise adds to the gradients of all its pictures alike.
"""

from dataclasses import dataclass, field
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.flow.path import denoised, mix
from danqing.training.objectives.anchor import Anchor, anchored
from danqing.training.objectives.base import Loss, objectives
from danqing.training.objectives.levels import Levels
from danqing.training.sources.rollouts import RolloutBatch

_LEAST: Final = 1e-5
"""Keeps an error of nothing from being divided by nothing."""


@objectives.register("nft")
@dataclass(frozen=True, kw_only=True)
class NFT(Levels):
    """Flow matching towards good pictures and away from bad ones."""

    beta: float = 1.0
    """How far the learned velocity is from v_old to v+; 0.1 is published for rewards of text."""
    draws: int = 1
    """Noisy versions of each group; pictures are dear, and more versions steady the gradient."""
    most: float = 5.0
    """The advantage of a picture that is surely good, and the weight of the loss."""
    kl: float = 1e-4
    """Weight of the mean square distance from the velocity of the reference."""
    anchor: Anchor = field(default_factory=Anchor)
    """What holds the rest, where the source has an anchor."""

    def __post_init__(self) -> None:
        for name, value in (("beta", self.beta), ("draws", self.draws), ("most", self.most)):
            if value <= 0:
                raise RecipeError(f"{name} must be above 0, got {value}; raise it.")

    def __call__(self, model: nn.Module, batch: RolloutBatch, generator: torch.Generator) -> Loss:
        """Return the loss on pictures and their advantages."""
        x0, captions = batch.latents.repeat(self.draws, 1, 1, 1), [*batch.captions] * self.draws
        groups = len(x0) // batch.group
        sigma = self.sigmas(groups, generator).repeat_interleave(batch.group)
        noise = torch.randn(groups, *x0.shape[1:], generator=generator)
        noise = noise.repeat_interleave(batch.group, dim=0)
        level = sigma[:, None, None, None]
        x = mix(x0, noise, level)

        v = model(x, captions, sigma)
        old = batch.old(x, captions, sigma)
        reference = batch.reference(x, captions, sigma)
        better = self._error(x, self.beta * v + (1 - self.beta) * old, level, x0)
        worse = self._error(x, (1 + self.beta) * old - self.beta * v, level, x0)
        good = (0.5 + batch.advantages.repeat(self.draws) / (2 * self.most)).clamp(0, 1)
        each = (good * better + (1 - good) * worse) * self.most / self.beta
        drift = (v - reference).square().mean()
        loss = Loss(
            each.sum() / (batch.painted * self.draws) + self.kl * drift,
            {"drift": drift.detach(), "moved": (v - old).detach().square().mean(), **batch.told},
        )
        return anchored(loss, self.anchor, model, batch, generator)

    def _error(
        self,
        x: Float[Tensor, "B C H W"],
        v: Float[Tensor, "B C H W"],
        sigma: Float[Tensor, "B 1 1 1"],
        x0: Float[Tensor, "B C H W"],
    ) -> Float[Tensor, "B"]:
        error = (denoised(x, v, sigma) - x0).flatten(1)
        size = error.detach().abs().mean(1).clamp_min(_LEAST)
        return error.square().mean(1) / size
