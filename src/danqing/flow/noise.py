"""Noise, drawn so that a seed means the same picture everywhere.

The rule: sample k of a batch with seed s is drawn by a generator of its own, seeded s + k, so it
is the picture that seed s + k gives alone. Each draw is of shape (1, 1, C, h, w) in float32 on the
CPU, before packing, as the published pipeline draws; then its seeds are ours, and a picture does
not depend on the device.

Dimension key:
    B batch    C latent channels    h w latent height and width
"""

import torch
from jaxtyping import Float32
from torch import Tensor

from danqing.core.seed import generator


def draw(
    count: int, channels: int, height: int, width: int, seed: int | torch.Generator
) -> Float32[Tensor, "B C h w"]:
    """Return unit Gaussian noise for `count` samples; height and width are of the latents.

    Args:
        count: How many samples.
        channels: Latent channels.
        height: Latent height.
        width: Latent width.
        seed: The seed of the first sample, the next ones count up; or a generator that draws all
            samples in one stream, as the published pipeline does when it is given one.
    """
    shape = (1, channels, height, width)
    if isinstance(seed, torch.Generator):
        return torch.randn(count, *shape, generator=seed)[:, 0]
    return torch.cat([torch.randn(shape, generator=generator(seed + k)) for k in range(count)])
