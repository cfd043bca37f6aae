"""Painting with a model that is being trained.

Dimension key:
    B batch    C latent channels    h w latent height and width
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.seed import derive, generator
from danqing.flow.noise import draw
from danqing.flow.schedule import Schedule, from_published
from danqing.flow.sde import Hop, kernels, walk
from danqing.models.checkpoint import read_config
from danqing.models.vae.model import VAE
from danqing.pipelines.model import to_image
from danqing.training.encode import finished
from danqing.training.policy import Model, guided


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Which steps of a walk are stochastic, and how."""

    kernel: str = "cps"
    """Makes a step stochastic: `cps` or `flow_sde`."""
    level: float = 0.7
    """How much noise."""
    window: int | None = None
    """How many steps in a row are stochastic and learned from, the others being certain (MixGRPO,
    arXiv 2507.21802); None: all but the last."""
    dwell: int = 25
    """Batches after which the window slides on by a step; at the end it starts again."""
    one_start: bool = False
    """Whether pictures of a prompt begin as the same noise, so that stochastic steps alone tell
    them apart (DanceGRPO, arXiv 2505.07818)."""

    def __post_init__(self) -> None:
        kernels[self.kernel]
        for name, value in (("level", self.level), ("window", self.window), ("dwell", self.dwell)):
            if value is not None and value <= 0:
                raise RecipeError(f"{name} must be above 0, got {value}; raise it.")

    def steps(self, batch: int, total: int) -> range:
        """Return the numbers of the stochastic steps of a batch; the last step never is one.

        Noise of the last step would stay in the picture.
        """
        width = min(self.window or total, total - 1)
        start = batch // self.dwell % (total - width)
        return range(start, start + width)


@dataclass(frozen=True, kw_only=True)
class Painter:
    """Everything but the model that decides pictures.

    Attributes:
        vae: Decodes them.
        schedule: Gives the noise levels.
        size: Width and height in pixels, multiples of what a token covers.
        steps: Sampling steps.
        guidance: Its scale; 1 is none.
    """

    vae: VAE
    schedule: Schedule
    size: tuple[int, int]
    steps: int
    guidance: float

    @classmethod
    def load(
        cls,
        model: Path,
        size: tuple[int, int],
        steps: int,
        guidance: float,
        schedule: Schedule | None = None,
    ) -> "Painter":
        """Return the painter of a model's folder; None: with the schedule there."""
        vae = finished(model)
        latents_shape(vae, size)
        if schedule is None:
            schedule = from_published(read_config(model / "scheduler", "scheduler_config.json"))
        return cls(vae=vae, schedule=schedule, size=size, steps=steps, guidance=guidance)

    @torch.no_grad()
    def paint(
        self,
        model: Model,
        captions: Sequence[str],
        seed: int,
        noise: Noise | None = None,
        batch: int = 0,
        alike: int = 1,
    ) -> tuple[Float[Tensor, "B C h w"], list[Hop]]:
        """Return latents of pictures and the stochastic steps on the way to them.

        Args:
            model: What paints.
            captions: One for each picture.
            seed: Decides all noise; picture k starts from that of seed + k // alike.
            noise: Makes steps stochastic; None: the Euler steps of the flow.
            batch: The batch's number, for the window of stochastic steps.
            alike: How many pictures in a row start from the same noise.
        """
        channels, height, width = latents_shape(self.vae, self.size)
        starts = draw(len(captions) // alike, channels, height, width, seed)
        x = starts.repeat_interleave(alike, dim=0)
        sigmas = self.schedule(self.steps, height * width // 4)
        follow = guided(model, self.guidance)

        def velocity(x: Float[Tensor, "B C h w"], sigma: float) -> Float[Tensor, "B C h w"]:
            return follow(x, captions, torch.full((len(x),), sigma))

        window = noise.steps(batch, self.steps) if noise else range(0)
        noise, steps = noise or Noise(), generator(derive(seed, "steps"))
        return walk(velocity, x, sigmas, kernels[noise.kernel], noise.level, window, steps)

    @torch.no_grad()
    def show(self, latents: Float[Tensor, "B C h w"]) -> list[Image.Image]:
        """Return latents as pictures to look at."""
        raw = self.vae.denormalize(latents.to(self.vae.device))
        return [to_image(self.vae.decode(raw[k : k + 1])) for k in range(len(raw))]


def latents_shape(vae: VAE, size: tuple[int, int]) -> tuple[int, int, int]:
    """Return channels, height and width of the latents of pictures of a width and height.

    Raises:
        RecipeError: tokens do not cover the size exactly.
    """
    width, height = size
    if width % (2 * vae.factor) or height % (2 * vae.factor):
        raise RecipeError(
            f"size must be multiples of {2 * vae.factor}, got {width}x{height}; change it."
        )
    return vae.config.latent_channels, height // vae.factor, width // vae.factor
