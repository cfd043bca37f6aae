"""The layers of the VAE, for one picture at a time.

Every layer runs on a whole picture or, given `rows`, on the next strip of one (`strips.py`): the
same numbers, only that those of strips come a few rows late. Channels are the last axis, so that
norms and projections read contiguous memory and convolutions need no reordering.

Dimension key:
    B batch    H, W height and width    C channels in    O channels out    _ rows of a strip
"""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn

from danqing.models.vae.strips import WINDOW, Rows

PHASES = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
"""Where a kernel's three taps fall when it walks over doubled samples.

The output at 2i + a reads the source i + a - 1 + p with the sum of taps y of `PHASES[a, p, y]`."""


class Linear(nn.Linear):
    """A projection of every position, in the dtype of what it projects."""

    def forward(self, x: Float[Tensor, "*shape C"]) -> Float[Tensor, "*shape O"]:
        """Return the projection of `x`."""
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Conv(nn.Conv2d):
    """A 3x3 convolution that keeps the sides, zero outside the picture."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, WINDOW)

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return the convolution of `x`."""
        if rows is None:
            return convolve(x, self.weight, self.bias, padding=(1, 1))
        return convolve(rows.window(self, x), self.weight, self.bias, padding=(0, 1))


class Downsample(nn.Module):
    """Halve the sides with a 3x3 convolution that looks right and down only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, WINDOW)

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return `x` at half its sides."""
        if rows is not None:
            x = rows.window(self, x, above=0, stride=2)
        x = F.pad(x, (0, 0, 0, 1, 0, int(rows is None)))
        return convolve(x, self.conv.weight, self.conv.bias, stride=2)


class Upsample(nn.Module):
    """Double the sides by repetition, then convolve 3x3 to half the channels.

    Over repeated samples several taps of the kernel read the same source. With their weights
    summed, each of the four output phases is a 2x2 kernel on the small picture: 4/9 of the
    arithmetic, and nothing is repeated (sub-pixel convolution, arXiv:1609.05158).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels // 2, WINDOW)

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return `x` at twice its sides."""
        padding = (1, 1)
        if rows is not None:
            x, padding = rows.window(self, x), (0, 1)
        taps, kernel = PHASES.to(x), self.conv.weight.to(x.dtype)
        weight = einsum(taps, taps, kernel, "a p y, b q x, o c y x -> a b o c p q")
        weight = rearrange(weight, "a b o c p q -> (a b o) c p q")
        assert self.conv.bias is not None, "made with one"
        phases = convolve(x, weight, self.conv.bias.repeat(4), padding=padding)
        phases = rearrange(phases, "n h w (a b o) -> a b n h w o", a=2, b=2)
        # Phase (a, b) at (i, j) is what its kernel found at (i + a, j + b).
        height, width = max(0, phases.shape[3] - 1), phases.shape[4] - 1
        top, bottom = (
            torch.stack([phases[a, b, :, a : a + height, b : b + width] for b in (0, 1)], dim=3)
            for a in (0, 1)
        )
        return rearrange([top, bottom], "a n h w b o -> n (h a) (w b) o")


class Norm(nn.Module):
    """RMS norm over the channels of every position, statistics in float32."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Float[Tensor, "B _ W C"]) -> Float[Tensor, "B _ W C"]:
        """Return `x` with unit mean square over channels, times gamma."""
        exact = x.float()
        norm = torch.linalg.vector_norm(exact, dim=-1, keepdim=True)
        scale = x.shape[-1] ** 0.5 / norm.clamp_min(1e-12)
        return (exact * scale).mul_(self.gamma).to(x.dtype)


class ResBlock(nn.Module):
    """Two convolutions, each after norm and SiLU, around an identity."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = Norm(inputs)
        self.conv1 = Conv(inputs, outputs)
        self.norm2 = Norm(outputs)
        self.conv2 = Conv(outputs, outputs)
        self.shortcut = Linear(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return `x` (projected if the width changes) plus what the convolutions add."""
        y = self.conv1(activate(self.norm1(x)), rows)
        y = self.conv2(activate(self.norm2(y)), rows)
        if rows is not None:
            x = rows.delay(self, x, y.shape[1])
        return y.add_(self.shortcut(x))


class Attention(nn.Module):
    """Every position attends to every other, with one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.to_qkv = Linear(channels, 3 * channels)
        self.proj = Linear(channels, channels)

    def forward(self, x: Float[Tensor, "B H W C"]) -> Float[Tensor, "B H W C"]:
        """Return `x` plus what its positions found in one another."""
        qkv = rearrange(self.to_qkv(self.norm(x)), "b h w (three c) -> three b 1 (h w) c", three=3)
        found = F.scaled_dot_product_attention(*qkv)
        return x + self.proj(rearrange(found, "b 1 (h w) c -> b h w c", h=x.shape[1]))


class Middle(nn.Module):
    """The one place where distant positions meet, so it always takes the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = ResBlock(channels, channels)
        self.attention = Attention(channels)
        self.after = ResBlock(channels, channels)

    def forward(self, x: Float[Tensor, "B H W C"]) -> Float[Tensor, "B H W C"]:
        """Return `x` after every position has seen every other."""
        return self.after(self.attention(self.before(x)))


class Level(nn.Module):
    """Residual blocks of the decoder at one resolution, then the way up to the next."""

    def __init__(self, inputs: int, outputs: int, blocks: int, *, upsample: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ResBlock(outputs if i else inputs, outputs) for i in range(blocks)
        )
        self.upsample = Upsample(outputs) if upsample else None

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return the features at the next resolution."""
        for block in self.blocks:
            x = block(x, rows)
        return x if self.upsample is None else self.upsample(x, rows)


class Head(nn.Module):
    """Norm, SiLU, and the convolution that leaves the network."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = Norm(inputs)
        self.conv = Conv(inputs, outputs)

    def forward(self, x: Float[Tensor, "B _ W C"], rows: Rows | None = None) -> Tensor:
        """Return the network's output."""
        return self.conv(activate(self.norm(x)), rows)


def activate(x: Tensor) -> Tensor:
    """Return SiLU of `x`, in its place when no gradient will ask for it."""
    return F.silu(x, inplace=not torch.is_grad_enabled())


def convolve(
    x: Float[Tensor, "B _ _ C"],
    weight: Float[Tensor, "O C _ _"],
    bias: Float[Tensor, " O"] | None,
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
) -> Float[Tensor, "B _ _ O"]:
    """Return the convolution in the dtype of `x`; no rows where these do not fill the kernel."""
    batch, height, width, _ = x.shape
    if height + 2 * padding[0] < weight.shape[2]:
        columns = (width + 2 * padding[1] - weight.shape[3]) // stride + 1
        return x.new_empty(batch, 0, columns, weight.shape[0])
    x = rearrange(x, "b h w c -> b c h w")
    weight, bias = weight.to(x.dtype), None if bias is None else bias.to(x.dtype)
    y = F.conv2d(x, weight, bias, stride, padding)
    return rearrange(y, "b c h w -> b h w c")
