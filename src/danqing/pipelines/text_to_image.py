"""Prompt to picture: from noise, on a canvas of the size that was asked for.

Dimension key:
    I image tokens    D channels of a token
"""

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.flow.noise import draw
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.job import Job
from danqing.pipelines.latents import Canvas, pack, unpack
from danqing.pipelines.model import Model, to_image
from danqing.pipelines.record import Record


def text_to_image(model: Model, plan: Record) -> Job:
    """Return what is to be denoised for a prompt alone."""
    canvas = Canvas.around(plan.size, model.multiple)
    patch, factor = model.mmdit.config.patch, model.vae.factor
    height, width = canvas.outer_height // factor, canvas.outer_width // factor
    grid = Grid(1, height // patch, width // patch)
    noise = draw(plan.batch, model.vae.config.latent_channels, height, width, plan.seed)

    def finish(tokens: Float[Tensor, "1 I D"]) -> Image.Image:
        return to_image(canvas.crop(model.decode(unpack(tokens, height, width, patch))))

    return Job(
        texts=model.read(plan.texts, plan.batch),
        grid=grid,
        x=pack(noise, patch).to(model.device),
        sigmas=model.sigmas(plan, grid.tokens),
        finish=finish,
    )
