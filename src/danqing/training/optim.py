"""Optimizers, and their learning rate over steps."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.core.registry import Registry
from danqing.training.parallel.shares import Share, Shares, together

EVERYTHING: Final = Shares()
"""What a process that is alone has of every weight."""


@runtime_checkable
class Optimizer(Protocol):
    """Settings of an optimizer, which build it for some weights."""

    @property
    def clip(self) -> float:
        """Largest norm of the gradient of all weights together."""
        ...

    def build(
        self, weights: Mapping[str, nn.Parameter], shares: Shares = EVERYTHING
    ) -> list[torch.optim.Optimizer]:
        """Return the optimizers that share some weights among them.

        Args:
            weights: The weights, this rank's boxes of them.
            shares: What they are of the whole ones.
        """
        ...


optimizers: Registry[type[Optimizer]] = Registry("optimizer")


@optimizers.register("adamw")
@dataclass(frozen=True, kw_only=True)
class AdamW:
    """AdamW (arXiv 1711.05101); matrices decay, vectors (norms, biases) do not."""

    lr: float = 1e-3
    """Peak learning rate."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Decay of the running mean and of the running square."""
    weight_decay: float = 0.01
    """Decay of matrices per step, times the learning rate."""
    clip: float = 1.0
    """Largest norm of the gradient of all weights together."""
    scales: dict[str, float] = field(default_factory=dict)
    """Multiples of the learning rate for weights whose names begin so, as `conditioner`; the
    longest beginning counts."""

    def build(
        self, weights: Mapping[str, nn.Parameter], shares: Shares = EVERYTHING
    ) -> list[torch.optim.Optimizer]:
        """Return the one optimizer of some weights; of none, none.

        Raises:
            RecipeError: A scale is for weights that there are not.
        """
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        unused = set(self.scales)
        for name, weight in weights.items():
            prefix = max((p for p in self.scales if name.startswith(p)), key=len, default="")
            unused.discard(prefix)
            scale = self.scales.get(prefix, 1.0)
            decay = self.weight_decay if weight.ndim >= 2 else 0.0
            groups.setdefault((scale, decay), []).append(weight)
        if unused:
            raise RecipeError(
                f"scales must name parameters of the model, got {min(unused)}; "
                f"try {sorted({name.split('.')[0] for name in weights})}."
            )
        tables = [
            {"params": members, "lr": self.lr * scale, "weight_decay": decay}
            for (scale, decay), members in groups.items()
        ]
        return [torch.optim.AdamW(tables, betas=self.betas, fused=True)] if tables else []


@optimizers.register("muon")
@dataclass(frozen=True, kw_only=True)
class Muon(AdamW):
    """Muon for the matrices inside blocks, AdamW for everything else.

    Momentum is replaced by the nearest (semi-)orthogonal matrix, so that every direction of a
    matrix learns at one pace (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon), and
    scaled so that an update is as large as AdamW's (arXiv 2502.16982), whose rate it shares.
    """

    matrices: str = r"blocks\..*\.(to_|mlp\.)"
    """Which weights of two dimensions are such matrices: an expression found in their names."""
    momentum: float = 0.95
    """Decay of the running mean of gradients of matrices (Nesterov's)."""

    def build(
        self, weights: Mapping[str, nn.Parameter], shares: Shares = EVERYTHING
    ) -> list[torch.optim.Optimizer]:
        """Return the optimizer of the matrices and that of the rest.

        Raises:
            RecipeError: A scale is for weights that there are not, or no weight is a matrix.
        """
        matrices = {n: w for n, w in weights.items() if w.ndim == 2 and re.search(self.matrices, n)}
        if not matrices:
            raise RecipeError(
                f"matrices must be found in names of weights, got {self.matrices!r}; "
                f"they look like {next(iter(weights))}."
            )
        rest = {name: weight for name, weight in weights.items() if name not in matrices}
        by_shape: dict[tuple[int, ...], list[tuple[nn.Parameter, Share]]] = {}
        for name, weight in matrices.items():
            share = shares.of(name, weight)
            by_shape.setdefault(share.whole, []).append((weight, share))
        orthogonal = Orthogonal(by_shape.values(), self.lr, self.momentum, self.weight_decay)
        return [orthogonal, *AdamW.build(self, rest)]


class Orthogonal(torch.optim.Optimizer):
    """Muon's update of matrices, those of one shape together.

    Where ranks have boxes of the matrices, these are put together for it: a matrix is turned as a
    whole, by every rank.
    """

    def __init__(
        self,
        matrices: Iterable[list[tuple[nn.Parameter, Share]]],
        lr: float,
        momentum: float,
        weight_decay: float,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        groups = [list(zip(*pairs, strict=True)) for pairs in matrices]
        super().__init__(
            [{"params": list(weights), "shares": shares} for weights, shares in groups], defaults
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            pairs = zip(group["params"], group["shares"], strict=True)
            moved = [(weight, share) for weight, share in pairs if weight.grad is not None]
            if not moved:
                continue
            ahead = together((share, self._ahead(weight, **group)) for weight, share in moved)
            # An orthogonal matrix has a root mean square of 1 / sqrt(its longer side).
            size = 0.2 * max(ahead.shape[1:]) ** 0.5
            for (weight, share), update in zip(moved, orthogonalize(ahead), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update[share.box], alpha=-group["lr"] * size)

    def _ahead(self, weight: nn.Parameter, momentum: float, **_: object) -> Tensor:
        """Update the mean of a weight's gradients and return where it is heading (Nesterov)."""
        gradient = weight.grad
        assert gradient is not None, "called for weights with a gradient"
        mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
        mean.lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum)


def orthogonalize(matrices: Float[Tensor, "N E D"], steps: int = 5) -> Float[Tensor, "N E D"]:
    """Return about the nearest semi-orthogonal matrices: singular values of 0.7 to 1.2.

    Newton-Schulz iteration with Jordan's quintic; bfloat16 is enough for it.
    """
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(
            x, torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445
        )
    return (x.mT if tall else x).to(matrices.dtype)


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
