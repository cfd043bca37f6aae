"""What instructions bring along as a few tensors, for a batch that travels by file.

Latents go as float16, which is finer than bfloat16 and which unit-scaled ones never overflow. Of
pictures go the patches that a vision tower is given, so that who trains need not cut them.

Dimension key:
    C latent channels    h w latent height and width    P patches    D numbers in a patch
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from danqing.models.conditioner.vision import Patches, Picture, apart
from danqing.training.instruction import Instruction

Cut = Callable[[Sequence[Picture]], Patches]
"""Cuts pictures up."""


class Attached(NamedTuple):
    """What a caption brings: shapes of sources, how many pictures, whether changes are known."""

    sources: Sequence[tuple[int, int, int]]
    pictures: int
    changed: bool


def detach(
    captions: Sequence[str], cut: Cut | None, dtype: torch.dtype
) -> tuple[dict[str, Tensor], list[Attached | None]]:
    """Return what some captions bring, and how to give it back to each.

    Args:
        captions: Those that are no instructions bring nothing.
        cut: Cuts pictures for the conditioner; None: it is shown none.
        dtype: Of patches.
    """
    asked = [c if isinstance(c, Instruction) else None for c in captions]
    found = [one for one in asked if one is not None]
    told = [None if one is None else _told(one, cut is not None) for one in asked]
    tensors: dict[str, Tensor] = {}
    if sources := [s.to(torch.float16).flatten() for one in found for s in one.sources]:
        tensors["sources"] = torch.cat(sources)
    if changed := [one.changed for one in found if one.changed is not None]:
        tensors["changed"] = torch.stack(changed).to(torch.float16)
    pictures = [picture for one in found for picture in one.pictures]
    if cut is not None and pictures:
        patches = cut(pictures)
        tensors |= {"patches": patches.values.to(dtype), "grids": patches.grids}
    return tensors, told


def _told(one: Instruction, seen: bool) -> Attached:
    shapes = [(s.shape[0], s.shape[1], s.shape[2]) for s in one.sources]
    return Attached(shapes, len(one.pictures) if seen else 0, one.changed is not None)


def attach(
    captions: Sequence[str], told: Sequence[Attached | None], tensors: Mapping[str, Tensor]
) -> list[str]:
    """Return captions with what they brought; arguments as `detach` returned them."""
    shapes = [shape for one in told if one is not None for shape in one.sources]
    sizes = [c * h * w for c, h, w in shapes]
    flat = tensors["sources"].float().split(sizes) if sizes else ()
    sources = iter([part.view(shape) for part, shape in zip(flat, shapes, strict=True)])
    changed = iter(tensors["changed"].float() if "changed" in tensors else ())
    patches = Patches(tensors["patches"], tensors["grids"]) if "patches" in tensors else None
    pictures = iter(apart(patches) if patches is not None else ())

    def whole(caption: str, one: Attached | None) -> str:
        if one is None:
            return caption
        return Instruction(
            caption,
            [*islice(pictures, one.pictures)],
            [*islice(sources, len(one.sources))],
            next(changed) if one.changed else None,
        )

    return [whole(*both) for both in zip(captions, told, strict=True)]
