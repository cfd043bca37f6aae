"""Paint over a picture: any job may begin from one, and keep what a mask keeps.

Image to image is a beginning without a mask, inpainting one with it, and outpainting is
inpainting on a larger canvas. What else a job looks at, such as the sources of an edit, stays.

Dimension key:
    B batch    I image tokens    D channels of a token    h w latents
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.log import logger
from danqing.core.pictures import fingerprint, rgb
from danqing.core.seed import generator
from danqing.flow import path
from danqing.flow.known import Held, first_step, release
from danqing.flow.noise import draw
from danqing.flow.samplers import Velocity
from danqing.pipelines.frame import Frame
from danqing.pipelines.job import Job
from danqing.pipelines.latents import pack
from danqing.pipelines.mask import FEATHER, cover, lay_over, parse_mask
from danqing.pipelines.model import Model, to_pixels
from danqing.pipelines.record import Record, Under
from danqing.pipelines.request import Defaults, Request
from danqing.pipelines.window import Window

_log = logger(__name__)

Task = Callable[[Record], Job]
"""What makes a job of a plan, at the plan's size, which is one of whole tokens."""


class Ends(NamedTuple):
    """Both ends of the path of a known picture."""

    x0: Float[Tensor, "B I D"]
    """Its tokens, drawn from the VAE's posterior."""
    noise: Float[Tensor, "B I D"]
    """The noise that it is hidden by."""


def begin(
    job: Job,
    ends: Ends,
    strength: float = 1.0,
    mask: Float[Tensor, "1 I D"] | None = None,
) -> Job:
    """Return a job that begins from a known picture.

    Args:
        job: Any job.
        ends: The path of the picture, on the tokens of the job.
        strength: Share of the job's steps that are walked.
        mask: The strength of each place, at most; None: all are as free.
    """
    start = int(first_step(len(job.sigmas) - 1, torch.tensor(strength, dtype=torch.float64)))
    begun = replace(
        job, sigmas=job.sigmas[start:], x=path.mix(ends.x0, ends.noise, job.sigmas[start])
    )
    if mask is None:
        return begun
    known = path.velocity(ends.x0, ends.noise)
    levels = release(job.sigmas, mask).to(known.device)

    def held(velocity: Velocity) -> Velocity:
        return Held(job.held(velocity), known, levels)

    return replace(begun, held=held)


def window_of(request: Request, usual: Defaults, multiple: int) -> Window:
    """Return the part of the picture of a request that is worked on.

    Args:
        request: What is asked for; it has a picture to paint over.
        usual: The model's defaults.
        multiple: Pixels along one side of a token.
    """
    assert request.over is not None
    if request.mask is None or request.crop is None:
        return Window.whole(request.over.size, usual.area, multiple)
    mask = parse_mask(request.mask, request.over.size)
    area = math.prod(usual.sizes[0]), usual.area[1]
    return Window.around(mask, request.crop, area, usual.aspect, multiple)


def placed(plan: Record, request: Request, usual: Defaults, multiple: int) -> Record:
    """Return the plan of a picture that is painted over another; arguments as in `window_of`."""
    assert request.over is not None
    under = Under(
        sha256=fingerprint(request.over),
        mask=None if request.mask is None else fingerprint(request.mask),
        strength=request.strength,
        feather=request.feather,
        crop=request.crop,
    )
    frame = window_of(request, usual, multiple).frame
    return replace(plan, size=request.over.size, frame=frame, under=under)


def paint_over(model: Model, request: Request, plan: Record, task: Task) -> Job:
    """Return a task's job, begun from the picture of a request, and laid over it in the end."""
    assert request.over is not None
    image = rgb(request.over)
    window = window_of(request, model.defaults, model.multiple)
    shown = window.frame.shown
    job = task(replace(plan, size=shown, frame=Frame(size=shown, padded=shown, shown=shown)))
    ends = encode(model, window.take(image), plan)
    strength = 1.0 if request.strength is None else request.strength
    if request.mask is None:
        return replace(
            begin(job, ends, strength),
            finish=lambda tokens: window.put(job.finish(tokens), image),
        )

    mask = parse_mask(request.mask, image.size)
    if mask.min() == 1:
        _log.warning("the mask is white everywhere, so nothing of the picture is kept")
    seen = cover(mask, FEATHER if request.feather is None else request.feather)

    def finish(tokens: Float[Tensor, "1 I D"]) -> Image.Image:
        return lay_over(image, window.put(job.finish(tokens), image), seen)

    free = window.on_latents(mask, model.vae.factor)
    return replace(begin(job, ends, strength, on_tokens(model, free)), finish=finish)


def encode(model: Model, image: Image.Image, plan: Record) -> Ends:
    """Return the path of a picture of whole tokens.

    Each picture of a batch draws latents, then noise, by the generator of its seed, in the order
    of the published pipeline.
    """
    posterior = model.posterior(to_pixels(image))
    _, channels, height, width = posterior.mean.shape
    latents: list[Tensor] = []
    noise: list[Tensor] = []
    for k in range(plan.batch):
        draws = generator(plan.seed + k)
        latents.append(model.vae.normalize(posterior.sample(draws)).float())
        noise.append(draw(1, channels, height, width, draws))
    patch = model.mmdit.config.patch
    x0, hidden = (pack(torch.cat(end), patch).to(model.device) for end in (latents, noise))
    return Ends(x0, hidden)


def on_tokens(model: Model, latents: Float[Tensor, "1 1 h w"]) -> Float[Tensor, "1 I D"]:
    """Return a mask of latents, one for all of their channels, on tokens."""
    channels = model.vae.config.latent_channels
    return pack(latents.expand(-1, channels, -1, -1), model.mmdit.config.patch)
