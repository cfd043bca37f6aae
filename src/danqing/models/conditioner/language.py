"""The language model of Qwen2.5-VL: a causal transformer that is read, not asked to speak.

Only its hidden states are wanted, so there is no head and no cache. Attention is causal and rows
are padded on the right, so real tokens never see padding and no mask is built. Sums of norms and
rotations are float32 and rounded once, where `transformers` rounds after every operation: in
bfloat16 a state may differ by an ulp or two, towards the float32 result (Qwen2.5-VL report,
arXiv 2502.13923; Qwen2 report, arXiv 2407.10671).

Dimension key:
    B batch    T tokens    D width    E width of the projections
    N heads    M key-value heads    K = D / N channels per head    R = K / 2 rotary angles
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from danqing.models.layers import RMSNorm, attend, linear

Branches = Sequence[Float[Tensor, "B _ D"]]
"""Tokens of texts that are read side by side, each with its own length."""

Rotation = tuple[Float32[Tensor, "B _ 1 R"], Float32[Tensor, "B _ 1 R"]]
"""Cosines and sines of how far each token turns its pairs of channels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageConfig:
    """Sizes of a language model; the defaults are Qwen2.5-VL 7B's."""

    vocabulary: int = 152064
    """Tokens with an embedding."""
    width: int = 3584
    """Channels of a token."""
    depth: int = 28
    """Layers."""
    heads: int = 28
    """Query heads."""
    kv_heads: int = 4
    """Key and value heads; a divisor of heads."""
    mlp: int = 18944
    """Hidden channels of the gated MLP."""
    eps: float = 1e-6
    """Added to mean squares in norms."""
    theta: float = 1e6
    """Base of the rotary frequencies."""
    sections: tuple[int, int, int] = (16, 24, 24)
    """Rotary angles that turn with time, height and width."""


class Projection(nn.Linear):
    """A linear map with or without bias, that starts as `nn.Linear` does."""

    def forward(self, input: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows E"]:
        """Return the map of every row."""
        return linear(input, self.weight, self.bias)


class GatedMLP(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = Projection(width, hidden, bias=False)
        self.up = Projection(width, hidden, bias=False)
        self.down = Projection(hidden, width, bias=False)

    def forward(self, branches: Branches) -> list[Tensor]:
        """Map every token of every branch alone."""
        gates = [F.silu(self.gate(x)) for x in branches]
        wide = [gate * self.up(x) for gate, x in zip(gates, branches, strict=True)]
        return [self.down(x) for x in wide]


class Layer(nn.Module):
    """Attention to earlier tokens, in which query heads share keys and values, then an MLP."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads = config.heads, config.kv_heads
        width, shared = config.width, config.width // config.heads * config.kv_heads
        self.norm_attention = RMSNorm(width, config.eps)
        self.to_q = Projection(width, width)
        self.to_k = Projection(width, shared)
        self.to_v = Projection(width, shared)
        self.to_out = Projection(width, width, bias=False)
        self.norm_mlp = RMSNorm(width, config.eps)
        self.mlp = GatedMLP(width, config.mlp)

    def forward(self, branches: Branches, rotations: Sequence[Rotation]) -> list[Tensor]:
        """Return the tokens of every branch one layer later."""
        read = [self.norm_attention(x) for x in branches]
        q = [rearrange(self.to_q(x), "b t (n k) -> b t n k", n=self.heads) for x in read]
        k, v = (
            [rearrange(project(x), "b t (m k) -> b t m k", m=self.kv_heads) for x in read]
            for project in (self.to_k, self.to_v)
        )
        found = [self._attend(*one) for one in zip(q, k, v, rotations, strict=True)]
        out = [x + self.to_out(y) for x, y in zip(branches, found, strict=True)]
        made = self.mlp([self.norm_mlp(x) for x in out])
        return [x + y for x, y in zip(out, made, strict=True)]

    def _attend(
        self,
        q: Float[Tensor, "B T N K"],
        k: Float[Tensor, "B T M K"],
        v: Float[Tensor, "B T M K"],
        rotation: Rotation,
    ) -> Float[Tensor, "B T D"]:
        q, k = (turn(heads, rotation).to(v.dtype) for heads in (q, k))
        group = self.heads // self.kv_heads
        # Attention that shares heads by itself builds the whole square of scores on a CPU.
        k, v = (repeat(heads, "b t m k -> b (m g) t k", g=group) for heads in (k, v))
        return attend(rearrange(q, "b t n k -> b n t k"), k, v, causal=True)


class LanguageModel(nn.Module):
    """Embedded tokens and their places in, hidden states after the final norm out."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = RMSNorm(config.width, config.eps)

    def forward(
        self, x: Float[Tensor, "B T D"], places: Int[Tensor, "B T 3"]
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states.

        Args:
            x: Embeddings of tokens, or what a vision tower saw in their stead.
            places: Where each token is in time, height and width; three times the same for text.
        """
        return self.side_by_side([x], [places])[0]

    def side_by_side(
        self, branches: Branches, places: Sequence[Int[Tensor, "B _ 3"]]
    ) -> list[Tensor]:
        """Return the hidden states of several branches, each as it comes out alone.

        The weights are gone through once, so those that must be decoded or fetched are so once.
        """
        config = self.config
        head = config.width // config.heads
        turns = [rotation(at, head, config.theta, config.sections) for at in places]
        for layer in self.layers:
            branches = layer(branches, turns)
        return [self.norm(x) for x in branches]


def rotation(
    places: Int[Tensor, "B T 3"], head: int, theta: float, sections: Sequence[int]
) -> Rotation:
    """Return how far tokens turn: every angle goes with one of the three axes."""
    steps = torch.arange(0, head, 2, dtype=torch.float32, device=places.device)
    frequencies = 1.0 / theta ** (steps / head)
    axes = torch.repeat_interleave(
        torch.arange(3, device=places.device), torch.tensor(sections, device=places.device)
    )
    angles = (places[..., axes].float() * frequencies)[:, :, None]
    return angles.cos(), angles.sin()


def turn(x: Float[Tensor, "B T N K"], rotation: Rotation) -> Float32[Tensor, "B T N K"]:
    """Turn pairs of channels, the i-th of the first half with the i-th of the second."""
    first, second = x.float().chunk(2, dim=-1)
    cos, sin = rotation
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def places(
    ids: Int[Tensor, "B T"], grids: Sequence[Sequence[int]] = (), picture: int = -1, merge: int = 1
) -> Int[Tensor, "B T 3"]:
    """Return the place of every token.

    Text goes on by one along all axes. A picture stands at one time, its pieces at their row and
    column from there, and text goes on beyond its longer side.

    Args:
        ids: Rows of tokens.
        grids: Frames, rows and columns of patches of each picture, in the order of the rows.
        picture: The token that stands for a piece of a picture.
        merge: Patches along each side of a piece.
    """
    line = torch.arange(ids.shape[1], device=ids.device)
    if not grids:
        return line[None, :, None].expand(len(ids), -1, 3)
    remaining = iter(grids)
    rows = [torch.tensor(list(_walk(row, remaining, picture, merge))) for row in ids.tolist()]
    return torch.stack(rows).to(ids.device)


def _walk(
    row: Sequence[int], grids: Iterator[Sequence[int]], picture: int, merge: int
) -> Iterator[tuple[int, int, int]]:
    here, index = 0, 0
    while index < len(row):
        if row[index] != picture:
            yield here, here, here
            here, index = here + 1, index + 1
            continue
        _, height, width = next(grids)
        height, width = height // merge, width // merge
        yield from ((here, here + y, here + x) for y in range(height) for x in range(width))
        here, index = here + max(height, width), index + height * width
