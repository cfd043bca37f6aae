"""Control by a small map beside every block, as DiffSynth-Studio trains it.

After block n the target's tokens x and the embedded control picture c, both normed, give what is
added to x:

    out_n GELU(in_n (norm_n(x) + norm'_n(c)))

Dimension key:
    B batch    I image tokens    D width
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from danqing.models.control.trunk import Adds
from danqing.models.layers import Linear, RMSNorm, ZeroLinear
from danqing.models.mmdit.trunk import Branch


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockwiseControlConfig:
    """Sizes; the defaults are for Qwen-Image."""

    depth: int = 60
    """Blocks of the transformer."""
    width: int = 3072
    """Channels of a token inside it."""
    in_channels: int = 64
    """Channels of its input tokens."""
    extra: int = 0
    """Channels of a control token beyond those: a mask's, of a network that inpaints."""


class BlockwiseBlock(nn.Module):
    """What is added after one block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_image = RMSNorm(width)
        self.norm_control = RMSNorm(width)
        self.enter = Linear(width, width)
        self.leave = ZeroLinear(width, width)

    def forward(
        self, image: Float[Tensor, "B I D"], control: Float[Tensor, "#B I D"]
    ) -> Float[Tensor, "B I D"]:
        """Return what is added to the target's tokens."""
        return self.leave(F.gelu(self.enter(self.norm_image(image) + self.norm_control(control))))


class BlockwiseControl(nn.Module):
    """A small map for every block of the transformer."""

    sampled = False
    """Latents of its control picture are the posterior's mode, as in DiffSynth-Studio."""

    def __init__(self, config: BlockwiseControlConfig) -> None:
        super().__init__()
        self.config = config
        self.masked = config.extra > 0
        self.control_in = ZeroLinear(config.in_channels + config.extra, config.width)
        self.blocks = nn.ModuleList(BlockwiseBlock(config.width) for _ in range(config.depth))

    @property
    def needs(self) -> dict[str, int]:
        """What the configuration of a transformer that it leads must say."""
        names = ("width", "in_channels", "depth")
        return {name: getattr(self.config, name) for name in names}

    def lead(
        self, control: Float[Tensor, "#B I _"], branch: Branch, sigma: float, depth: int
    ) -> Adds:
        """Return what is added to the image stream of a transformer; see `TrunkControl.lead`."""
        embedded = self.control_in(control)
        return lambda number, image: self.blocks[number](image, embedded)
