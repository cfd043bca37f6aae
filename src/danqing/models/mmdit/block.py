"""One MMDiT block: two streams, one attention.

Text and image keep their own weights and meet only inside attention, so everything a stream
does alone is written once, in `Stream`.

Several *branches*, such as the positive and the negative of guidance, go through a block side by
side: each alone, with its own length, but one weight after the other, so that a weight which
must be decoded or fetched before it is used is so once for all branches. What depends on the
timestep alone, the steering, is the same for all of them and comes from outside.

Modulated norms, gates, and norm and rotation of queries and keys each compute in float32 and
round once at the end, where the reference rounds after every operation. In bfloat16 that is
fewer passes over memory and closer to the float32 result, but not the reference bit for bit.

Dimension key:
    B batch    M moments    L text tokens    I image tokens    T tokens of either
    D width    G = 6 D    N heads    K = D / N channels per head    R = K / 2 rotary angles
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Complex64, Float
from torch import Tensor, nn

from danqing.models.layers import Attend, Linear, RMSNorm, ZeroLinear, attend, rotate

EPS = 1e-6

HALF_MAX = 65504
"""The largest float16."""


def modulate(
    x: Float[Tensor, "B T D"], shift: Float[Tensor, "#B #T D"], scale: Float[Tensor, "#B #T D"]
) -> Float[Tensor, "B T D"]:
    """Return layer-normalized `x`, scaled by 1 + `scale` and shifted."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=EPS), 1 + scale)


class Modulation(NamedTuple):
    """How the timestep steers one sub-layer: an affine map before it, a gate after it."""

    shift: Float[Tensor, "#B #T D"]
    scale: Float[Tensor, "#B #T D"]
    gate: Float[Tensor, "#B #T D"]

    def enter(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """Return what the sub-layer reads."""
        return modulate(x, self.shift, self.scale)

    def leave(
        self, x: Float[Tensor, "B T D"], found: Float[Tensor, "B T D"]
    ) -> Float[Tensor, "B T D"]:
        """Return `x` with as much of what the sub-layer found as the gate lets through."""
        return torch.addcmul(x, self.gate, found)


Branches = Sequence[Float[Tensor, "B _ D"]]
"""Tokens of each branch, of one stream."""

Steers = Sequence[Modulation]
"""The modulation of each branch."""

Rows = Float[Tensor, "_ #B G"]
"""Both modulations of a stream: of attention, then of the MLP."""

Turn = Complex64[Tensor, "#B _ 1 R"]
"""How far each token of a branch turns its pairs of channels."""

Heads = Float[Tensor, "B N _ K"]


class MLP(nn.Module):
    """Widen four times, GELU (tanh form), narrow again."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = Linear(width, 4 * width)
        self.down = Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """Map every token alone."""
        return self.down(self.up(x, gelu=True))


class Stream(nn.Module):
    """The half of a block that belongs to one modality."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulate = ZeroLinear(width, 6 * width)
        # Apart, so that published weights load as they are.
        self.to_q = Linear(width, width)
        self.to_k = Linear(width, width)
        self.to_v = Linear(width, width)
        self.norm_q = RMSNorm(width // heads, EPS)
        self.norm_k = RMSNorm(width // heads, EPS)
        self.to_out = Linear(width, width)
        self.mlp = MLP(width)

    def steer(self, temb: Float[Tensor, "M #B D"]) -> Rows:
        """Return the steering of an embedded timestep, and in a second row that of sigma 0."""
        return self.modulate(F.silu(temb))

    def modulations(
        self, rows: Rows, still: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Modulation, Modulation]:
        """Return the modulations of attention and of the MLP.

        Args:
            rows: What `steer` returned.
            still: Which tokens are steered as at sigma 0; there are two rows then.
        """
        parts = rows[:, :, None].chunk(6, dim=-1)
        if still is None:
            parts = [part[0] for part in parts]
        else:
            parts = [torch.where(still[:, :, None], clean, now) for now, clean in parts]
        return Modulation(*parts[:3]), Modulation(*parts[3:])

    def qkv(self, branches: Branches, steer: Steers, turns: Sequence[Turn]) -> list[list[Heads]]:
        """Return queries and keys, normalized and rotated, and values, of every branch."""
        read = [one.enter(x) for x, one in zip(branches, steer, strict=True)]
        q, k, v = (
            [rearrange(project(x), "b t (n k) -> b t n k", n=self.heads) for x in read]
            for project in (self.to_q, self.to_k, self.to_v)
        )
        q, k = (
            [rotate(norm.wide(x), turn).to(x.dtype) for x, turn in zip(heads, turns, strict=True)]
            for norm, heads in ((self.norm_q, q), (self.norm_k, k))
        )
        return [
            [rearrange(heads, "b t n k -> b n t k") for heads in branch]
            for branch in zip(q, k, v, strict=True)
        ]

    def update(
        self, branches: Branches, attended: Branches, attn: Steers, mlp: Steers
    ) -> list[Tensor]:
        """Add what attention found, then what the MLP makes of it, to every branch."""
        found = [self.to_out(x) for x in attended]
        out = [s.leave(x, y) for s, x, y in zip(attn, branches, found, strict=True)]
        wide = [self.mlp.up(s.enter(x), gelu=True) for s, x in zip(mlp, out, strict=True)]
        made = [self.mlp.down(x) for x in wide]
        out = [s.leave(x, y) for s, x, y in zip(mlp, out, made, strict=True)]
        return [x.clamp(-HALF_MAX, HALF_MAX) if x.dtype == torch.float16 else x for x in out]


class MMDiTBlock(nn.Module):
    """Two streams that read each other through one joint attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.text = Stream(width, heads)
        self.image = Stream(width, heads)

    def steer(self, temb: Float[Tensor, "M #B D"]) -> tuple[Rows, Rows]:
        """Return the steering of the text and of the image stream."""
        return self.text.steer(temb[:1]), self.image.steer(temb)

    def forward(
        self,
        texts: Branches,
        images: Branches,
        steering: tuple[Rows, Rows],
        turns: Sequence[Turn],
        masks: Sequence[Bool[Tensor, "B _"] | None],
        stills: Sequence[Bool[Tensor, "B _"] | None],
        attend: Attend = attend,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return both streams of every branch one block later.

        Args:
            texts: The text stream of each branch.
            images: The image stream of each branch: target, then sources.
            steering: What `steer` returned, for all branches.
            turns: Where each token of the joint sequence is, text first.
            masks: Which tokens of the joint sequence are real; None if all are.
            stills: Which image tokens are steered as at sigma 0; None if none are.
            attend: How tokens read each other.
        """
        rows, image_rows = steering
        text_attn, text_mlp = zip(*(self.text.modulations(rows) for _ in texts), strict=True)
        image_attn, image_mlp = zip(
            *(self.image.modulations(image_rows, still) for still in stills), strict=True
        )
        sizes = [[t.shape[1], i.shape[1]] for t, i in zip(texts, images, strict=True)]
        split = [turn.split(size, dim=1) for turn, size in zip(turns, sizes, strict=True)]

        text_heads = self.text.qkv(texts, text_attn, [turn for turn, _ in split])
        image_heads = self.image.qkv(images, image_attn, [turn for _, turn in split])
        found: list[tuple[Tensor, ...]] = []
        for words, tokens, mask, size in zip(text_heads, image_heads, masks, sizes, strict=True):
            # Text comes first in the joint sequence; trained weights depend on this order.
            q, k, v = (torch.cat(pair, dim=2) for pair in zip(words, tokens, strict=True))
            found.append(attend(q, k, v, mask).split(size, dim=1))

        texts = self.text.update(texts, [text for text, _ in found], text_attn, text_mlp)
        images = self.image.update(images, [image for _, image in found], image_attn, image_mlp)
        return texts, images
