"""Pixels to latents and back."""

from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE, Posterior

__all__ = ["VAE", "Posterior", "VAEConfig"]
