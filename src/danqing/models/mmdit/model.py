"""The MMDiT: text, noisy image and sigma in; velocity out.

Dimension key:
    B batch    L text tokens    I image tokens    E text channels    C token channels
    O output channels    D width    H = 2 D
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from danqing.models.layers import ZeroLinear
from danqing.models.mmdit.block import Rows, modulate
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.rope import Layout
from danqing.models.mmdit.trunk import After, Branch, Trunk, untouched


class Steering(NamedTuple):
    """What a noise level makes of a network."""

    blocks: Sequence[tuple[Rows, Rows]]
    """For every block, of the text and of the image stream."""
    out: Float[Tensor, "#B H"]
    """Of the last norm: scale, then shift."""


class MMDiT(Trunk):
    """Qwen-Image's double-stream transformer, in every v1 variant (arXiv 2508.02324).

    It starts as DiT does (arXiv 2212.09748): every block is the identity and the velocity is
    zero. To start anew, call `reset_parameters` of every part that has it.
    """

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__(config)
        self.modulate_out = ZeroLinear(config.width, 2 * config.width)
        self.proj_out = ZeroLinear(config.width, config.patch**2 * config.out_channels)

    def steer(
        self, sigma: Float[Tensor, "#B"], addition: Int[Tensor, "#B"] | None = None
    ) -> Steering:
        """Return all that depends on the noise level and on nothing else.

        That is a third of the network's weights: who knows the levels beforehand can steer for
        all of them once and then denoise without these weights.

        Args:
            sigma: Noise level in [0, 1], of each sample, or one for all.
            addition: The flag of models with `addition_t_cond`, 0 or 1.
        """
        temb = self.embed(sigma, addition)
        return Steering(self.steer_blocks(temb), self.modulate_out(F.silu(temb[0])))

    def forward(
        self,
        tokens: Float[Tensor, "B I C"],
        text: Float[Tensor, "B L E"],
        sigma: Float[Tensor, "#B"] | Steering,
        layouts: Sequence[Layout],
        text_mask: Bool[Tensor, "B L"] | None = None,
        token_mask: Bool[Tensor, "B I"] | None = None,
        addition: Int[Tensor, "#B"] | None = None,
    ) -> Float[Tensor, "B I O"]:
        """Return the velocity of every image token, sources and padding included.

        Args:
            tokens: The noisy target, then its sources, packed; right-padded where sizes differ.
            text: What the conditioner read, right-padded where lengths differ.
            sigma: Noise level in [0, 1], of each sample, or one for all: then the modulations,
                which depend on nothing else, are computed once. Or what `steer` made of it.
            layouts: The pictures behind `tokens`, of each sample or one for all.
            text_mask: Which text tokens are real; None if all are.
            token_mask: Which image tokens are real; None if all are.
            addition: The flag of models with `addition_t_cond`, 0 or 1.
        """
        steering = self.steer(sigma, addition) if isinstance(sigma, Tensor) else sigma
        (velocity,) = self.side_by_side(
            [Branch(tokens, text, layouts, text_mask, token_mask)], steering
        )
        return velocity

    def side_by_side(
        self, branches: Sequence[Branch], steering: Steering, after: After = untouched
    ) -> list[Float[Tensor, "B _ O"]]:
        """Return the velocities of several branches at one noise level.

        Args:
            branches: What is denoised; each comes out as it does alone.
            steering: What `steer` returned.
            after: Changes the image stream after each block.
        """
        images = [self.image_in(one.tokens) for one in branches]
        images = self.streams(branches, images, steering.blocks, after)
        # Here, unlike in the blocks, scale comes before shift.
        scale, shift = steering.out[:, None].chunk(2, dim=-1)
        return [self.proj_out(modulate(image, shift, scale)) for image in images]
