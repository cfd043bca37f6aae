"""How the work of a step is divided: over ranks, and over time.

A batch is drawn whole, noise and all, from the seed and the step, so every rank knows all of it;
then it is cut, and each takes its pieces, one after the other. The loss is a mean over samples, so
a piece counts as much as it has samples, and gradients are summed: into how many pieces a batch is
cut decides nothing but the order of sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from danqing.training.objectives.base import Divisible, Loss, Objective
from danqing.training.parallel.world import alone, device
from danqing.training.weights import Weights


@dataclass(frozen=True, slots=True)
class Work:
    """The part of a step that a rank does."""

    rank: int = 0
    """Which of those with other samples this is."""
    ranks: int = 1
    """Those with other samples."""
    rounds: int = 1
    """Pieces that each takes, one after the other."""
    alike: int = 1
    """Ranks with the same samples that share the loss."""

    def learn(
        self, objective: Objective, weights: Weights, batch: Any, generator: torch.Generator
    ) -> Loss:
        """Return the loss on a batch, and leave its gradient in the masters that are here."""
        if not isinstance(objective, Divisible):  # A run that divides its work was refused.
            loss = objective(weights.module, batch, generator)
            loss.value.backward()
            weights.collect()
            return loss
        told: list[tuple[float, Loss]] = []
        drawn = objective.draw(weights.module, batch, generator)
        for share, piece in self.pieces(drawn):
            loss = objective.loss(weights.module, piece)
            (loss.value * (share / self.alike)).backward()
            weights.collect()
            told.append((share, Loss(loss.value.detach(), loss.parts)))
        weights.complete()
        return _mean(told)

    def pieces(self, drawn: Any) -> Iterator[tuple[float, Any]]:
        """Yield the pieces of this rank, each after its share of the samples.

        Where samples are fewer than pieces, some are of one sample and count nothing, because all
        ranks must take equally many.
        """
        count = _count(drawn)
        runs = torch.arange(count).tensor_split(self.ranks * self.rounds)
        for run in runs[self.rank * self.rounds : (self.rank + 1) * self.rounds]:
            first = int(run[0]) if len(run) else 0
            yield len(run) / count, cut(drawn, slice(first, first + max(1, len(run))))


def cut(drawn: Any, samples: slice) -> Any:
    """Return some samples of a dataclass that has an entry for each in every field."""
    if is_dataclass(drawn):
        parts = {each.name: cut(getattr(drawn, each.name), samples) for each in fields(drawn)}
        return type(drawn)(**parts)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]
    return drawn[samples].to(device()) if isinstance(drawn, Tensor) else drawn[samples]


def _count(drawn: Any) -> int:
    return _count(getattr(drawn, fields(drawn)[0].name)) if is_dataclass(drawn) else len(drawn)


def _mean(told: Sequence[tuple[float, Loss]]) -> Loss:
    """Return the mean over all pieces of all ranks; a part that is NaN was in no sample."""
    names = list(told[0][1].parts)
    values = torch.stack([torch.stack([loss.value, *loss.parts.values()]) for _, loss in told])
    shares = torch.tensor([share for share, _ in told], device=values.device)
    shares = shares[:, None] * ~values.isnan()
    sums = torch.stack([(values.nan_to_num(nan=0.0) * shares).sum(0), shares.sum(0)])
    if not alone():
        dist.all_reduce(sums)
    value, *parts = (sums[0] / sums[1]).unbind()
    return Loss(value, dict(zip(names, parts, strict=True)))
