"""Prompt to picture: from noise, on a canvas of the size that was asked for.

Dimension key:
    B batch    I image tokens    D channels of a token    H W pixels    E text channels
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.flow.noise import draw
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.job import Job
from danqing.pipelines.latents import Canvas, Size, pack, unpack
from danqing.pipelines.model import Model, to_image
from danqing.pipelines.record import Record


def text_to_image(model: Model, plan: Record) -> Job:
    """Return what is to be denoised for a prompt alone."""
    canvas = Canvas.around(plan.size, model.multiple)
    return from_noise(
        model,
        plan,
        (canvas.outer_width, canvas.outer_height),
        model.read(plan.texts, plan.batch),
        lambda image: to_image(canvas.crop(image)),
    )


def from_noise(
    model: Model,
    plan: Record,
    shown: Size,
    texts: Sequence[Float[Tensor, "B _ E"]],
    take: Callable[[Float[Tensor, "1 3 H W"]], Image.Image],
) -> Job:
    """Return what is to be denoised where there is nothing but noise.

    Args:
        model: The model.
        plan: What decides the picture.
        shown: Width and height of the canvas in pixels, whole tokens.
        texts: What was read of the prompt and its negative.
        take: Makes the picture of a canvas in [-1, 1].
    """
    patch, factor = model.mmdit.config.patch, model.vae.factor
    width, height = (side // factor for side in shown)
    grid = Grid(1, height // patch, width // patch)
    noise = draw(plan.batch, model.vae.config.latent_channels, height, width, plan.seed)

    def finish(tokens: Float[Tensor, "1 I D"]) -> Image.Image:
        return take(model.decode(unpack(tokens, height, width, patch)))

    return Job(
        texts=texts,
        grid=grid,
        x=pack(noise, patch).to(model.device),
        sigmas=model.sigmas(plan, grid.tokens),
        finish=finish,
    )
