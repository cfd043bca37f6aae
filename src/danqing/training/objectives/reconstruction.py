"""Learning a VAE: give the picture back, and keep the latents near a unit Gaussian.

The squared error leads: with absolute errors alone, a small network stays long at a flat picture
of the background's colour, which is the median. Absolute errors, of pixels and of their finite
differences, then keep the strokes of letters sharp where a perceptual network would (none is
needed for drawn pictures). The Qwen-Image report (arXiv 2508.02324, section 2.3) also trains its
decoder without an adversary.

A transformer will give the decoder latents that are slightly wrong. Noise on the latents, in
proportion to their own spread, teaches the decoder to forgive that and the encoder to put near
together what looks alike (as in sigma-VAEs, arXiv 2412.08635, and noise-augmented decoders,
arXiv 2510.11690); it cannot be escaped by larger latents.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
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
    noise: float = 0.0
    """Largest noise on the latents of a picture, in standard deviations of their channels."""

    def __call__(self, model: VAE, batch: PictureBatch, generator: torch.Generator) -> Loss:
        """Return the loss on pictures in [-1, 1]."""
        image = batch.images
        posterior = model.encode(image)
        back = model.decode(self.disturb(posterior.sample(generator), generator))
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

    def disturb(
        self, latents: Float[Tensor, "B Z h w"], generator: torch.Generator
    ) -> Float[Tensor, "B Z h w"]:
        """Return latents with noise, more on some pictures than on others."""
        if not self.noise:
            return latents
        spread = latents.std(dim=(0, 2, 3), keepdim=True)
        levels = self.noise * torch.rand(len(latents), 1, 1, 1, generator=generator)
        noise = levels * torch.randn(latents.shape, generator=generator)
        return latents + spread * noise.to(latents)


def edges(error: Tensor) -> Tensor:
    """Mean absolute finite difference of an error, along both axes."""
    along_width = F.l1_loss(error[..., 1:], error[..., :-1])
    along_height = F.l1_loss(error[..., 1:, :], error[..., :-1, :])
    return along_width + along_height
