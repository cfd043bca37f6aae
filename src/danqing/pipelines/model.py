"""A model at hand: three networks, a schedule, and what it does best.

Dimension key:
    B batch    C latent channels    h w latent height and width    E text channels
    P channels of a pixel, RGB or RGBA    H W pixels
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import CheckpointError, RequestError
from danqing.flow.schedule import ConstantShift, Schedule
from danqing.models.conditioner.model import Conditioner
from danqing.models.control import ControlNetwork
from danqing.models.mmdit.model import MMDiT
from danqing.models.vae.model import VAE, Posterior
from danqing.pipelines.reading import Reader
from danqing.pipelines.record import Record
from danqing.pipelines.request import Defaults
from danqing.pipelines.steering import Steerer


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Which model this is, for the records of its pictures."""

    name: str = "unnamed"
    """What it is called."""
    weights: str = "unknown"
    """Fingerprint of its weights, LoRAs included."""
    loras: tuple[str, ...] = ()
    """LoRAs that were added to it, as `FILE:STRENGTH`."""


class Leader(NamedTuple):
    """A network that leads by control pictures, and which one it is."""

    network: ControlNetwork
    weights: str
    """Fingerprint of its weights."""


class Model:
    """Networks that fit each other, and what is known of them.

    Attributes:
        leaders: Control networks that were loaded for it, by what requests call them.

    Raises:
        CheckpointError: the networks do not fit each other.
    """

    def __init__(
        self,
        mmdit: MMDiT,
        vae: VAE,
        conditioner: Conditioner,
        schedule: Schedule,
        defaults: Defaults | None = None,
        identity: Identity | None = None,
    ) -> None:
        self.mmdit = mmdit
        self.vae = vae
        self.conditioner = conditioner
        self.schedule = schedule
        self.defaults = defaults or Defaults()
        self.identity = identity or Identity()
        self.reader = Reader(conditioner, self.identity.weights)
        self.steerer = Steerer(mmdit, self.identity.weights)
        self.leaders: dict[str, Leader] = {}

        config = mmdit.config
        gives = vae.config.latent_channels * config.patch**2
        if config.in_channels != gives or config.out_channels != vae.config.latent_channels:
            raise CheckpointError(
                f"the transformer must take and give {gives} channels as the VAE does, got "
                f"{config.in_channels} and {config.out_channels * config.patch**2}; "
                "take both from one model."
            )

    @property
    def multiple(self) -> int:
        """Pixels along one side of a token."""
        return self.vae.factor * self.mmdit.config.patch

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the networks."""
        return self.mmdit.dtype

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.mmdit.device

    def sigmas(self, plan: Record, tokens: int) -> tuple[float, ...]:
        """Return the noise levels through which so many tokens come to be."""
        schedule = self.schedule if plan.shift is None else ConstantShift(shift=plan.shift)
        return schedule(plan.steps, tokens)

    def read(
        self, prompts: Sequence[str], batch: int, pictures: Sequence[Image.Image] = ()
    ) -> list[Float[Tensor, "B _ E"]]:
        """Return the text of each prompt, as it reads alone, for a batch of pictures.

        Args:
            prompts: What is asked for.
            batch: How many pictures are painted.
            pictures: What each prompt is about, in the size in which it is to be seen.
        """
        texts = self.reader(prompts, pictures)
        return [text.to(self.device, self.dtype).expand(batch, -1, -1) for text in texts]

    def leader(self, name: str) -> Leader:
        """Return a control network.

        Raises:
            RequestError: it was not loaded.
        """
        if name not in self.leaders:
            known = ", ".join(sorted(self.leaders)) or "none"
            raise RequestError(
                f"control network must be one that was loaded ({known}), got {name}; "
                "give the request to `load`, or add it with `load_leader`."
            )
        return self.leaders[name]

    def posterior(self, image: Float[Tensor, "1 P H W"]) -> Posterior:
        """Return the Gaussian, in raw latent space, behind pixels in [-1, 1]."""
        return self.vae.encode(image.to(next(self.vae.parameters())))

    def encode(self, image: Float[Tensor, "1 P H W"]) -> Float[Tensor, "1 C h w"]:
        """Return the most probable normalized latents of pixels in [-1, 1]."""
        return self.vae.normalize(self.posterior(image).mode())

    def decode(self, latents: Float[Tensor, "1 C h w"]) -> Float[Tensor, "1 P H W"]:
        """Return the pixels of normalized latents, in [-1, 1].

        Pictures that are decoded one by one keep memory and bits the same.
        """
        dtype = next(self.vae.parameters()).dtype
        return self.vae.decode(self.vae.denormalize(latents.to(dtype)))


def to_pixels(image: Image.Image) -> Float[Tensor, "1 P H W"]:
    """Return an RGB or RGBA picture in [-1, 1]."""
    pixels = torch.from_numpy(np.array(image))
    return rearrange(pixels, "h w c -> 1 c h w").float() / 255 * 2 - 1


def to_image(image: Float[Tensor, "1 P H W"]) -> Image.Image:
    """Return a picture in [-1, 1] as one to look at, RGB or RGBA."""
    pixels = (image.float() / 2 + 0.5).mul(255).round().to(torch.uint8)
    return Image.fromarray(rearrange(pixels, "1 c h w -> h w c").cpu().numpy())
