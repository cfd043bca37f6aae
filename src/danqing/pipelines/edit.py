"""Pictures and an instruction to a picture: Qwen-Image-Edit, its later versions, and our own.

Every source is looked at twice. The conditioner reads it along with the instruction and says what
it means; the VAE says what it looks like, and the transformer reads these latents beside those
that are denoised, free of noise (Qwen-Image technical report, arXiv 2508.02324, section 4;
`QwenImageEditPipeline` and `QwenImageEditPlusPipeline` of diffusers). Guidance leads away from the
negative prompt with the same sources.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL.Image import Image, Resampling

from danqing.core.download import EDITING
from danqing.core.errors import RequestError
from danqing.core.pictures import fingerprint, rgb
from danqing.models.conditioner.template import Template
from danqing.models.conditioner.vision import fit
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.frame import Frame, Framing, sizings
from danqing.pipelines.job import Job
from danqing.pipelines.latents import pack, parse_size
from danqing.pipelines.model import Model, to_image, to_pixels
from danqing.pipelines.record import Record, Source
from danqing.pipelines.request import Defaults, Request
from danqing.pipelines.text_to_image import from_noise


def framing(request: Request, usual: Defaults, multiple: int) -> Framing:
    """Return how the sources of a request, and what is made of them, lie on the grid of tokens.

    Args:
        request: What is asked for.
        usual: The model's defaults.
        multiple: Pixels along one side of a token.

    Raises:
        RequestError: the size is not possible.
    """
    size = None if request.size is None else parse_size(request.size, usual.sizes, multiple)
    sizes = [source.size for source in request.sources]
    return sizings[request.sizing](sizes, size, usual.area, multiple)


def framed(plan: Record, request: Request, usual: Defaults, multiple: int) -> Record:
    """Return the plan of an edit: one that says what it is made of; arguments as in `framing`."""
    target, frames = framing(request, usual, multiple)
    marks = (fingerprint(source) for source in request.sources)
    sources = (Source(sha256=m, frame=f) for m, f in zip(marks, frames, strict=True))
    return replace(
        plan, size=target.size, sizing=request.sizing, frame=target, sources=tuple(sources)
    )


def require_eyes(name: str, template: Template) -> None:
    """Refuse sources for a model whose conditioner is told nothing of pictures.

    Raises:
        RequestError: it looks at none.
    """
    if template.picture is None:
        raise RequestError(
            f"model must be one that looks at pictures, got {name}; choose {', '.join(EDITING)}."
        )


def edit(model: Model, plan: Record, sources: Sequence[Image]) -> Job:
    """Return what is to be denoised beside sources.

    Raises:
        RequestError: the model looks at no pictures, or at another number of them.
    """
    template = model.conditioner.writer.template
    require_eyes(model.identity.name, template)
    target, patch = plan.frame, model.mmdit.config.patch
    assert target is not None, "the plan of an edit has a frame"
    framed = [(own.frame, rgb(image)) for own, image in zip(plan.sources, sources, strict=True)]
    texts = model.read(plan.texts, plan.batch, [_seen(*one, template.area) for one in framed])
    latents = [model.encode(to_pixels(frame.place(image))) for frame, image in framed]
    job = from_noise(model, plan, target.shown, texts, lambda image: target.take(to_image(image)))
    return replace(
        job,
        sources=torch.cat([pack(one, patch) for one in latents], dim=1),
        source_grids=[Grid(1, *(side // patch for side in one.shape[-2:])) for one in latents],
    )


def _seen(frame: Frame, image: Image, area: int | None) -> Image:
    """Return a source as the conditioner is shown it: with its margin, as the VAE is."""
    padded = frame.pad(image)
    return padded if area is None else padded.resize(fit(area, *padded.size), Resampling.LANCZOS)
