"""Pixels to latents and back: Qwen-Image's VAE as a network of 2-D convolutions.

The published network is a causal one for videos. Before a single picture lie only zero frames, so
of every kernel in time just the last slice meets data, and the network is exactly a 2-D one with
these slices for weights (Qwen-Image, arXiv:2508.02324; Wan, arXiv:2503.20314).

Dimension key:
    B batch    C image channels    H, W pixels    Z latent channels    h, w latents
    P image channels of a patch    M = 2 Z moments
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.device import native_bf16
from danqing.core.errors import RequestError
from danqing.models.vae.blocks import Conv, Downsample, Head, Level, Linear, Middle, ResBlock
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.strips import run

CACHE_BYTES = 8 << 20
"""A strip of a picture on a CPU: it stays in the cache from layer to layer."""

ACCELERATOR_BYTES = 256 << 20
"""A strip of a picture elsewhere: it keeps the device busy."""


class Posterior(NamedTuple):
    """The Gaussian that the encoder sees behind an image, in raw latent space."""

    mean: Float[Tensor, "B Z h w"]
    logvar: Float[Tensor, "B Z h w"]

    def mode(self) -> Float[Tensor, "B Z h w"]:
        """Return the most probable latents; editing and layering use these."""
        return self.mean

    def sample(self, generator: torch.Generator | None = None) -> Float[Tensor, "B Z h w"]:
        """Draw latents; image-to-image and inpainting use these.

        Noise is drawn in the dtype of the mean, on the generator's device, as the reference does.
        """
        device = self.mean.device if generator is None else generator.device
        noise = torch.randn(
            self.mean.shape, generator=generator, device=device, dtype=self.mean.dtype
        )
        return self.at(noise)

    def at(self, noise: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B Z h w"]:
        """Return the latents that are so many standard deviations away from the mean."""
        return self.mean + torch.exp(0.5 * self.logvar) * noise.to(self.mean.device)


class Encoder(nn.Module):
    """Image to the two moments of its latents."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        width, moments = config.widths[-1], 2 * config.latent_channels
        self.conv_in = Conv(config.patch_channels, config.base)
        self.down = nn.ModuleList(_way_down(config))
        self.middle = Middle(width)
        self.head = Head(width, moments)
        self.quant = Linear(moments, moments)

    def forward(
        self, x: Float[Tensor, "B H W P"], strip_bytes: int | None = None
    ) -> Float[Tensor, "B h w M"]:
        """Return mean and log-variance, one after the other along the channels."""
        x = run([self.conv_in, *self.down], x, strip_bytes)
        return self.quant(self.head(self.middle(x)))


class Decoder(nn.Module):
    """Latents to image."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        widths = config.widths[::-1]
        last = len(widths) - 1
        self.quant = Linear(config.latent_channels, config.latent_channels)
        self.conv_in = Conv(config.latent_channels, widths[0])
        self.middle = Middle(widths[0])
        self.levels = nn.ModuleList(
            Level(
                widths[i - 1] // 2 if i else widths[0],
                width,
                config.res_blocks + 1,
                upsample=i < last,
            )
            for i, width in enumerate(widths)
        )
        self.head = Head(widths[-1], config.patch_channels)

    def forward(
        self, latents: Float[Tensor, "B h w Z"], strip_bytes: int | None = None
    ) -> Float[Tensor, "B H W P"]:
        """Return the image, its patches still folded into channels."""
        x = self.middle(self.conv_in(self.quant(latents)))
        return run([*self.levels, self.head], x, strip_bytes)


class VAE(nn.Module):
    """Encode an image into latents and decode latents into an image.

    Raw latents are what the encoder gives and the decoder takes; in model space, where the
    denoising network lives, each of their channels is normalized.

    Without gradients a large picture goes through in strips (`strips.py`): the same numbers in
    little memory. Only the few layers at latent resolution hold the whole of it.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def factor(self) -> int:
        """Pixels per latent, along each side."""
        return self.config.factor

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.conv_in.weight.device

    def encode(
        self, image: Float[Tensor, "B C H W"], *, strip_bytes: int | None = None
    ) -> Posterior:
        """Return the Gaussian behind an image.

        Args:
            image: Pixels in [-1, 1]; the sides must be multiples of `factor`.
            strip_bytes: Bytes of a strip without gradients; None: what suits the device.

        Raises:
            RequestError: a side is not a multiple of `factor`.
        """
        height, width = image.shape[-2:]
        if height % self.factor or width % self.factor:
            near = [-(-side // self.factor) * self.factor for side in (width, height)]
            raise RequestError(
                f"image sides must be multiples of {self.factor}, "
                f"got {width} x {height}; pad it to {near[0]} x {near[1]}."
            )
        p = self.config.patch
        x = rearrange(image.to(self._compute), "b c (h p) (w q) -> b h w (c p q)", p=p, q=p)
        moments = self.encoder(x.contiguous(), self._strip_bytes(strip_bytes)).to(self._dtype)
        mean, logvar = rearrange(moments, "b h w (two z) -> two b z h w", two=2)
        return Posterior(mean, logvar.clamp(-30.0, 20.0))

    def decode(
        self, latents: Float[Tensor, "B Z h w"], *, strip_bytes: int | None = None
    ) -> Float[Tensor, "B C H W"]:
        """Return the image of raw latents, clamped to [-1, 1].

        Gradients pass the clamp as if it were not there: a pixel that is too bright still learns
        to be darker.

        Args:
            latents: Raw latents; see `denormalize`.
            strip_bytes: Bytes of a strip without gradients; None: what suits the device.
        """
        p = self.config.patch
        x = rearrange(latents.to(self._compute), "b z h w -> b h w z").contiguous()
        x = self.decoder(x, self._strip_bytes(strip_bytes)).to(self._dtype)
        image = rearrange(x, "b h w (c p q) -> b c (h p) (w q)", p=p, q=p)
        if not image.requires_grad:
            return image.clamp(-1.0, 1.0)
        return image + (image.clamp(-1.0, 1.0) - image).detach()

    def normalize(self, raw: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B Z h w"]:
        """Return raw latents in model space."""
        mean, std = self._statistics(raw)
        return (raw - mean) / std

    def denormalize(self, normalized: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B Z h w"]:
        """Return latents of model space in raw space."""
        mean, std = self._statistics(normalized)
        return normalized * std + mean

    def _statistics(self, like: Tensor) -> Iterator[Tensor]:
        for values in (self.config.latents_mean, self.config.latents_std):
            yield torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]

    @property
    def _dtype(self) -> torch.dtype:
        return self.encoder.conv_in.weight.dtype

    @property
    def _compute(self) -> torch.dtype:
        """The dtype of activations: that of the weights, unless it is slower and less exact.

        Where bfloat16 is emulated every convolution converts to float32 and back; it is then
        better to stay there from the door to the door.
        """
        slow = self._dtype == torch.bfloat16 and not native_bf16(self.device)
        return torch.float32 if slow else self._dtype

    def _strip_bytes(self, wanted: int | None) -> int | None:
        if torch.is_grad_enabled():
            return None
        return wanted or (CACHE_BYTES if self.device.type == "cpu" else ACCELERATOR_BYTES)


def _way_down(config: VAEConfig) -> Iterator[nn.Module]:
    """Yield the encoder's layers from full resolution to that of the latents, in one line."""
    inputs = config.base
    for i, width in enumerate(config.widths):
        if i:
            yield Downsample(inputs)
        for _ in range(config.res_blocks):
            yield ResBlock(inputs, width)
            inputs = width
