"""Few steps instead of many: go at once where a guided teacher goes in several steps.

On the stretch from sigma to the next level of the student's schedule, the student learns the mean
velocity of the teacher, which it needs no guidance for. It is guidance distillation (Meng et al.,
arXiv 2210.03142) and progressive distillation (Salimans & Ho, arXiv 2202.00512) in one go. States
are where the student's own steps have led it, as in DMD2 (arXiv 2405.14867), so that it meets the
same ones when it paints, and learns to mend what it did before.

Dimension key:
    B batch    C channels    H W latent height and width
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.flow.stretch import mean_velocity
from danqing.training.objectives.base import Loss, objectives
from danqing.training.policy import guided
from danqing.training.sources.walks import WalkBatch


@objectives.register("distillation")
@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """Mean square error of the velocity of a step, against the teacher's mean velocity."""

    guidance: float = 3.0
    """Scale of the teacher's guidance; 1 is none."""
    substeps: int = 5
    """The teacher's steps for one of the student's."""

    def __post_init__(self) -> None:
        for name, value in (("guidance", self.guidance), ("substeps", self.substeps)):
            if value < 1:
                raise RecipeError(f"{name} must be at least 1, got {value:g}; raise it.")

    def __call__(self, model: nn.Module, batch: WalkBatch, generator: torch.Generator) -> Loss:
        """Return the loss on states of walks; nothing about it is random."""
        error = model(batch.x, batch.captions, batch.sigma) - self.target(batch)
        each = error.square().flatten(1).mean(1)
        first, last = batch.sigma == batch.sigma.max(), batch.after == 0
        parts = {"first": each[first].mean(), "last": each[last].mean()}
        return Loss(each.mean(), {name: part.detach() for name, part in parts.items()})

    @torch.no_grad()
    def target(self, batch: WalkBatch) -> Float[Tensor, "B C H W"]:
        """Return the velocity that a step should have."""
        teacher = guided(batch.teacher, self.guidance)

        def field(
            x: Float[Tensor, "B C H W"], sigma: Float[Tensor, "B"]
        ) -> Float[Tensor, "B C H W"]:
            return teacher(x, batch.captions, sigma)

        return mean_velocity(field, batch.x, batch.sigma, batch.after, self.substeps)
