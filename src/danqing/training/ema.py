"""Averages of weights: what a trained model ships (Polyak averaging), and what it was before."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

Decay = Callable[[int], float]
"""From the number of a step, from 0, to the share of an average that outlives it."""


def frozen(step: int) -> float:
    """Return 1: the decay of weights that stay what they were at first."""
    return 1.0


class Average:
    """Float32 averages of weights, by name, that follow them as a decay says."""

    def __init__(self, weights: Mapping[str, Tensor], decay: Decay) -> None:
        self.decay = decay
        self.average = {name: weight.detach().float().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], step: int) -> None:
        """Move the average towards the float32 weights after `step` (0-based) updates."""
        if (share := 1 - self.decay(step)) == 0:
            return
        # One call for all tensors; it has no public name, but optimizers of PyTorch rest on it.
        torch._foreach_lerp_(  # pyright: ignore
            list(self.average.values()), list(weights.values()), share
        )

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Give a module of the same shape the averages, in float32; what is frozen stays."""
        for name, parameter in module.named_parameters():
            if name in self.average:
                parameter.data = self.average[name].clone()

    def state(self) -> dict[str, Tensor]:
        """Return the averages by parameter name."""
        return self.average

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up averages saved by `state`."""
        for name, value in self.average.items():
            value.copy_(state[name])


class EMA(Average):
    """The average that is shipped.

    The decay ramps up as (1 + n) / (10 + n), so that early averages are not dominated by the
    initial weights.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        super().__init__(weights, lambda step: min(decay, (1 + step) / (10 + step)))
