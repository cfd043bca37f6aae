"""Policy gradients on the steps that led to pictures (Flow-GRPO, arXiv 2505.05470).

Every stochastic step is an action of known likelihood. Steps to pictures that were rated above
their group become likelier, as long as they are not much likelier already than when they were
taken:

    loss = -min(A rho, A clip(rho, 1 - c, 1 + c))        rho = p(step) / p_old(step)

to which the divergence of each step from that of the reference may be added. Clip ranges are tiny
because the published log-likelihoods are means over thousands of dimensions.

The ratio is below 1 on average, more so at some steps than at others. GRPO-Guard (arXiv
2510.22319) centres it, gives it one deviation at all steps, and undoes the weights of steps.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.flow.sde import Hop, Measure, Step, kernels
from danqing.training.objectives.anchor import Anchor, anchored
from danqing.training.objectives.base import Loss, objectives
from danqing.training.policy import guided
from danqing.training.sources.rollouts import RolloutBatch


@objectives.register("grpo")
@dataclass(frozen=True, kw_only=True, slots=True)
class GRPO:
    """Clipped policy gradients, relative to a group."""

    clip: float = 1e-4
    """How far a ratio may be from 1 and still be pushed on; for `guard` about 2e-6."""
    measure: Measure = "distance"
    """How likelihoods are told: as is published for `cps`, `distance`; for `flow_sde`, `mean`."""
    kl: float = 0.0
    """Weight of the divergence from the reference, averaged over the dimensions of a picture."""
    guard: bool = False
    """Whether ratios are those of GRPO-Guard, which is for `flow_sde`."""
    anchor: Anchor = field(default_factory=Anchor)
    """What holds the rest, where the source has an anchor."""

    def __post_init__(self) -> None:
        if self.guard and self.measure != "mean":
            raise RecipeError(
                f"measure must be mean with guard, got {self.measure}; change one of them."
            )

    def __call__(self, model: nn.Module, batch: RolloutBatch, generator: torch.Generator) -> Loss:
        """Return the loss on the steps to a batch of pictures.

        Raises:
            RecipeError: the pictures were painted without noise, or not as `guard` needs it.
        """
        noise = batch.noise
        if noise is None or not batch.hops:
            raise RecipeError("source.noise must be set for grpo, got none; add [source.noise].")
        if self.guard and noise.kernel != "flow_sde":
            raise RecipeError(
                f"source.noise.kernel must be flow_sde with guard, got {noise.kernel}; change it."
            )
        policy, reference = (guided(each, batch.guidance) for each in (model, batch.reference))
        kernel = kernels[noise.kernel]
        losses: list[Tensor] = []
        ratios: list[Tensor] = []
        drifts: list[Tensor] = []
        for hop in batch.hops:
            sigma = torch.full((len(hop.x),), hop.sigma)
            asked = (hop.x, batch.captions, sigma)
            where = (hop.sigma, hop.after, noise.level)
            step = kernel(hop.x, policy(*asked), *where)
            ratio = self.log_ratio(step, hop).exp()
            clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
            gain = torch.minimum(batch.advantages * ratio, batch.advantages * clipped)
            loss = -gain / (hop.sigma - hop.after) if self.guard else -gain
            if self.kl:
                drift = divergence(step, kernel(hop.x, reference(*asked), *where))
                loss = loss + self.kl * drift
                drifts.append(drift.detach())
            losses.append(loss)
            ratios.append(ratio.detach())
        away = (torch.stack(ratios) - 1).abs()
        parts = {"ratio": away.mean(), "clipped": (away > self.clip).float().mean(), **batch.told}
        if drifts:
            parts["kl"] = torch.stack(drifts).mean()
        loss = Loss(torch.stack(losses).mean(0).sum() / batch.painted, parts)
        return anchored(loss, self.anchor, model, batch, generator)

    def log_ratio(self, step: Step, hop: Hop) -> Float[Tensor, "B"]:
        """Return how much likelier, as a logarithm, a step is than when it was taken."""
        ratio = step.log_prob(hop.end, self.measure) - hop.step.log_prob(hop.end, self.measure)
        if not self.guard:
            return ratio
        return (ratio + divergence(step, hop.step)) * hop.step.std


def divergence(step: Step, other: Step) -> Float[Tensor, "B"]:
    """Return the divergence of a step from another of its deviation, a mean over dimensions.

    It is the exact one of the two Gaussians. Published code leaves out the length of the step, so
    weights from there mean another thing here.
    """
    away = (step.mean - other.mean).square().flatten(1).mean(1)
    return away / (2 * other.std**2)
