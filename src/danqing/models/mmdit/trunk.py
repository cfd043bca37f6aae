"""What an MMDiT is but for its output: text, image tokens and steering in; image stream out.

A control network is such a trunk too (`models/control`).

Dimension key:
    B batch    M moments: sigma, and 0 if sources are steered as at sigma 0
    L text tokens    I image tokens    E text channels    C token channels    D width
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from danqing.models.layers import Attend, Linear, RMSNorm, attend
from danqing.models.mmdit.block import EPS, Branches, MMDiTBlock, Rows, Turn
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


class Branch(NamedTuple):
    """What is denoised side by side with others; see `MMDiT.forward` for the parts."""

    tokens: Float[Tensor, "B I C"]
    text: Float[Tensor, "B L E"]
    layouts: Sequence[Layout]
    text_mask: Bool[Tensor, "B L"] | None = None
    token_mask: Bool[Tensor, "B I"] | None = None


After = Callable[[int, Sequence[Tensor]], Sequence[Tensor]]
"""From the number of a block and the image stream of every branch after it to what goes on."""


def untouched(number: int, images: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the image stream of every branch as it is."""
    return images


class Trunk(nn.Module):
    """The blocks of a double-stream transformer, and all that comes before them."""

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

    @property
    def dtype(self) -> torch.dtype:
        """The number format it computes in."""
        return self.image_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.image_in.weight.device

    def moment(self, sigma: float) -> Float[Tensor, "1"]:
        """Return a noise level as the network was taught to be told it."""
        # The reference rounds the timestep to the dtype of the model, not sigma.
        timestep = torch.tensor([1000 * sigma], device=self.device)
        return (timestep if self.config.exact_timestep else timestep.to(self.dtype)) / 1000

    def embed(
        self, sigma: Float[Tensor, "#B"], addition: Int[Tensor, "#B"] | None = None
    ) -> Float[Tensor, "M #B D"]:
        """Return the embedded timestep, and in a second row that of sigma 0 if sources want it.

        Args:
            sigma: Noise level in [0, 1], of each sample, or one for all.
            addition: The flag of models with `addition_t_cond`, 0 or 1.
        """
        sigmas = sigma[None]
        if self.config.zero_cond_t:
            sigmas = torch.cat((sigmas, torch.zeros_like(sigmas)))
        return self.time(sigmas, addition)

    def steer_blocks(self, temb: Float[Tensor, "M #B D"]) -> list[tuple[Rows, Rows]]:
        """Return what an embedded timestep makes of every block."""
        return [cast(MMDiTBlock, block).steer(temb) for block in self.blocks]

    def streams(
        self,
        branches: Sequence[Branch],
        images: Branches,
        steering: Sequence[tuple[Rows, Rows]],
        after: After = untouched,
    ) -> list[Float[Tensor, "B _ D"]]:
        """Return the image stream of several branches after all blocks.

        Each comes out as it does alone, but the weights are gone through once; see `block`.

        Args:
            branches: What is denoised side by side.
            images: Their tokens, as they enter the first block.
            steering: What `steer_blocks` returned.
            after: Changes the image stream after each block.
        """
        config = self.config
        for one in branches:
            assert len(one.layouts) in (1, len(one.tokens)), (
                f"{len(one.layouts)} layouts for {len(one.tokens)}"
            )
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
        return self.through(texts, images, steering, turns, masks, stills, after=after)

    def through(
        self,
        texts: Branches,
        images: Branches,
        steering: Sequence[tuple[Rows, Rows]],
        turns: Sequence[Turn],
        masks: Sequence[Bool[Tensor, "B _"] | None],
        stills: Sequence[Bool[Tensor, "B _"] | None],
        attend: Attend = attend,
        after: After = untouched,
    ) -> list[Tensor]:
        """Return the image stream of every branch after all blocks; see `MMDiTBlock.forward`."""
        for number, (block, rows) in enumerate(zip(self.blocks, steering, strict=True)):
            texts, images = block(texts, images, rows, turns, masks, stills, attend)
            images = after(number, images)
        return list(images)


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
