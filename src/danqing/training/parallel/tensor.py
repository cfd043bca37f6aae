"""Tensor parallelism: ranks share the heads and the hidden channels of every block.

Maps into heads and hidden channels are cut by rows, so that each rank computes some of these; maps
out of them by columns, and what these give is summed over ranks (Megatron-LM, arXiv 1909.08053).
Between both lies nothing that needs another rank. All else is done by every rank.

Weights become plain smaller tensors, so `layers.linear` computes them as it computes others.

Dimension key:
    D channels in    E channels out
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.models.layers import Linear, linear
from danqing.models.mmdit.block import MMDiTBlock, Stream
from danqing.training.parallel.shares import Share

_INTO = ("to_q", "to_k", "to_v", "mlp.up")
_OUT = ("to_out", "mlp.down")
_PARTIAL = ("norm_q.weight", "norm_k.weight")
"""Weights that all heads share: a rank sees the gradient of its own heads alone."""


def share_heads(network: nn.Module, group: dist.ProcessGroup) -> tuple[dict[str, Share], list[str]]:
    """Cut the blocks of a network for the ranks of a group.

    Returns:
        The shares of weights that were cut, and the names of those with partial gradients.

    Raises:
        RecipeError: there are no blocks, or the heads or channels do not divide.
    """
    rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    shares: dict[str, Share] = {}
    partial: list[str] = []
    for name, stream in _streams(network):
        if stream.heads % ranks:
            raise RecipeError(
                f"parallel.tensor must divide the heads ({stream.heads}), got {ranks}; change it."
            )
        stream.heads //= ranks
        for part in (*_INTO, *_OUT):
            whole = stream.get_submodule(part)
            if type(whole) is not Linear:
                raise RecipeError(
                    "parallel.tensor must be 1 for adapters, whose maps are not cut, "
                    f"got {ranks}; use parallel.shard."
                )
            cut = Into(whole, group) if part in _INTO else Out(whole, group)
            dims = {"weight": 0, "bias": 0} if part in _INTO else {"weight": 1}
            for kind, dim in dims.items():
                weight = whole.get_parameter(kind)
                share = Share.all_of(weight).cut(dim, rank, ranks)
                data = weight.detach()[share.box].clone()
                cut.register_parameter(kind, nn.Parameter(data, weight.requires_grad))
                shares[f"{name}.{part}.{kind}"] = share
            stream.set_submodule(part, cut)
        partial += [f"{name}.{each}" for each in _PARTIAL]
    return shares, partial


def _streams(network: nn.Module) -> Iterator[tuple[str, Stream]]:
    blocks = [name for name, part in network.named_modules() if isinstance(part, MMDiTBlock)]
    if not blocks:
        raise RecipeError("parallel.tensor must be 1 for a model without blocks; leave it out.")
    for name in blocks:
        for half in ("text", "image"):
            stream = network.get_submodule(f"{name}.{half}")
            assert isinstance(stream, Stream)
            yield f"{name}.{half}", stream


class _Cut(Linear):
    def __init__(self, whole: Linear, group: dist.ProcessGroup) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = whole.in_features, whole.out_features
        self.weight, self.bias, self.group = whole.weight, whole.bias, group


class Into(_Cut):
    """Gives some of the channels, from an input that all ranks have."""

    def forward(
        self, input: Float[Tensor, "*rows D"], *, gelu: bool = False
    ) -> Float[Tensor, "*rows E"]:
        """Return this rank's channels of every row, or GELU of them."""
        return super().forward(_Enter.apply(input, self.group), gelu=gelu)


class Out(_Cut):
    """Reads some of the channels, into an output that all ranks have."""

    def forward(
        self, input: Float[Tensor, "*rows D"], *, gelu: bool = False
    ) -> Float[Tensor, "*rows E"]:
        """Return the map of every row; GELU never follows it."""
        assert not gelu, "a map out of hidden channels ends there"
        return _Leave.apply(linear(input, self.weight), self.group) + self.bias


class _Enter(torch.autograd.Function):
    """Gives what all ranks have to each; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        ctx.group = group
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0].contiguous().clone()
        dist.all_reduce(gradient, group=ctx.group)
        return gradient, None


class _Leave(torch.autograd.Function):
    """Gives the sum of what ranks have to all; its gradient is everybody's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        x = x.clone()
        dist.all_reduce(x, group=group)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
