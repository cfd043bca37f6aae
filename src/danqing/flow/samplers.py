"""Samplers: ways to walk from noise to a picture along a velocity.

A sampler asks a velocity for directions and knows nothing else: guidance, caching and source
pictures are velocities wrapped around velocities. All arithmetic is float32; the state is handed
on in the dtype it came in, so float32 noise keeps a float32 state and bfloat16 noise reproduces
the rounding of the published scheduler.

Dimension key:
    *s any shape; a state and its velocity share it
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.core.registry import Registry
from danqing.flow import path


@runtime_checkable
class Velocity(Protocol):
    """Anything that says which way noise lies: a model, a guided pair, a cached model."""

    def __call__(self, x: Float[Tensor, "*s"], sigma: float) -> Float[Tensor, "*s"]:
        """Return the velocity at `x`, in the dtype of `x`."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """What a watcher sees at each step: enough for previews, progress and early stops."""

    index: int
    """Counts from 0."""
    total: int
    """How many steps there are."""
    sigma: float
    """Noise level of `x`."""
    x: Float[Tensor, "*s"]
    """The state before the step."""
    velocity: Float[Tensor, "*s"]
    """The velocity there."""

    @property
    def denoised(self) -> Float[Tensor, "*s"]:
        """The picture the model believes in at this step, float32."""
        return path.denoised(self.x.float(), self.velocity.float(), self.sigma)


Watch = Callable[[Step], None]


def ignore(step: Step) -> None:
    """Watch nothing."""


@runtime_checkable
class Sampler(Protocol):
    """Anything that turns noise into a picture, given directions."""

    def __call__(
        self,
        velocity: Velocity,
        x: Float[Tensor, "*s"],
        sigmas: Sequence[float],
        watch: Watch = ignore,
    ) -> Float[Tensor, "*s"]:
        """Return the state at the last of the falling `sigmas`, starting from `x` at the first.

        `watch` sees every step before it is taken; it may raise to stop.
        """
        ...


samplers: Registry[Sampler] = Registry("sampler")


@samplers.register("euler")
def euler(
    velocity: Velocity,
    x: Float[Tensor, "*s"],
    sigmas: Sequence[float],
    watch: Watch = ignore,
) -> Float[Tensor, "*s"]:
    """First order, as Qwen-Image is published: go straight along the velocity."""
    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        v = velocity(x, sigma)
        watch(Step(i, len(sigmas) - 1, sigma, x, v))
        x = _go(x, v, after - sigma)
    return x


@samplers.register("heun")
def heun(
    velocity: Velocity,
    x: Float[Tensor, "*s"],
    sigmas: Sequence[float],
    watch: Watch = ignore,
) -> Float[Tensor, "*s"]:
    """Second order: look ahead with Euler, then go with the mean of both slopes.

    Asks for two velocities a step, except in the last: networks are not trained at sigma 0.
    """
    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        v = velocity(x, sigma)
        watch(Step(i, len(sigmas) - 1, sigma, x, v))
        if after > 0:
            ahead = velocity(_go(x, v, after - sigma), after)
            v = (v.float() + ahead.float()) / 2
        x = _go(x, v, after - sigma)
    return x


@samplers.register("dpmpp_2m")
def dpmpp_2m(
    velocity: Velocity,
    x: Float[Tensor, "*s"],
    sigmas: Sequence[float],
    watch: Watch = ignore,
) -> Float[Tensor, "*s"]:
    """Second order at one velocity a step: DPM-Solver++(2M) (Lu et al., arXiv 2211.01095).

    With signal 1 - sigma its exponential update reduces to mixing the state and a target by
    sigmas. The target is the denoised picture, pushed on by its last change in proportion to the
    steps of the log signal-to-noise ratio; in the first and the last step it is not pushed.
    """
    before, last = 1.0, x
    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        v = velocity(x, sigma)
        step = Step(i, len(sigmas) - 1, sigma, x, v)
        watch(step)
        target = denoised = step.denoised
        if i > 0 and after > 0:
            push = (_log_snr(after) - _log_snr(sigma)) / (_log_snr(sigma) - _log_snr(before)) / 2
            target = denoised + push * (denoised - last)
        keep = after / sigma
        x = (keep * x.float() + (1 - keep) * target).to(x.dtype)
        before, last = sigma, denoised
    return x


def _go(x: Float[Tensor, "*s"], v: Float[Tensor, "*s"], distance: float) -> Float[Tensor, "*s"]:
    # As the published scheduler has it: a product in the dtype of the velocity, and on the CPU
    # a tensor as its first factor is rounded to that dtype where a number would not be.
    return (x.float() + torch.tensor(distance) * v).to(x.dtype)


def _log_snr(sigma: float) -> float:
    return math.log((1 - sigma) / sigma) if sigma < 1 else -math.inf
