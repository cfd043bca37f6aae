"""A pipeline as the harness wants it: prompts and seeds in, pictures out.

Dimension key:
    H, W  picture in pixels
"""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import torch
from einops import rearrange
from PIL import Image

from danqing.models.vae.model import VAE
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Request


def painter(
    pipeline: Pipeline,
    *,
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    sources: tuple[Image.Image, ...] = (),
) -> Callable[[Sequence[str], Sequence[int]], list[Image.Image]]:
    """Return a function that paints prompts with seeds.

    Pictures of one prompt whose seeds follow each other are painted together.

    Args:
        pipeline: The model.
        size: As in a request; None: the model's.
        steps: Sampling steps; None: the model's.
        guidance: Scale of guidance; None: the model's.
        sources: Pictures to be changed; what is painted has the size of the first, unless `size`
            says another.
    """

    def paint(prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        images: list[Image.Image] = []
        jobs = enumerate(zip(prompts, seeds, strict=True))
        for _, series in groupby(jobs, key=lambda job: (job[1][0], job[1][1] - job[0])):
            together = [job for _, job in series]
            (prompt, seed), batch = together[0], len(together)
            request = Request(
                prompt,
                sources=sources,
                seed=seed,
                batch=batch,
                size=size,
                steps=steps,
                guidance=guidance,
            )
            images += [picture.image for picture in pipeline.paint(request).pictures]
        return images

    return paint


def round_trip(vae: VAE) -> Callable[[Image.Image], Image.Image]:
    """Return a function that gives a picture as the VAE keeps it."""

    @torch.no_grad()
    def through(image: Image.Image) -> Image.Image:
        weight = next(vae.parameters())
        pixels = torch.from_numpy(np.asarray(image.convert("RGB")).copy()).to(weight.device)
        batch = rearrange(pixels, "h w c -> 1 c h w").to(weight.dtype) / 127.5 - 1
        kept = vae.decode(vae.encode(batch).mode()).float()
        kept = (kept / 2 + 0.5).mul(255).round().clamp(0, 255).to(torch.uint8)
        return Image.fromarray(rearrange(kept, "1 c h w -> h w c").cpu().numpy())

    return through
