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


@dataclass(frozen=True, slots=True)
class Shaken:
    """Pictures, and two noises of their latents, in standard deviations."""

    images: Float[Tensor, "B C H W"]
    noise: Float[Tensor, "B Z h w"]
    """Of the posterior."""
    shake: Float[Tensor, "B Z h w"]
    """Of the channels; more on some pictures than on others."""


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
        return self.loss(model, self.draw(model, batch, generator))

    def draw(self, model: VAE, batch: PictureBatch, generator: torch.Generator) -> Shaken:
        """Return pictures with the noise that their latents get."""
        count, _, height, width = batch.images.shape
        size = (model.config.latent_channels, height // model.factor, width // model.factor)
        dtype = next(model.parameters()).dtype
        noise = torch.randn(count, *size, generator=generator, dtype=dtype)
        levels = self.noise * torch.rand(count, 1, 1, 1, generator=generator)
        shake = levels * torch.randn(count, *size, generator=generator)
        return Shaken(batch.images, noise, shake)

    def loss(self, model: VAE, drawn: Shaken) -> Loss:
        """Return the loss; latents' deviations are those of the pictures at hand."""
        image = drawn.images
        posterior = model.encode(image)
        latents = posterior.at(drawn.noise)
        back = model.decode(disturb(latents, drawn.shake) if self.noise else latents)
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
    latents: Float[Tensor, "B Z h w"], shake: Float[Tensor, "B Z h w"]
) -> Float[Tensor, "B Z h w"]:
    """Return latents moved by as many standard deviations of their channels."""
    return latents + latents.std(dim=(0, 2, 3), keepdim=True) * shake.to(latents)


def edges(error: Tensor) -> Tensor:
    """Mean absolute finite difference of an error, along both axes."""
    along_width = F.l1_loss(error[..., 1:], error[..., :-1])
    along_height = F.l1_loss(error[..., 1:, :], error[..., :-1, :])
    return along_width + along_height
