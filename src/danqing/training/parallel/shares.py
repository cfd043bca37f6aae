"""What a rank has of every weight: a box of it.

Sharding cuts weights by rows, tensor parallelism by rows or columns, and one after the other
leaves a box. What knows the box knows enough to save it, to put a whole together, and to take its
part of one. A box that several ranks have is answered for by one of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.distributed as dist
from torch import Tensor, nn

from danqing.training.parallel.world import device

Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A box of a weight."""

    whole: tuple[int, ...]
    """Shape of the weight."""
    start: tuple[int, ...]
    """Where the box begins."""
    shape: tuple[int, ...]
    """Shape of the box."""
    answers: bool = True
    """Whether this rank answers for the box."""
    divided: bool = False
    """Whether other ranks have other boxes; all ranks say the same, even one that has all rows."""

    @classmethod
    def all_of(cls, weight: Tensor) -> "Share":
        """Return the share of who has the whole."""
        return cls(tuple(weight.shape), (0,) * weight.ndim, tuple(weight.shape))

    @property
    def box(self) -> Box:
        """Return what to index the whole with."""
        ends = zip(self.start, self.shape, strict=True)
        return tuple(slice(start, start + size) for start, size in ends)

    def cut(self, dim: int, rank: int, ranks: int) -> "Share":
        """Return a rank's part of this one, cut along a dimension as `torch.chunk` does."""
        step = -(-self.shape[dim] // ranks)
        first = min(rank * step, self.shape[dim])
        length = min(step, self.shape[dim] - first)
        start, shape = list(self.start), list(self.shape)
        start[dim], shape[dim] = start[dim] + first, length
        divided = self.divided or ranks > 1
        return replace(self, start=tuple(start), shape=tuple(shape), divided=divided)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of this rank, by name; all of a weight where nothing is said."""

    by_name: Mapping[str, Share] = field(default_factory=dict[str, Share])
    partial: Sequence[str] = ()
    """Weights of which every rank of `tensor` sees a part of the gradient."""
    tensor: dist.ProcessGroup | None = None
    """The ranks that have other boxes of cut weights, and the rest in common."""

    def of(self, name: str, weight: Tensor) -> Share:
        """Return the share of a weight."""
        return self.by_name.get(name) or Share.all_of(weight)

    def complete(self, weights: Mapping[str, nn.Parameter]) -> None:
        """Add up the gradients of which every rank has a part."""
        for name in self.partial:
            if name in weights and (gradient := weights[name].grad) is not None:
                dist.all_reduce(gradient, group=self.tensor)

    def clip(self, weights: Mapping[str, nn.Parameter], most: float) -> Tensor:
        """Scale the gradients to a norm of at most `most`, all together; return what it was."""
        gradients = {name: w.grad for name, w in weights.items() if w.grad is not None}
        counted = [g for name, g in gradients.items() if self.of(name, g).answers]
        norm = torch.nn.utils.get_total_norm(counted)
        if self.by_name:
            square = norm.square().to(device())
            dist.all_reduce(square)
            norm = square.sqrt()
        torch.nn.utils.clip_grads_with_norm_(weights.values(), most, norm)
        return norm


def together(parts: Iterable[tuple[Share, Tensor]]) -> Tensor:
    """Return weights of one shape as wholes, stacked, on every rank.

    All but one of the numbers that are summed are zero, so nothing is rounded.
    """
    pairs = list(parts)
    if not any(share.divided for share, _ in pairs):
        return torch.stack([part for _, part in pairs])
    wholes = pairs[0][1].new_zeros(len(pairs), *pairs[0][0].whole)
    for whole, (share, part) in zip(wholes, pairs, strict=True):
        if share.answers:
            whole[share.box] = part
    dist.all_reduce(wholes)
    return wholes


def local(weight: Tensor) -> Tensor:
    """Return the part of a weight that is here."""
    # By its method, because the module of its class takes seconds to import.
    return weight.to_local() if hasattr(weight, "to_local") else weight  # pyright: ignore
