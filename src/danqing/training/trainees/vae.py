"""A VAE as what is trained."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from danqing.core.device import DTYPES
from danqing.core.errors import RecipeError
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE
from danqing.pipelines.load import load_vae
from danqing.pipelines.save import save_vae
from danqing.training.sources.base import Batches
from danqing.training.trainees.base import fresh, trainees


@trainees.register("vae")
@dataclass(frozen=True, kw_only=True, slots=True)
class VAETrainee:
    """A VAE."""

    start: Literal["fresh", "model"] = "fresh"
    """Whether to start from random weights or from those in the model's folder."""
    keeps_latents: bool = False
    """Whether only the decoder learns, so that all that was trained on latents stays valid."""
    config: VAEConfig = field(default_factory=VAEConfig)
    """Shape of a fresh one; the statistics of its latents are measured at export."""
    measured: int = 64
    """Batches whose latents give the statistics."""
    stored: Literal["bfloat16", "float32"] = "bfloat16"
    """Number format of the exported weights."""

    def __post_init__(self) -> None:
        if self.keeps_latents and self.start == "fresh":
            raise RecipeError(
                "a fresh start must have keeps_latents = false, got true: "
                'there are none to keep; set start = "model".'
            )

    def build(self, folder: Path, seed: int) -> VAE:
        """Return the VAE; a fresh one is almost without noise in its latents.

        At the usual start, with latents of unit deviation, noise would hide the small means that
        an untrained encoder gives, and with them the gradient of everything before.
        """
        if self.start == "model":
            vae = load_vae(folder, torch.float32)
            vae.encoder.requires_grad_(not self.keeps_latents)
            return vae
        with fresh(seed):
            vae = VAE(self.config)
        with torch.no_grad():
            vae.encoder.quant.bias[self.config.latent_channels :] -= 6
        return vae

    @torch.no_grad()
    def export(self, module: VAE, folder: Path, batches: Batches) -> None:
        """Write the VAE; mean and deviation of new latents are measured on the first batches."""
        if not self.keeps_latents:
            module.config = self._measured(module, batches)
        save_vae(module.to(DTYPES[self.stored]), folder)

    def _measured(self, vae: VAE, batches: Batches) -> VAEConfig:
        pictures = (batches[i].images.to(vae.device) for i in range(self.measured))
        latents = torch.cat([vae.encode(some).mode() for some in pictures])
        deviation, mean = torch.std_mean(latents, dim=(0, 2, 3))
        return replace(
            vae.config,
            latents_mean=tuple(round(x, 4) for x in mean.tolist()),
            latents_std=tuple(round(x, 4) for x in deviation.tolist()),
        )
