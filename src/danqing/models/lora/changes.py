"""Small changes of a linear map: what an adapter learns.

A change is a matrix of the map's shape that takes few numbers to say, times a scale,

    low rank      scale up down                   (LoRA, arXiv 2106.09685)
    Kronecker     scale outer (x) (up down)       (LoKr, arXiv 2309.14859)

where A (x) B has the block A[i, j] B in its row i and column j of blocks: a large matrix from two
small ones that need not be of low rank. `up` starts at zero, and with it the change; scale is
alpha / rank, so that other ranks learn at about the same pace.

Dimension key:
    D = M N channels in    E = L K channels out    R rank
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from danqing.models.layers import linear


class LowRank(nn.Module):
    """A change of low rank.

    Attributes:
        down: Into the rank.
        up: Out of it.
        scale: What the product of both is multiplied with.
    """

    def __init__(
        self, down: Float[Tensor, "R D"], up: Float[Tensor, "E R"], scale: float = 1.0
    ) -> None:
        super().__init__()
        self.down, self.up, self.scale = nn.Parameter(down), nn.Parameter(up), scale

    @classmethod
    def fresh(cls, width: int, out: int, rank: int, alpha: float) -> "LowRank":
        """Return a change of nothing, for a map of `width` channels to `out`."""
        return cls(_uniform(rank, width), torch.zeros(out, rank), alpha / rank)

    def forward(self, input: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows E"]:
        """Return what is added to the map of every row, before it is scaled."""
        return linear(linear(input, self.down), self.up)

    def matrix(self) -> Float[Tensor, "E D"]:
        """Return what is added to the map's weight, in float32."""
        return self.scale * (self.up.float() @ self.down.float())


class Kronecker(nn.Module):
    """A change that is the Kronecker product of a small matrix and a larger one.

    Attributes:
        outer: The small one.
        up: The larger one, or the half of it that leads out of its rank.
        down: The half of it that leads into its rank; None: `up` is all of it.
        scale: What the product is multiplied with.
    """

    def __init__(
        self,
        outer: Float[Tensor, "L M"],
        up: Float[Tensor, "K _"],
        down: Float[Tensor, "R N"] | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.outer, self.up, self.scale = nn.Parameter(outer), nn.Parameter(up), scale
        self.down = None if down is None else nn.Parameter(down)

    @classmethod
    def fresh(cls, width: int, out: int, rank: int, alpha: float, factor: int) -> "Kronecker":
        """Return a change of nothing, for a map of `width` channels to `out`.

        Args:
            width: Channels in.
            out: Channels out.
            rank: The rank of the larger matrix. From half of its longer side on it is left whole,
                with scale 1, as LyCORIS and PEFT have it.
            alpha: Rank times scale.
            factor: The sides of the small matrix, or the next smaller divisors.
        """
        (rows, tall), (columns, wide) = _split(out, factor), _split(width, factor)
        outer = _uniform(rows, columns)
        if rank >= max(tall, wide) / 2:
            return cls(outer, torch.zeros(tall, wide))
        return cls(outer, torch.zeros(tall, rank), _uniform(rank, wide), alpha / rank)

    def forward(self, input: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows E"]:
        """Return what is added to the map of every row, before it is scaled."""
        x = rearrange(input, "... (m n) -> ... m n", m=self.outer.shape[1])
        x = x if self.down is None else linear(x, self.down)
        return rearrange(self.outer @ linear(x, self.up), "... l k -> ... (l k)")

    def matrix(self) -> Float[Tensor, "E D"]:
        """Return what is added to the map's weight, in float32."""
        up = self.up.float()
        inner = up if self.down is None else up @ self.down.float()
        return self.scale * torch.kron(self.outer.float(), inner.contiguous())


Change = LowRank | Kronecker


def _uniform(rows: int, columns: int) -> Float[Tensor, "R C"]:
    """Return a matrix as PyTorch starts a linear map, and as others start theirs."""
    return torch.empty(rows, columns).uniform_(-(columns**-0.5), columns**-0.5)


def _split(size: int, factor: int) -> tuple[int, int]:
    """Return two sides that make up a size, the smaller one first and at most `factor`."""
    small = next(d for d in range(min(factor, int(size**0.5)), 0, -1) if size % d == 0)
    return small, size // small
