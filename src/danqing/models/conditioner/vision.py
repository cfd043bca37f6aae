"""How a picture reaches the conditioner: its size, its patches, and its places in the chat.

Dimension key:
    P patches of all pictures    C numbers in a patch    S pictures
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from PIL.Image import Image
from torch import Tensor

EDIT_AREA = 1024**2
"""Pixels of the picture that the first editing model is shown, and its latents come from."""
EDIT_PLUS_AREA = 384**2
"""Pixels of each picture that the later editing models are shown."""


class Patches(NamedTuple):
    """Pictures cut up for the vision tower, one after the other."""

    values: Float[Tensor, "P C"]
    grids: Int[Tensor, "S 3"]
    """Frames, rows and columns of patches of each picture."""


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


def fit(area: int, width: int, height: int) -> tuple[int, int]:
    """Return the size of about some area, sides multiples of 32, with the ratio of a picture.

    Follows `calculate_dimensions` of the diffusers editing pipelines.
    """
    ratio = width / height
    wide = math.sqrt(area * ratio)
    return round(wide / 32) * 32, round(wide / ratio / 32) * 32


def cut(images: Sequence[Image], processor: Processor) -> Patches:
    """Return the patches of pictures, each resized to whole patches by the processor."""
    batch = processor(list(images), return_tensors="pt")
    return Patches(batch["pixel_values"], batch["image_grid_thw"])


def token_counts(patches: Patches, processor: Processor) -> list[int]:
    """Return how many tokens each picture takes in the chat."""
    return (patches.grids.prod(-1) // processor.merge_size**2).tolist()
