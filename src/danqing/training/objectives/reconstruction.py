"""Learning a VAE: give the picture back, and keep the latents near a unit Gaussian.

The squared error leads: with absolute errors alone, a small network stays long at a flat picture
of the background's colour, which is the median. Absolute errors, of pixels and of their finite
differences, then keep the strokes of letters sharp where a perceptual network would (none is
needed for drawn pictures). The Qwen-Image report (arXiv 2508.02324, section 2.3) also trains its
decoder without an adversary.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.models.vae.model import VAE
from danqing.training.objectives.base import Loss, objectives
from danqing.training.sources.base import PictureBatch


@objectives.register("reconstruction")
@dataclass(frozen=True, kw_only=True, slots=True)
class Reconstruction:
    """Pixel, edge and Kullback-Leibler terms of a VAE."""

    square: float = 4.0
    """Weight of the squared error."""
    absolute: float = 0.2
    """Weight of the absolute error."""
    edges: float = 0.1
    """Weight of the absolute error of horizontal and vertical differences."""
    kl: float = 1e-4
    """Weight of the divergence from N(0, 1), averaged over latent elements."""

    def __call__(self, model: VAE, batch: PictureBatch, generator: torch.Generator) -> Loss:
        """Return the loss on pictures in [-1, 1]."""
        image = batch.images
        posterior = model.encode(image)
        back = model.decode(posterior.sample(generator))
        error = back - image
        kl = 0.5 * (posterior.mean.square() + posterior.logvar.exp() - 1 - posterior.logvar).mean()
        square = error.square().mean()
        value = self.absolute * error.abs().mean() + self.square * square
        value = value + self.edges * edges(error)
        return Loss(
            value + self.kl * kl,
            # Pictures span [-1, 1], so the peak of the PSNR is 2.
            {"psnr": 10 * torch.log10(4 / square.detach()), "kl": kl.detach()},
        )


def edges(error: Tensor) -> Tensor:
    """Mean absolute finite difference of an error, along both axes."""
    along_width = F.l1_loss(error[..., 1:], error[..., :-1])
    along_height = F.l1_loss(error[..., 1:, :], error[..., :-1, :])
    return along_width + along_height
