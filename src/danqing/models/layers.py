"""What every transformer here is made of: linear map, norm, rotation, attention.

Modules run in the dtype of their weights; statistics and rotations are float32.

Dimension key:
    B batch    T tokens, S tokens that are read    D channels in    E channels out
    N heads    K channels per head    R = K / 2 rotary angles
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Complex64, Float, Float32
from torch import Tensor, nn

from danqing.core.device import native_bf16

SCRATCH = 2**21
"""Numbers of a weight that are widened to float32 at a time."""

FEW = 4
"""With fewer rows than this, reading the weight is the whole cost, so it is not widened."""

WEIGHTS = 2**26
"""Most attention weights that are held in memory at once, for training on a CPU."""

_ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
"""A product and what follows it in one call; PyTorch keeps it for its compiler, under this name."""

_ONEDNN_DTYPES = (torch.float32, torch.bfloat16)


class Linear(nn.Linear):
    """A linear map with bias that starts as in DiT: Xavier-uniform weight, zero bias."""

    def reset_parameters(self) -> None:
        """Draw a fresh weight and clear the bias."""
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(
        self, input: Float[Tensor, "*rows D"], *, gelu: bool = False
    ) -> Float[Tensor, "*rows E"]:
        """Return the map of every row, or GELU of it (tanh form)."""
        return linear(input, self.weight, self.bias, gelu=gelu)


class ZeroLinear(Linear):
    """A linear map that starts at zero: gates closed, outputs silent (adaLN-zero of DiT)."""

    def reset_parameters(self) -> None:
        """Clear weight and bias."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


def linear(
    x: Float[Tensor, "*rows D"],
    weight: Float[Tensor, "E D"],
    bias: Float[Tensor, "E"] | None = None,
    *,
    gelu: bool = False,
) -> Float[Tensor, "*rows E"]:
    """Return `x @ weight.T + bias`, or GELU of it (tanh form).

    A CPU without bfloat16 instructions emulates such products at a quarter of its float32 speed.
    There the product is float32, a slice of the weight at a time, and rounded once; native
    instructions accumulate in float32 too, so only the order of their sums is different.

    Elsewhere on a CPU oneDNN is asked directly: in float32 it is as fast as PyTorch's default
    library on some processors and faster on others, and it applies GELU before it rounds.
    """
    rows = x.numel() // x.shape[-1]
    if x.device.type == "cpu" and rows >= FEW and not torch.compiler.is_compiling():
        # What the processor can do is read from files, which a compiler cannot follow.
        if x.dtype == torch.bfloat16 and not native_bf16("cpu"):
            return _widened(x, weight, bias, gelu=gelu)
        if _ONEDNN is not None and not torch.is_grad_enabled() and x.dtype in _ONEDNN_DTYPES:
            name, form = ("gelu", "tanh") if gelu else ("none", "")
            return _ONEDNN(x.contiguous(), weight, bias, name, [], form)
    # A bfloat16 product may round a view differently from the same numbers in a row.
    out = F.linear(x.contiguous(), weight, bias)
    return F.gelu(out, approximate="tanh") if gelu else out


def _widened(
    x: Float[Tensor, "*rows D"],
    weight: Float[Tensor, "E D"],
    bias: Float[Tensor, "E"] | None,
    *,
    gelu: bool,
) -> Float[Tensor, "*rows E"]:
    wide = x.float()
    out = x.new_empty(*x.shape[:-1], len(weight))
    step = max(1, SCRATCH // weight.shape[1])
    for start in range(0, len(weight), step):
        part = slice(start, start + step)
        add = None if bias is None else bias[part].float()
        product = F.linear(wide, weight[part].float(), add)
        out[..., part] = F.gelu(product, approximate="tanh") if gelu else product
    return out


class RMSNorm(nn.Module):
    """Divide by the root mean square over the last axis, then scale by a learned weight.

    Follows "Root Mean Square Layer Normalization" (arXiv 1910.07467).
    """

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to one."""
        nn.init.ones_(self.weight)

    def wide(self, x: Float[Tensor, "*rows D"]) -> Float32[Tensor, "*rows D"]:
        """Return `x` normalized and scaled in float32, for what goes on in float32."""
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        return x * torch.rsqrt(norm.square() / x.shape[-1] + self.eps) * self.weight

    def forward(self, x: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows D"]:
        """Return `x` normalized and scaled, in the weight's dtype."""
        return self.wide(x).to(self.weight.dtype)


def rotate(
    x: Float[Tensor, "B T N K"], rotation: Complex64[Tensor, "#B T 1 R"]
) -> Float32[Tensor, "B T N K"]:
    """Turn each pair of neighbouring channels by its angle (RoFormer, arXiv 2104.09864).

    Args:
        x: Queries or keys.
        rotation: A point of the unit circle for every token and pair; a batch of one serves all.
    """
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2)


def attend(
    q: Float[Tensor, "B N T K"],
    k: Float[Tensor, "B N S K"],
    v: Float[Tensor, "B N S K"],
    mask: Bool[Tensor, "B S"] | None = None,
    *,
    causal: bool = False,
) -> Float[Tensor, "B T N*K"]:
    """Let T tokens read S tokens, at scale 1 / sqrt(K).

    Args:
        q: What is looked for.
        k: Where it is found.
        v: What is then read.
        mask: Which tokens may be read; None: all.
        causal: Whether a token reads no later ones; there is no mask then.
    """
    if mask is not None:
        mask = mask[:, None, None]
    dtype = v.dtype
    if torch.is_grad_enabled() and v.device.type == "cpu":
        weights = q.shape[0] * q.shape[1] * q.shape[2] * k.shape[2]
        if dtype == torch.bfloat16 and not causal and weights <= WEIGHTS and _native():
            return rearrange(_attend_by_products(q, k, v, mask), "b n t k -> b t (n k)")
        # Its gradient in bfloat16 takes a CPU five times as long as in float32.
        q, k, v = q.float(), k.float(), v.float()
    read = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    return rearrange(read, "b n t k -> b t (n k)").to(dtype)


def _attend_by_products(
    q: Float[Tensor, "B N T K"],
    k: Float[Tensor, "B N S K"],
    v: Float[Tensor, "B N S K"],
    mask: Bool[Tensor, "B 1 1 S"] | None,
) -> Float[Tensor, "B N T K"]:
    """Attend by two matrix products, all weights between them in memory.

    On a CPU with bfloat16 instructions they and their gradients take a third of the time of
    PyTorch's attention, which computes in float32. Scores are rounded to bfloat16, so the result
    is twice as far from the exact one; a gradient of bfloat16 is no better.
    """
    scores = (q.to(v.dtype) * k.shape[-1] ** -0.5) @ k.to(v.dtype).mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1) @ v


def _native() -> bool:
    return native_bf16("cpu")


# As `torch.compiler.assume_constant_result` does, which imports the whole compiler for it.
_native._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]


Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""What may take the place of `attend` where tokens are not all in one place."""
