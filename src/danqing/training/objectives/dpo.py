"""Direct preference optimization of a flow: be better than before where it is preferred.

With e(x0) the error of the velocity at `x = (1 - sigma) x0 + sigma noise`, and e_ref that of the
reference, the model with the weights it had at first,

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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import DanqingError, RecipeError
from danqing.flow.path import mix, velocity
from danqing.training.ema import Decay, frozen
from danqing.training.objectives.base import Loss, objectives
from danqing.training.objectives.levels import Levels
from danqing.training.policy import Model, Policy
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
    """Preference of the chosen picture, against the model as it was at first."""

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

    @property
    def past(self) -> Mapping[str, Decay]:
        """The weights it needs beside the learned ones: those that were there at first."""
        return {"reference": frozen}

    def against(self, policy: Policy) -> "Preference":
        """Return the loss on pairs, against the model as it was at first."""
        return Preference(self, policy.was("reference"))


@dataclass(frozen=True, slots=True)
class Preference:
    """The loss on pairs of clean latents and their captions."""

    settings: DPO
    reference: Model
    """The model as it was."""

    def __call__(self, model: nn.Module, batch: PairBatch, generator: torch.Generator) -> Loss:
        """Return the loss of `model(x, captions, sigma)`, the velocity at `x`.

        Raises:
            DanqingError: the chosen pictures' error rose beyond the bound.
        """
        return self.loss(model, self.draw(model, batch, generator))

    def draw(self, model: nn.Module, batch: PairBatch, generator: torch.Generator) -> NoisedPairs:
        """Return pairs with the noise that both of a pair share."""
        sigma = self.settings.sigmas(len(batch.captions), generator)
        return NoisedPairs(batch, torch.randn(batch.chosen.shape, generator=generator), sigma)

    def loss(self, model: Model, drawn: NoisedPairs) -> Loss:
        """Return the loss at given noise levels and noise."""
        batch, noise, sigma = drawn.pairs, drawn.noise, drawn.sigma
        # First, because the model may have to hold other weights for it.
        chosen_before, rejected_before = errors(self.reference, batch, sigma, noise)
        chosen, rejected = errors(model, batch, sigma, noise)
        bound = self.settings.bound
        if chosen.mean() > (1 + bound) * chosen_before.mean():
            raise DanqingError(
                f"the chosen pictures' error must stay below {1 + bound:g} times what it was, "
                f"got {chosen.mean() / chosen_before.mean():.2f} times; "
                "raise objective.anchor or lower optimizer.lr."
            )
        margin = (chosen_before - chosen) - (rejected_before - rejected)
        latents = noise[0].numel() if self.settings.error == "sum" else 1
        loss = -F.logsigmoid(self.settings.beta / 2 * latents * margin).mean()
        loss = loss + self.settings.anchor * chosen.mean()
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
    model: Model,
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
