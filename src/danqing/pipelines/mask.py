"""Which pixels of a picture are painted anew, and how new pixels are laid over old ones.

White is painted, black is kept, and grey says how freely. Beyond what is painted, new pixels fade
into old ones over the feather; beyond the feather a picture keeps its bytes.

Dimension key:
    H W pixels
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import RequestError
from danqing.core.pictures import rgb

FEATHER = 8
"""Pixels of a usual feather: one latent of Qwen-Image's VAE."""

Mask = Float[Tensor, "1 1 H W"]
"""How freely each pixel is painted: 0 is kept, 1 is painted; float64."""


def parse_mask(image: Image.Image, size: tuple[int, int]) -> Mask:
    """Return the mask that an image means; what is transparent in it counts as white.

    Args:
        image: The mask, of any kind.
        size: Width and height of the picture that it is for.

    Raises:
        RequestError: it has another size, or is black everywhere.
    """
    if image.size != size:
        raise RequestError(
            f"mask must have the size of its picture, {size[0]}x{size[1]}, got "
            f"{image.size[0]}x{image.size[1]}; save it at that size."
        )
    greys = np.asarray(rgb(image).convert("L"))
    if not greys.any():
        raise RequestError(
            "mask must be white where the picture is to be painted, got black everywhere; "
            "paint it white there."
        )
    return torch.from_numpy(greys / 255)[None, None]


def cover(mask: Mask, feather: int) -> Mask:
    """Return how much of the new picture is seen: 1 where it is painted, 0 beyond the feather.

    Args:
        mask: The mask.
        feather: Pixels beyond what is painted over which new fades into old.
    """
    # A mean over as much as was added is still 1 wherever the mask was.
    return averaged(grown((mask > 0).to(mask.dtype), (feather + 1) // 2), feather // 2)


def grown(values: Mask, radius: int) -> Mask:
    """Return the largest value within so many pixels, along and across."""
    along = F.max_pool2d(values, (1, 2 * radius + 1), 1, (0, radius))
    return F.max_pool2d(along, (2 * radius + 1, 1), 1, (radius, 0))


def averaged(values: Mask, radius: int) -> Mask:
    """Return the mean of what lies within so many pixels, along and across, in the picture."""
    along = F.avg_pool2d(values, (1, 2 * radius + 1), 1, (0, radius), count_include_pad=False)
    return F.avg_pool2d(along, (2 * radius + 1, 1), 1, (radius, 0), count_include_pad=False)


def lay_over(old: Image.Image, new: Image.Image, seen: Mask) -> Image.Image:
    """Return one RGB picture over another; where nothing of it is seen, bytes stay as they are."""
    amount = seen[0, 0, :, :, None].numpy()
    below, above = (np.asarray(image.convert("RGB"), np.float64) for image in (old, new))
    mixed = below + amount * (above - below)
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))
