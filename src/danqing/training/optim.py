"""The optimizer and its learning rate over steps."""

import math
from dataclasses import dataclass, field

import torch
from torch import nn

from danqing.core.errors import RecipeError


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW:
    """AdamW (arXiv 1711.05101); matrices decay, vectors (norms, biases) do not."""

    lr: float = 1e-3
    """Peak learning rate."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Decay of the running mean and of the running square."""
    weight_decay: float = 0.01
    """Decay of matrices per step, times the learning rate."""
    clip: float = 1.0
    """Largest norm of the gradient of all parameters together."""
    scales: dict[str, float] = field(default_factory=dict)
    """Multiples of the learning rate for parameters whose names begin so, as `conditioner`."""

    def build(self, module: nn.Module) -> torch.optim.AdamW:
        """Return the optimizer of a module's parameters.

        Raises:
            RecipeError: A scale is for parameters that there are not.
        """
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        unused = set(self.scales)
        for name, parameter in module.named_parameters():
            prefix = next((p for p in self.scales if name.startswith(p)), "")
            unused.discard(prefix)
            scale = self.scales.get(prefix, 1.0)
            decay = self.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
        if unused:
            raise RecipeError(
                f"scales must name parameters of the model, got {min(unused)}; "
                f"try {sorted({name.split('.')[0] for name, _ in module.named_parameters()})}."
            )
        return torch.optim.AdamW(
            [
                {"params": parameters, "lr": self.lr * scale, "weight_decay": decay}
                for (scale, decay), parameters in groups.items()
            ],
            betas=self.betas,
            fused=True,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LRSchedule:
    """Warm up, stay, then fall to zero: a run can be prolonged until the fall begins."""

    warmup: int = 100
    """Steps of linear rise."""
    fall: float = 0.3
    """Share of all steps spent falling."""

    def factor(self, step: int, steps: int) -> float:
        """Return the multiple of the peak rate for a 0-based step, in [0, 1]."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        start = steps * (1 - self.fall)
        if step < start:
            return rise
        return rise * 0.5 * (1 + math.cos(math.pi * (step - start) / (steps - start)))
