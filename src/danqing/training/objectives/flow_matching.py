"""Rectified flow: on the straight line from picture to noise, predict its direction.

With x0 the clean latents and noise ~ N(0, I), the model sees `x = (1 - sigma) x0 + sigma noise`
and is asked for `noise - x0` (Lipman et al., arXiv 2210.02747; Esser et al., arXiv 2403.03206;
Qwen-Image report, arXiv 2508.02324, with time reversed). The loss is the mean square, plain
or with a weight for each noise level; that of an edit may weigh more where the picture changes:
most of it is often a copy.

Dimension key:
    B batch    C latent channels    H W latent height and width
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from danqing.flow.path import mix, velocity
from danqing.training.instruction import Instruction, reworded
from danqing.training.objectives.base import Loss, objectives
from danqing.training.objectives.levels import Levels
from danqing.training.objectives.weightings import Weighting, weightings
from danqing.training.sources.base import LatentBatch


@dataclass(frozen=True, slots=True)
class Noised:
    """Clean latents, and the noise that they are mixed with."""

    x0: Float[Tensor, "B C H W"]
    noise: Float[Tensor, "B C H W"]
    sigma: Float[Tensor, "B"]
    captions: Sequence[str]


@objectives.register("flow_matching")
@dataclass(frozen=True, kw_only=True)
class FlowMatching(Levels):
    """Mean square error of the velocity, over logit-normal noise levels."""

    weighting: Annotated[Weighting, weightings] | None = None
    """How much a noise level counts; none: all the same, as in the report."""
    drop_caption: float = 0.1
    """Share of captions replaced by a single space, which teaches the negative of guidance; the
    pictures of an instruction stay."""
    changed: float = 1.0
    """Weight of what an instruction changes, that of what it keeps being 1."""

    def __call__(self, model: nn.Module, batch: LatentBatch, generator: torch.Generator) -> Loss:
        """Return the loss on clean latents and their captions.

        `model(x, captions, sigma)` gives the velocity at `x`, in the shape of the latents.
        """
        return self.loss(model, self.draw(model, batch, generator))

    def draw(self, model: nn.Module, batch: LatentBatch, generator: torch.Generator) -> Noised:
        """Return latents on their way to noise."""
        x0 = batch.latents
        sigma = self.sigmas(len(x0), generator)
        noise = torch.randn(x0.shape, generator=generator)
        kept = torch.rand(len(x0), generator=generator) >= self.drop_caption
        captions = [
            c if keep else reworded(c, batch.negative)
            for c, keep in zip(batch.captions, kept, strict=True)
        ]
        return Noised(x0, noise, sigma, captions)

    def loss(self, model: nn.Module, drawn: Noised) -> Loss:
        """Return the mean square error of the velocity; its named parts are without weights."""
        x0, noise, sigma = drawn.x0, drawn.noise, drawn.sigma
        x = mix(x0, noise, sigma[:, None, None, None])
        error = model(x, drawn.captions, sigma) - velocity(x0, noise)
        each = (error.square() * self._weights(drawn)).flatten(1).mean(1)
        weighed = each if self.weighting is None else self.weighting(sigma) * each
        noisy = sigma > 0.5
        return Loss(
            weighed.mean(),
            {"noisy": each[noisy].mean().detach(), "clean": each[~noisy].mean().detach()},
        )

    def _weights(self, drawn: Noised) -> Float[Tensor, "B 1 H W"]:
        """Return the weight of each latent; the mean over a picture is 1."""
        weights = torch.ones_like(drawn.x0[:, :1])
        for weight, caption in zip(weights, drawn.captions, strict=True):
            if isinstance(caption, Instruction) and caption.changed is not None:
                weight += (self.changed - 1) * caption.changed.to(weight)
                weight /= weight.mean()
        return weights
