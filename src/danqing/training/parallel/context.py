"""Context parallelism: ranks share the tokens of every sample.

Each takes a run of the text and of the image tokens through all blocks. For attention they change
over from some tokens of all heads to all tokens of some heads, and back (DeepSpeed-Ulysses, arXiv
2309.14509). Lengths need not divide.

The loss is the same on all of these ranks, and each takes an equal share of it: gradients are then
summed over them as over ranks with other samples.

Dimension key:
    B batch    T tokens of this rank    S tokens of all    N heads    M = N / ranks    K channels
    D width
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.models.layers import Attend, attend
from danqing.models.mmdit.block import Branches, MMDiTBlock, Rows, Turn
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.trunk import After, untouched


def share_tokens(network: nn.Module, group: dist.ProcessGroup) -> None:
    """Have the ranks of a group share the tokens that go through the blocks of a network.

    Raises:
        RecipeError: there is no transformer, or its heads do not divide.
    """
    ranks = dist.get_world_size(group)
    found = [part for part in network.modules() if isinstance(part, MMDiT)]
    if not found:
        raise RecipeError("parallel.context must be 1 for a model without blocks; leave it out.")
    for mmdit in found:
        heads = cast(MMDiTBlock, mmdit.blocks[0]).image.heads
        if heads % ranks:
            raise RecipeError(
                f"parallel.context must divide the heads of a rank ({heads}), got {ranks}; "
                "change it."
            )
        mmdit.through = _Shared(mmdit, group).through


class _Shared:
    """The blocks of a transformer, through which some of the tokens go."""

    def __init__(self, mmdit: MMDiT, group: dist.ProcessGroup) -> None:
        self.whole, self.group = mmdit.through, group
        self.rank, self.ranks = dist.get_rank(group), dist.get_world_size(group)

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
        """Return the image tokens of the one branch, all of them, after the blocks."""
        assert after is untouched, "what is added to all tokens does not fit a rank's"
        (text,), (image,), (turn,), (mask,), (still,) = texts, images, turns, masks, stills
        words, pixels = self._runs(text.shape[1]), self._runs(image.shape[1])
        # Attention reads the ranks' tokens one after the other, each rank's text first.
        order = torch.arange(turn.shape[1], device=turn.device).split([*words, *pixels])
        order = [torch.cat(pair) for pair in zip(*_halves(order), strict=True)]
        across = _Across(self.group, [len(each) for each in order], attend)
        (out,) = self.whole(
            [text.split(words, dim=1)[self.rank]],
            [image.split(pixels, dim=1)[self.rank]],
            steering,
            [turn[:, order[self.rank]]],
            [None if mask is None else mask[:, torch.cat(order)]],
            [None if still is None else still.split(pixels, dim=1)[self.rank]],
            across.attend,
        )
        return [_Gather.apply(out, self.group, pixels)]

    def _runs(self, count: int) -> list[int]:
        """Return how many of the tokens each rank takes."""
        return [count // self.ranks + (rank < count % self.ranks) for rank in range(self.ranks)]


def _halves(parts: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    return parts[: len(parts) // 2], parts[len(parts) // 2 :]


@dataclass(frozen=True, slots=True)
class _Across:
    """Attention of tokens that are spread over ranks."""

    group: dist.ProcessGroup
    lengths: list[int]
    """Tokens of each rank."""
    inner: Attend
    """Attention of tokens that are all here."""

    def attend(
        self,
        q: Float[Tensor, "B N T K"],
        k: Float[Tensor, "B N T K"],
        v: Float[Tensor, "B N T K"],
        mask: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Let the tokens of this rank read all tokens."""
        q, k, v = (self._to_heads(x) for x in (q, k, v))
        return self._to_tokens(self.inner(q, k, v, mask), q.shape[1])

    def _to_heads(self, x: Float[Tensor, "B N T K"]) -> Float[Tensor, "B M S K"]:
        sent = rearrange(x, "b (r m) t k -> (r t) b m k", r=len(self.lengths))
        mine = [x.shape[2]] * len(self.lengths)
        return rearrange(
            _Exchange.apply(sent, self.group, mine, self.lengths), "s b m k -> b m s k"
        )

    def _to_tokens(self, x: Float[Tensor, "B S _"], heads: int) -> Float[Tensor, "B T D"]:
        ranks = len(self.lengths)
        mine = [self.lengths[dist.get_rank(self.group)]] * ranks
        sent = rearrange(x, "b s (m k) -> s b m k", m=heads)
        got = _Exchange.apply(sent, self.group, self.lengths, mine)
        return rearrange(got, "(r t) b m k -> b t (r m k)", r=ranks)


class _Exchange(torch.autograd.Function):
    """Sends some rows to each rank and gets some from each; its gradient goes the other way."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, group: dist.ProcessGroup, sent: list[int], got: list[int]
    ) -> Tensor:
        ctx.group, ctx.sent, ctx.got = group, sent, got
        return _exchange(rows, group, sent, got)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return _exchange(gradients[0], ctx.group, ctx.got, ctx.sent), None, None, None


def _exchange(rows: Tensor, group: dist.ProcessGroup, sent: list[int], got: list[int]) -> Tensor:
    out = rows.new_empty(sum(got), *rows.shape[1:])
    dist.all_to_all_single(out, rows.contiguous(), got, sent, group=group)
    return out


class _Gather(torch.autograd.Function):
    """Puts the tokens of all ranks together.

    All ranks go on alike from there, each with its share of the loss; so the gradient is that
    of one rank, times their number.
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, group: dist.ProcessGroup, lengths: list[int]) -> Tensor:
        ctx.lengths, ctx.rank = lengths, dist.get_rank(group)
        rows = rearrange(tokens, "b t d -> t b d").repeat(len(lengths), 1, 1)
        out = _exchange(rows, group, [tokens.shape[1]] * len(lengths), lengths)
        return rearrange(out, "t b d -> b t d")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        mine = gradients[0].split(ctx.lengths, dim=1)[ctx.rank]
        return mine * len(ctx.lengths), None, None
