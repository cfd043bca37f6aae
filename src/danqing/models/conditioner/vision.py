"""How a picture reaches the conditioner: its size, its patches, and what the tower sees in them.

The tower and its image processor are those of `transformers`, imported when a picture comes.

Dimension key:
    P patches of all pictures    C numbers in a patch    S pictures
    J pieces of all pictures, of several patches each    E width of the language model
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from PIL.Image import Image
from torch import Tensor, nn

EDIT_AREA = 1024**2
"""Pixels of the picture that the first editing model is shown, and its latents come from."""
EDIT_PLUS_AREA = 384**2
"""Pixels of each picture that the later editing models are shown."""


class Patches(NamedTuple):
    """Pictures cut up for the vision tower, one after the other."""

    values: Float[Tensor, "P C"]
    grids: Int[Tensor, "S 3"]
    """Frames, rows and columns of patches of each picture."""


Picture = Image | Patches
"""A picture as the conditioner may be given it: whole, or cut up already."""


@runtime_checkable
class Processor(Protocol):
    """The image processor of Qwen2-VL in `transformers`, as far as it is needed here."""

    merge_size: int

    def save_pretrained(self, save_directory: str | Path, /) -> object:
        """Write its settings into a folder."""
        ...

    def __call__(self, images: list[Image], /, *, return_tensors: str) -> Mapping[str, Tensor]:
        """Resize pictures to whole patches, normalize them, and cut them up."""
        ...


class Vision(nn.Module):
    """The vision tower, and the processor that prepares pictures for it."""

    tower: Any  # its type knows neither its parts nor plain tensors

    def __init__(self, settings: Mapping[str, Any], processor: Processor) -> None:
        from transformers import Qwen2_5_VLVisionConfig
        from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
            Qwen2_5_VisionTransformerPretrainedModel,
        )

        super().__init__()
        config = Qwen2_5_VLVisionConfig.from_dict(dict(settings))
        self.tower = Qwen2_5_VisionTransformerPretrainedModel(config)
        self.processor = processor

    @classmethod
    def fresh(cls, settings: Mapping[str, Any], area: int, spread: float) -> "Vision":
        """Return a tower with random weights, and a processor that resizes pictures to an area.

        Args:
            settings: Of the tower, as published.
            area: Pixels of a picture as it is seen.
            spread: About the standard deviation of what it gives, so that pictures are not
                drowned by words.
        """
        vision = cls(settings, _resizing(area))
        for name, weight in vision.tower.named_parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
        # GELU of a unit normal has a mean square of .43.
        last = vision.tower.merger.mlp[-1].weight
        nn.init.normal_(last, std=spread * (0.43 * last.shape[1]) ** -0.5)
        return vision

    def forward(self, patches: Patches) -> Float[Tensor, "J E"]:
        """Return what stands in the chat for the pictures, one after the other."""
        seen = self.tower(patches.values.to(self.tower.dtype), grid_thw=patches.grids)
        return seen.pooler_output

    def _apply(self, fn: Any, recurse: bool = True) -> "Vision":
        super()._apply(fn, recurse)
        restore_rotations(self.tower)
        return self


def load_processor(folder: Path | None = None) -> Processor:
    """Return the image processor that a folder describes, or the usual one."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    if folder is None:
        return Qwen2VLImageProcessorPil()
    return Qwen2VLImageProcessorPil.from_pretrained(folder)


def _resizing(area: int) -> Processor:
    """Return a processor that takes pictures to an area, up to whole tokens."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    # It divides by a rounded root and takes the floor: without the 1, 288x288 lost two rows.
    return Qwen2VLImageProcessorPil(size={"shortest_edge": area, "longest_edge": area + 1})


def restore_rotations(tower: nn.Module) -> None:
    """Compute rotary frequencies anew unless they are float32 and where the weights are.

    They are buffers: no file holds them, and `to(torch.bfloat16)` would round them.
    """
    device = next(tower.parameters()).device
    for module in tower.modules():
        frequencies = getattr(module, "inv_freq", None)
        if not isinstance(frequencies, Tensor):
            continue
        if frequencies.dtype != torch.float32 or frequencies.device != device:
            config: Any = module.config
            for name, buffer in type(module)(config=config).named_buffers():
                setattr(module, name, buffer.to(device))


def fit(area: int, width: int, height: int) -> tuple[int, int]:
    """Return the size of about some area, sides multiples of 32, with the ratio of a picture.

    Follows `calculate_dimensions` of the diffusers editing pipelines.
    """
    ratio = width / height
    wide = math.sqrt(area * ratio)
    return round(wide / 32) * 32, round(wide / ratio / 32) * 32


def cut(images: Sequence[Picture], processor: Processor) -> Patches:
    """Return the patches of pictures, each resized to whole patches by the processor.

    Those of a picture that is cut already are taken as they are.
    """
    if whole := [image for image in images if isinstance(image, Image)]:
        batch = processor(whole, return_tensors="pt")
        patches = Patches(batch["pixel_values"], batch["image_grid_thw"])
        if len(whole) == len(images):
            return patches
        found = iter(apart(patches))
        images = [next(found) if isinstance(image, Image) else image for image in images]
    values, grids = zip(*images, strict=True)
    return Patches(torch.cat(values), torch.cat(grids))


def apart(patches: Patches) -> list[Patches]:
    """Return the patches of each picture alone."""
    parts = patches.values.split(patches.grids.prod(-1).tolist())
    return [Patches(part, grid[None]) for part, grid in zip(parts, patches.grids, strict=True)]


def token_counts(patches: Patches, processor: Processor) -> list[int]:
    """Return how many tokens each picture takes in the chat."""
    return (patches.grids.prod(-1) // processor.merge_size**2).tolist()
