"""Control pictures become tokens, and tokens become what is added inside the transformer.

Any job may be led. What trunks add is made of the prompt alone and used for the negative prompt
too, as the reference does; what stands beside blocks sees each branch on its own.

Dimension key:
    B batch    I tokens of the target    D channels of a token    E text channels
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import RequestError
from danqing.core.seed import derive
from danqing.flow.noise import draw
from danqing.models.control import Adds, ControlNetwork
from danqing.models.mmdit.rope import Grid
from danqing.models.mmdit.trunk import After, Branch, untouched
from danqing.pipelines.control import Control
from danqing.pipelines.job import Job
from danqing.pipelines.latents import Canvas, Size, pack, same_ratio
from danqing.pipelines.model import Model, to_pixels
from danqing.pipelines.record import Record


def lead(model: Model, plan: Record, controls: Sequence[Control], job: Job) -> Job:
    """Return a job that is led by pictures as well.

    Raises:
        RequestError: a network was not loaded, or a picture has another ratio, lacks its mask or
            has one that nobody reads.
    """
    if not controls:
        return job
    leads = [
        Lead(
            network := model.leader(control.network).network,
            _tokens(model, network, plan, control, number),
            control.scale,
            _active(job.sigmas, control.interval),
        )
        for number, control in enumerate(controls)
    ]
    tokens = {one.tokens.shape[1] for one in leads}
    assert tokens == {job.grid.tokens}, f"controls of {tokens} tokens for {job.grid.tokens}"
    return replace(job, leads=Leading(leads, job.grid, job.texts[0], model.mmdit.config.depth))


@dataclass(frozen=True, slots=True)
class Lead:
    """A control network with its picture."""

    network: ControlNetwork
    tokens: Float[Tensor, "#B I _"]
    scale: float
    sigmas: tuple[float, float] | None
    """Lowest and highest sigma at which it leads; None: nowhere."""

    def at(self, sigma: float) -> bool:
        """Return whether it leads at a noise level."""
        return self.sigmas is not None and self.sigmas[0] <= sigma <= self.sigmas[1]


@dataclass(frozen=True, slots=True)
class Leading:
    """All that is added, by all networks."""

    leads: Sequence[Lead]
    grid: Grid
    text: Float[Tensor, "B _ E"]
    """What was read of the prompt."""
    depth: int
    """Blocks of the transformer."""

    def __call__(self, x: Float[Tensor, "B I D"], sigma: float) -> After:
        """Return what changes the image stream at a state and its noise level."""
        branch = Branch(x, self.text, [[self.grid]])
        added = [
            (one.scale, one.network.lead(one.tokens, branch, sigma, self.depth))
            for one in self.leads
            if one.at(sigma)
        ]
        if not added:
            return untouched

        def after(number: int, images: Sequence[Tensor]) -> Sequence[Tensor]:
            return [self._led(image, number, added) for image in images]

        return after

    def _led(self, image: Tensor, number: int, added: Sequence[tuple[float, Adds]]) -> Tensor:
        target = image[:, : self.grid.tokens]
        more = sum((s * adds(number, target) for s, adds in added), image.new_zeros(()))
        # Sources follow the target and are not led.
        return image + F.pad(more, (0, 0, 0, image.shape[1] - target.shape[1]))


def _active(sigmas: Sequence[float], interval: tuple[float, float]) -> tuple[float, float] | None:
    steps = len(sigmas) - 1
    start, end = interval
    held = [
        sigma
        for step, sigma in enumerate(sigmas[:-1])
        if start <= step / steps and (step + 1) / steps <= end
    ]
    return (held[-1], held[0]) if held else None


def _tokens(
    model: Model, network: ControlNetwork, plan: Record, control: Control, number: int
) -> Float[Tensor, "_ I _"]:
    """Return what a network reads of its picture: latents, and the mask where it reads one."""
    size = plan.frame.shown if plan.frame else plan.size
    canvas = Canvas.around(size, model.multiple)
    pixels = canvas.pad(to_pixels(_scaled(control.picture.convert("RGB"), size)))
    mask = None
    if control.mask is not None:
        grey = control.mask.convert("L").convert("RGB")
        mask = canvas.pad(to_pixels(_scaled(grey, size)))[:, :1] >= 0
        pixels = torch.where(mask, -1.0, pixels)
    if (mask is None) == network.masked:
        raise RequestError(
            f"mask must be given for {control.network}, got none; add +MASK to its picture."
            if mask is None
            else f"mask must be left out for {control.network}, which reads none."
        )
    posterior = model.posterior(pixels)
    raw = posterior.mode()
    if network.sampled:
        _, channels, height, width = raw.shape
        seeds = [derive(plan.seed + k, "control", number) for k in range(plan.batch)]
        raw = posterior.at(torch.cat([draw(1, channels, height, width, s) for s in seeds]))
    latents = model.vae.normalize(raw)
    if mask is not None:
        factor = model.vae.factor
        kept = ~mask[..., ::factor, ::factor].to(latents.device)
        latents = torch.cat((latents, kept.to(latents.dtype).expand(len(latents), -1, -1, -1)), 1)
    return pack(latents, model.mmdit.config.patch).to(model.device, model.dtype)


def _scaled(picture: Image.Image, size: Size) -> Image.Image:
    """Return a picture at a size of its own ratio."""
    if picture.size == size:
        return picture
    (width, height), (wide, high) = size, picture.size
    if not same_ratio(picture.size, size):
        better = f"{width}x{max(1, round(width * high / wide))}"
        raise RequestError(
            f"control picture must have the ratio of the picture, {width}x{height}, got "
            f"{wide}x{high}; crop it, or ask for {better}."
        )
    return picture.resize(size, Image.Resampling.LANCZOS)
