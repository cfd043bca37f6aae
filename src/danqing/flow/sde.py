"""Stochastic steps: where a step may end and how likely each end is, as policy gradients need it.

A step from sigma to a lower one ends in a Gaussian, and a `kernel` says which, given a velocity v:

    flow_sde   Euler-Maruyama on the SDE whose marginals are those of the flow, in the limit of
               small steps (Flow-GRPO, arXiv 2505.05470). Its noise comes on top of that of the
               path, so pictures made in few steps keep some of it.
    cps        part of the noise that is believed to be in x is exchanged for fresh noise
               (coefficients-preserving sampling, arXiv 2509.05952). Whatever the step, picture and
               noise keep the weights 1 - sigma and sigma; there is no limit of small steps.

At level 0 both are the Euler step of the flow. All arithmetic is float32: in bfloat16 the ratio of
two likelihoods is lost.

Dimension key:
    B batch    *s any shape
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from danqing.core.registry import Registry
from danqing.flow import path
from danqing.flow.samplers import Velocity

Measure = Literal["mean", "sum", "distance"]
"""How a likelihood is told: the log-density as the mean over the dimensions of a sample (as
published for `flow_sde`) or as their sum (as it is), or the negative mean square distance from the
mean (as published for `cps`). Ratios of one are no ratios of another, and nor are clip ranges."""


class Step(NamedTuple):
    """Where a stochastic step may end: a Gaussian of equal deviation in all dimensions."""

    mean: Float32[Tensor, "B *s"]
    std: float
    """0: it ends at the mean."""

    def draw(self, generator: torch.Generator) -> Float32[Tensor, "B *s"]:
        """Return an end; the noise is drawn on the CPU."""
        noise = torch.randn(self.mean.shape, generator=generator)
        return self.mean + self.std * noise.to(self.mean)

    def log_prob(self, x: Float[Tensor, "B *s"], measure: Measure) -> Float32[Tensor, "B"]:
        """Return how likely the step is to end at each `x`; `std` must be above 0."""
        square = (x.float() - self.mean).square().flatten(1)
        if measure == "distance":
            return -square.mean(1)
        density = -square / (2 * self.std**2) - math.log(self.std * math.sqrt(2 * math.pi))
        return density.mean(1) if measure == "mean" else density.sum(1)


@runtime_checkable
class Kernel(Protocol):
    """Anything that makes a step of the flow stochastic."""

    def __call__(
        self,
        x: Float[Tensor, "B *s"],
        v: Float[Tensor, "B *s"],
        sigma: float,
        after: float,
        level: float,
    ) -> Step:
        """Return where a step from `sigma` to `after` may end, at a noise level from 0 to 1."""
        ...


kernels: Registry[Kernel] = Registry("kernel")


@kernels.register("flow_sde")
def flow_sde(
    x: Float[Tensor, "B *s"],
    v: Float[Tensor, "B *s"],
    sigma: float,
    after: float,
    level: float,
) -> Step:
    """Step along dx = (v + s^2 / (2 sigma) (x + (1 - sigma) v)) dsigma with noise s.

    Here s = level sqrt(sigma / (1 - sigma)); at sigma 1, where it would be infinite, `after` stands
    for sigma below the line. Levels above 1 are allowed and used.
    """
    x, v, step = x.float(), v.float(), after - sigma
    variance = level**2 * sigma / (1 - (sigma if sigma < 1 else after))
    drift = v + variance / (2 * sigma) * path.noise_of(x, v, sigma)
    return Step(x + step * drift, math.sqrt(-step * variance))


@kernels.register("cps")
def cps(
    x: Float[Tensor, "B *s"],
    v: Float[Tensor, "B *s"],
    sigma: float,
    after: float,
    level: float,
) -> Step:
    """Go to both ends of the path, come back to `after`, and exchange some of its noise.

    At level 1 all of it is fresh. A step to sigma 0 has no noise to exchange.
    """
    x, v, angle = x.float(), v.float(), level * math.pi / 2
    kept = after * math.cos(angle) * path.noise_of(x, v, sigma)
    return Step((1 - after) * path.denoised(x, v, sigma) + kept, after * math.sin(angle))


class Hop(NamedTuple):
    """One stochastic step that was taken."""

    sigma: float
    after: float
    x: Float32[Tensor, "B *s"]
    """Where it began."""
    step: Step
    """Where it might have ended."""
    end: Float32[Tensor, "B *s"]
    """Where it ended."""

    def of(self, rows: Bool[Tensor, "B"]) -> "Hop":
        """Return the step of some samples alone."""
        step = Step(self.step.mean[rows], self.step.std)
        return self._replace(x=self.x[rows], step=step, end=self.end[rows])


def walk(
    velocity: Velocity,
    x: Float[Tensor, "B *s"],
    sigmas: Sequence[float],
    kernel: Kernel,
    level: float,
    window: range,
    generator: torch.Generator,
) -> tuple[Float32[Tensor, "B *s"], list[Hop]]:
    """Return the end of a walk down `sigmas` and its stochastic steps; the others are Euler's.

    Steps of a window that are certain, as the last one of `cps` is, are walked and not returned.

    Args:
        velocity: Says which way noise lies.
        x: The state at the first sigma.
        sigmas: Falling noise levels.
        kernel: Makes steps stochastic.
        level: How much.
        window: Numbers of the steps that are stochastic, from 0.
        generator: Draws their noise.
    """
    x, hops = x.float(), list[Hop]()
    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        step = kernel(x, velocity(x, sigma), sigma, after, level if i in window else 0.0)
        end = step.draw(generator) if step.std else step.mean
        if step.std:
            hops.append(Hop(sigma, after, x, step, end))
        x = end
    return x, hops
