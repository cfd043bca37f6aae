"""The MMDiT: text, noisy image and sigma in; velocity out.

Dimension key:
    B batch    M moments: sigma, and 0 if sources are steered as at sigma 0
    L text tokens    I image tokens    E text channels    C token channels    O output channels
    D width    H = 2 D
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from danqing.models.layers import Attend, Linear, RMSNorm, ZeroLinear, attend
from danqing.models.mmdit.block import EPS, Branches, MMDiTBlock, Rows, Turn, modulate
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.rope import Layout, rotation

WAVES = 128
"""Cosines of the time embedding, and as many sines."""

PERIOD = 10_000
"""The slowest wave turns by one radian in this many timesteps, about."""


class TimeEmbedding(nn.Module):
    """Cosines and sines of the timestep, through a small MLP."""

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__()
        self.exact = config.exact_timestep
        self.linear_1 = Linear(2 * WAVES, config.width)
        self.linear_2 = Linear(config.width, config.width)
        self.addition = nn.Embedding(2, config.width) if config.addition_t_cond else None

    def forward(
        self, sigma: Float[Tensor, "M #B"], addition: Int[Tensor, "#B"] | None = None
    ) -> Float[Tensor, "M #B D"]:
        """Embed each sigma, in [0, 1], and the flag, 0 or 1, of models that have one."""
        assert (addition is None) == (self.addition is None), "the flag is missing or unknown"
        dtype = self.linear_1.weight.dtype
        steps = torch.arange(WAVES, dtype=torch.float32, device=sigma.device)
        frequencies = torch.exp(steps * (-math.log(PERIOD) / WAVES))
        if not self.exact:
            # The reference rounds it, so published weights expect it.
            sigma = sigma.to(dtype)
        angles = 1000 * (sigma.float()[..., None] * frequencies)
        waves = torch.cat((angles.cos(), angles.sin()), dim=-1).to(dtype)
        temb = self.linear_2(F.silu(self.linear_1(waves)))
        return temb if self.addition is None else temb + self.addition(addition)


class MMDiT(nn.Module):
    """Qwen-Image's double-stream transformer, in every v1 variant (arXiv 2508.02324).

    It starts as DiT does (arXiv 2212.09748): every block is the identity and the velocity is
    zero. To start anew, call `reset_parameters` of every part that has it.
    """

    def __init__(self, config: MMDiTConfig) -> None:
        super().__init__()
        self.config = config
        self.time = TimeEmbedding(config)
        self.text_norm = RMSNorm(config.text_channels, EPS)
        self.text_in = Linear(config.text_channels, config.width)
        self.image_in = Linear(config.in_channels, config.width)
        self.blocks = nn.ModuleList(
            MMDiTBlock(config.width, config.heads) for _ in range(config.depth)
        )
        self.modulate_out = ZeroLinear(config.width, 2 * config.width)
        self.proj_out = ZeroLinear(config.width, config.patch**2 * config.out_channels)

    @property
    def dtype(self) -> torch.dtype:
        """The number format it computes in."""
        return self.image_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.image_in.weight.device

    def steer(
        self, sigma: Float[Tensor, "#B"], addition: Int[Tensor, "#B"] | None = None
    ) -> "Steering":
        """Return all that depends on the noise level and on nothing else.

        That is a third of the network's weights: who knows the levels beforehand can steer for
        all of them once and then denoise without these weights.

        Args:
            sigma: Noise level in [0, 1], of each sample, or one for all.
            addition: The flag of models with `addition_t_cond`, 0 or 1.
        """
        sigmas = sigma[None]
        if self.config.zero_cond_t:
            sigmas = torch.cat((sigmas, torch.zeros_like(sigmas)))
        temb = self.time(sigmas, addition)
        blocks = [cast(MMDiTBlock, block).steer(temb) for block in self.blocks]
        return Steering(blocks, self.modulate_out(F.silu(temb[0])))

    def forward(
        self,
        tokens: Float[Tensor, "B I C"],
        text: Float[Tensor, "B L E"],
        sigma: "Float[Tensor, '#B'] | Steering",
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
        self, branches: Sequence["Branch"], steering: "Steering"
    ) -> list[Float[Tensor, "B _ O"]]:
        """Return the velocities of several branches at one noise level.

        Each comes out as it does alone, but the weights are gone through once; see `block`.
        """
        config = self.config
        for one in branches:
            assert len(one.layouts) in (1, len(one.tokens)), (
                f"{len(one.layouts)} layouts for {len(one.tokens)}"
            )
        images = [self.image_in(one.tokens) for one in branches]
        texts = [self.text_in(self.text_norm(one.text)) for one in branches]
        stills = [
            _sources(one.layouts, image) if config.zero_cond_t else None
            for one, image in zip(branches, images, strict=True)
        ]
        turns = [
            rotation(
                one.layouts,
                one.text.shape[1],
                one.tokens.shape[1],
                config.rope_axes,
                layered=config.layered,
                device=one.tokens.device,
            )
            for one in branches
        ]
        masks = [_joint_mask(one) for one in branches]

        images = self.through(texts, images, steering.blocks, turns, masks, stills)
        # Here, unlike in the blocks, scale comes before shift.
        scale, shift = steering.out[:, None].chunk(2, dim=-1)
        return [self.proj_out(modulate(image, shift, scale)) for image in images]

    def through(
        self,
        texts: Branches,
        images: Branches,
        steering: Sequence[tuple[Rows, Rows]],
        turns: Sequence[Turn],
        masks: Sequence[Bool[Tensor, "B _"] | None],
        stills: Sequence[Bool[Tensor, "B _"] | None],
        attend: Attend = attend,
    ) -> list[Tensor]:
        """Return the image stream of every branch after all blocks; see `MMDiTBlock.forward`."""
        for block, rows in zip(self.blocks, steering, strict=True):
            texts, images = block(texts, images, rows, turns, masks, stills, attend)
        return list(images)


class Branch(NamedTuple):
    """What is denoised side by side with others; see `MMDiT.forward` for the parts."""

    tokens: Float[Tensor, "B I C"]
    text: Float[Tensor, "B L E"]
    layouts: Sequence[Layout]
    text_mask: Bool[Tensor, "B L"] | None = None
    token_mask: Bool[Tensor, "B I"] | None = None


class Steering(NamedTuple):
    """What a noise level makes of a network."""

    blocks: Sequence[tuple[Rows, Rows]]
    """For every block, of the text and of the image stream."""
    out: Float[Tensor, "#B H"]
    """Of the last norm: scale, then shift."""


def _sources(
    layouts: Sequence[Layout], image: Float[Tensor, "B I D"]
) -> Bool[Tensor, "B I"] | None:
    """Return which tokens come after the target; None if none do."""
    if all(len(layout) == 1 for layout in layouts):
        return None
    targets = torch.tensor([layout[0].tokens for layout in layouts], device=image.device)
    places = torch.arange(image.shape[1], device=image.device)
    return (places >= targets[:, None]).expand(len(image), -1)


def _joint_mask(branch: Branch) -> Bool[Tensor, "B _"] | None:
    """Return which tokens of the joint sequence are real; None if all are."""
    if branch.text_mask is None and branch.token_mask is None:
        return None
    everything = torch.ones(1, 1, dtype=torch.bool, device=branch.tokens.device)
    parts = ((branch.text_mask, branch.text), (branch.token_mask, branch.tokens))
    whole = [everything.expand(x.shape[:2]) if mask is None else mask for mask, x in parts]
    return torch.cat(whole, dim=1)
