"""What rewards say nothing of stays, if the model goes on learning it.

Rewards judge what is asked for. All else (which colour an open prompt gets, how layouts vary) is
free to drift, and a divergence from the reference does not hold it: it is measured on the pictures
that are painted now, and misses those that are no longer painted. Flow matching on pictures from
elsewhere misses none.
"""

from dataclasses import dataclass, field

import torch
from torch import nn

from danqing.training.objectives.base import Loss
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.sources.rollouts import RolloutBatch


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Flow matching on the pictures of `source.anchor`, beside what is learned from rewards."""

    weight: float = 1.0
    """Its weight in the loss."""
    matching: FlowMatching = field(default_factory=FlowMatching)
    """At which noise levels."""


def anchored(
    loss: Loss, anchor: Anchor, model: nn.Module, batch: RolloutBatch, generator: torch.Generator
) -> Loss:
    """Return a loss on rollouts with that on the anchor's pictures added; none are a 0."""
    if batch.anchor is None:
        return loss
    held = anchor.matching(model, batch.anchor, generator).value
    return Loss(loss.value + anchor.weight * held, {**loss.parts, "anchor": held.detach()})
