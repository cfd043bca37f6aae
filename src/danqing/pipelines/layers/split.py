"""A picture to the layers it is made of, bottom to top (Qwen-Image-Layered, arXiv 2512.15603).

The network denoises the picture and its layers as the frames of one grid, and looks at the
picture as it was given, which is frame -1. Frame 0, the picture again, is let go; every layer is
decoded alone, with its alpha.

Layers are made at about the area the network was trained on and come back at the picture's own
size, never shifted nor stretched (`frame.py`).

Dimension key:
    B batch    F frames: the picture and its layers    I tokens of a frame    D channels of a token
    C latent channels    h w latent height and width
"""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.download import LAYERING
from danqing.core.errors import CheckpointError, RequestError
from danqing.flow.noise import draw
from danqing.flow.samplers import Watch, ignore
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.frame import Frame, exact
from danqing.pipelines.job import Job, walk
from danqing.pipelines.latents import Size, pack, unpack
from danqing.pipelines.model import Model, to_image, to_pixels
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.record import Record
from danqing.pipelines.request import Request

MOST_LAYERS = 20
"""Layers at most; the network was trained on fewer."""


class Split(NamedTuple):
    """What a picture was taken apart into."""

    images: list[list[Image.Image]]
    """The layers, RGBA, from the bottom to the top, for each seed."""
    tokens: Float[Tensor, "B F*I D"]
    """All frames, denoised, as packed normalized latents, float32."""
    record: Record
    """What made them, of the first seed."""


@torch.no_grad()
def split(
    pipeline: Pipeline,
    picture: Image.Image,
    request: Request,
    *,
    count: int,
    side: int | None = None,
    watch: Watch = ignore,
) -> Split:
    """Take a picture apart; the same request gives the same bits on the same machine.

    Args:
        pipeline: A model that takes pictures apart.
        picture: RGB or RGBA, of any size.
        request: Its prompt says what the picture shows, hidden parts too; its size is left open.
        count: How many layers.
        side: Side of the square whose area layers are made at; None: the model's best.
        watch: Sees every sampling step, on the packed tokens of all frames.

    Raises:
        CheckpointError: the model does not take pictures apart, or gave something other than
            numbers.
        RequestError: a setting is not possible.
    """
    check(pipeline)
    if request.size is not None:
        raise RequestError("size must be left open, got one; layers have that of their picture.")
    check_count(count)
    frame = frame_of(picture.size, known_side(side, pipeline), pipeline.multiple)
    plan = pipeline.plan(replace(request, size=picture.size))
    job = layers(pipeline, plan, picture, frame, count)
    tokens = walk(pipeline, plan, job, watch)
    kept = range(plan.batch) if request.index is None else [request.index]
    frames = rearrange(tokens[list(kept)], "b (f i) d -> b f i d", f=count + 1)[:, 1:]
    images = [[job.finish(one[None]) for one in sample] for sample in frames]
    return Split(images, tokens[list(kept)], plan)


def layers(model: Model, plan: Record, picture: Image.Image, frame: Frame, count: int) -> Job:
    """Return what is to be denoised for the layers of a picture in its frame."""
    patch, factor = model.mmdit.config.patch, model.vae.factor
    width, height = (side // factor for side in frame.shown)
    grid = Grid(count + 1, height // patch, width // patch)
    channels = model.vae.config.latent_channels
    noise = draw(plan.batch, grid.frames * channels, height, width, plan.seed)
    frames = pack(rearrange(noise, "b (f c) h w -> (b f) c h w", f=grid.frames), patch)

    def finish(tokens: Float[Tensor, "1 I D"]) -> Image.Image:
        return frame.take(to_image(model.decode(unpack(tokens, height, width, patch))))

    given = pack(model.encode(to_pixels(frame.place(picture.convert("RGBA")))), patch)
    return Job(
        texts=model.read(plan.texts, plan.batch),
        grid=grid,
        x=rearrange(frames, "(b f) i d -> b (f i) d", f=grid.frames).to(model.device),
        sigmas=model.sigmas(plan, given.shape[1]),
        finish=finish,
        sources=given,
        source_grids=[grid._replace(frames=1)],
    )


def frame_of(size: Size, side: int, multiple: int) -> Frame:
    """Return how a picture lies on the grid of tokens, at about the area of a square.

    Args:
        size: Width and height of the picture.
        side: Side of the square, in pixels.
        multiple: Pixels along one side of a token.
    """
    return exact([size], None, (side**2, side**2), multiple).target


def known_side(side: int | None, model: Model) -> int:
    """Return the side of the square whose area layers are made at; None is the model's best.

    Raises:
        RequestError: the model was not trained on this area.
    """
    known = [math.isqrt(width * height) for width, height in model.defaults.sizes]
    if side not in (None, *known):
        sides = " or ".join(map(str, known))
        raise RequestError(f"side must be {sides} with this model, got {side}; try {known[0]}.")
    return side or known[0]


def check_count(count: int) -> None:
    """See that a picture can be taken apart into so many layers.

    Raises:
        RequestError: it cannot.
    """
    if not 1 <= count <= MOST_LAYERS:
        raise RequestError(f"count must be from 1 to {MOST_LAYERS}, got {count}; try 4.")


def check(model: Model) -> None:
    """See that a model takes pictures apart.

    Raises:
        CheckpointError: it does not.
    """
    if not (model.mmdit.config.layered and model.vae.config.image_channels == 4):
        raise CheckpointError(
            f"model must take pictures apart, got {model.identity.name}; choose {LAYERING}."
        )
