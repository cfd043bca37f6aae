"""Direct preference optimization of a flow: be better than before where it is preferred.

With e(x0) the error of the velocity at `x = (1 - sigma) x0 + sigma noise`, and e_ref that of the
model without its adapter,

    loss = -log sigmoid(beta / 2 (gain(chosen) - gain(rejected)))        gain = e_ref - e

where both pictures of a pair share sigma and noise (Diffusion-DPO, arXiv 2311.12908; for flows,
arXiv 2501.13918, with a constant beta). In the derivation the error is a sum over
latents; programs mostly take the mean, for which the same beta is as many times larger as there
are latents.

The margin can also grow while both pictures get less likely, the rejected one only faster. So the
gain of the chosen one is logged beside it, an anchor holds it, and a run in which it is lost ends.

Dimension key:
    B batch    C channels    H W latent height and width
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import DanqingError, RecipeError
from danqing.flow.path import mix, velocity
from danqing.models.lora import adapted, off
from danqing.training.objectives.base import Loss, objectives
from danqing.training.objectives.levels import Levels
from danqing.training.sources.base import PairBatch


@dataclass(frozen=True, slots=True)
class NoisedPairs:
    """Pairs, and the noise that both pictures of each are mixed with."""

    pairs: PairBatch
    noise: Float[Tensor, "B C H W"]
    sigma: Float[Tensor, "B"]


@objectives.register("dpo")
@dataclass(frozen=True, kw_only=True, slots=True)
class DPO(Levels):
    """Preference of the chosen picture, against the model without its adapter."""

    beta: float = 2000.0
    """How much a difference of errors counts; larger stays nearer to the model as it was."""
    error: Literal["mean", "sum"] = "mean"
    """Whether beta is for the mean of squared errors over latents or for their sum."""
    anchor: float = 0.0
    """Weight of the plain flow matching loss of the chosen picture."""
    bound: float = 0.5
    """Largest rise of the chosen pictures' error in a batch, as a share of what it was."""

    def __post_init__(self) -> None:
        if self.beta <= 0 or self.anchor < 0 or self.bound <= 0:
            raise RecipeError(
                "beta and bound must be above 0 and anchor at least 0, "
                f"got {self.beta:g}, {self.bound:g} and {self.anchor:g}; change them."
            )

    def __call__(self, model: nn.Module, batch: PairBatch, generator: torch.Generator) -> Loss:
        """Return the loss on pairs of clean latents and their captions.

        `model(x, captions, sigma)` gives the velocity at `x`, in the shape of the latents.

        Raises:
            RecipeError: the model has no adapter, so there is nothing to compare with.
            DanqingError: the chosen pictures' error rose beyond the bound.
        """
        return self.loss(model, self.draw(model, batch, generator))

    def draw(self, model: nn.Module, batch: PairBatch, generator: torch.Generator) -> NoisedPairs:
        """Return pairs with the noise that both of a pair share."""
        if not adapted(model):
            raise RecipeError(
                'dpo must train an adapter, got a model without one; set trainee.name to "adapter".'
            )
        sigma = self.sigmas(len(batch.captions), generator)
        return NoisedPairs(batch, torch.randn(batch.chosen.shape, generator=generator), sigma)

    def loss(self, model: nn.Module, drawn: NoisedPairs) -> Loss:
        """Return the loss at given noise levels and noise."""
        batch, noise, sigma = drawn.pairs, drawn.noise, drawn.sigma
        chosen, rejected = errors(model, batch, sigma, noise)
        with off(model), torch.no_grad():
            chosen_before, rejected_before = errors(model, batch, sigma, noise)
        if chosen.mean() > (1 + self.bound) * chosen_before.mean():
            raise DanqingError(
                f"the chosen pictures' error must stay below {1 + self.bound:g} times what it was, "
                f"got {chosen.mean() / chosen_before.mean():.2f} times; "
                "raise objective.anchor or lower optimizer.lr."
            )
        margin = (chosen_before - chosen) - (rejected_before - rejected)
        scale = self.beta / 2 * (noise[0].numel() if self.error == "sum" else 1)
        loss = -F.logsigmoid(scale * margin).mean() + self.anchor * chosen.mean()
        parts = {
            "accuracy": (margin > 0).float().mean(),
            "margin": margin.mean(),
            "chosen": chosen.mean(),
            "chosen_gain": (chosen_before - chosen).mean(),
            "rejected": rejected.mean(),
            "rejected_gain": (rejected_before - rejected).mean(),
        }
        return Loss(loss, {name: part.detach() for name, part in parts.items()})


def errors(
    model: nn.Module,
    batch: PairBatch,
    sigma: Float[Tensor, "B"],
    noise: Float[Tensor, "B C H W"],
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
    """Return the mean square error of the velocity of each chosen and each rejected picture."""
    x0, noise = torch.cat((batch.chosen, batch.rejected)), noise.repeat(2, 1, 1, 1)
    sigma = sigma.repeat(2)
    x = mix(x0, noise, sigma[:, None, None, None])
    wrong = model(x, [*batch.captions, *batch.captions], sigma) - velocity(x0, noise)
    chosen, rejected = wrong.square().flatten(1).mean(1).chunk(2)
    return chosen, rejected
