"""One MMDiT block: two streams, one attention.

Text and image keep their own weights and meet only inside attention, so everything a stream
does alone is written once, in `Stream`.

Modulated norms, gates, and norm and rotation of queries and keys each compute in float32 and
round once at the end, where the reference rounds after every operation. In bfloat16 that is
fewer passes over memory and closer to the float32 result, but not the reference bit for bit.

Dimension key:
    B batch    M moments    L text tokens    I image tokens    T tokens of either
    D width    N heads    K = D / N channels per head    R = K / 2 rotary angles
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Complex64, Float
from torch import Tensor, nn

from danqing.models.layers import Linear, RMSNorm, ZeroLinear, attend, rotate

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

    def modulations(
        self, temb: Float[Tensor, "M #B D"], still: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Modulation, Modulation]:
        """Return the modulations of attention and of the MLP; they depend on the timestep only.

        Args:
            temb: The embedded timestep, and with `still` also that of sigma 0.
            still: Which tokens are steered as at sigma 0.
        """
        parts = self.modulate(F.silu(temb))[:, :, None].chunk(6, dim=-1)
        if still is None:
            parts = [now for (now,) in parts]
        else:
            parts = [torch.where(still[:, :, None], clean, now) for now, clean in parts]
        return Modulation(*parts[:3]), Modulation(*parts[3:])

    def qkv(
        self, x: Float[Tensor, "B T D"], steer: Modulation, rotation: Complex64[Tensor, "#B T 1 R"]
    ) -> list[Float[Tensor, "B N T K"]]:
        """Return normalized and rotated queries and keys, and values, split into heads."""
        x = steer.enter(x)
        q, k, v = (
            rearrange(project(x), "b t (n k) -> b t n k", n=self.heads)
            for project in (self.to_q, self.to_k, self.to_v)
        )
        q = rotate(self.norm_q.wide(q), rotation).to(v.dtype)
        k = rotate(self.norm_k.wide(k), rotation).to(v.dtype)
        return [rearrange(heads, "b t n k -> b n t k") for heads in (q, k, v)]

    def update(
        self,
        x: Float[Tensor, "B T D"],
        attended: Float[Tensor, "B T D"],
        attn: Modulation,
        mlp: Modulation,
    ) -> Float[Tensor, "B T D"]:
        """Add what attention found, then what the MLP makes of it."""
        x = attn.leave(x, self.to_out(attended))
        x = mlp.leave(x, self.mlp(mlp.enter(x)))
        return x.clamp(-HALF_MAX, HALF_MAX) if x.dtype == torch.float16 else x


class MMDiTBlock(nn.Module):
    """Two streams that read each other through one joint attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.text = Stream(width, heads)
        self.image = Stream(width, heads)

    def forward(
        self,
        text: Float[Tensor, "B L D"],
        image: Float[Tensor, "B I D"],
        temb: Float[Tensor, "M #B D"],
        rotation: Complex64[Tensor, "#B L+I 1 R"],
        mask: Bool[Tensor, "B L+I"] | None = None,
        still: Bool[Tensor, "B I"] | None = None,
    ) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B I D"]]:
        """Return both streams one block later.

        Args:
            text: The text stream.
            image: The image stream: target, then sources.
            temb: See `Stream.modulations`.
            rotation: Where each token of the joint sequence is, text first.
            mask: Which tokens of the joint sequence are real; None if all are.
            still: Which image tokens are steered as at sigma 0; None if none are.
        """
        text_attn, text_mlp = self.text.modulations(temb[:1])
        image_attn, image_mlp = self.image.modulations(temb, still)
        sizes = [text.shape[1], image.shape[1]]
        text_turn, image_turn = rotation.split(sizes, dim=1)

        # Text comes first in the joint sequence; trained weights depend on this order.
        pairs = zip(
            self.text.qkv(text, text_attn, text_turn),
            self.image.qkv(image, image_attn, image_turn),
            strict=True,
        )
        q, k, v = (torch.cat(pair, dim=2) for pair in pairs)
        from_text, from_image = attend(q, k, v, mask).split(sizes, dim=1)

        text = self.text.update(text, from_text, text_attn, text_mlp)
        image = self.image.update(image, from_image, image_attn, image_mlp)
        return text, image
