"""Schedules: the list of sigmas a sampler walks down. The time convention is stated here, once.

    sigma 1 is pure noise, sigma 0 is the picture; velocity = noise - picture.

The Qwen-Image report (arXiv 2508.02324) lets time run the other way; its published code, and all
of ours, does not. What networks embed is the timestep, 1000 sigma.

A schedule takes the even grid 1, 1 - 1/N, ..., 1/N and bends it towards noise, because the more
tokens a picture has, the more noise it takes to hide it (Esser et al., arXiv 2403.03206):

    sigma' = w / (w + 1/sigma - 1)      w = e^mu (exponential kind) or mu (linear kind)

It may then stretch the list so that its last entry before 0 is `terminal`. Arithmetic is float32
in the order of the published scheduler, so that dynamic shifts give its numbers to the last bit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from danqing.core.errors import CheckpointError, RequestError
from danqing.core.registry import Registry


@runtime_checkable
class Schedule(Protocol):
    """Anything that says through which noise levels a picture comes to be."""

    def __call__(self, steps: int, tokens: int) -> tuple[float, ...]:
        """Return `steps` falling sigmas, the first 1, and a final 0.

        `tokens` counts the tokens of the picture being made, without those of its sources.

        Raises:
            RequestError: `steps` is below 1.
        """
        ...


schedules: Registry[type[Schedule]] = Registry("schedule")


@schedules.register("dynamic")
@dataclass(frozen=True, kw_only=True, slots=True)
class DynamicShift:
    """A shift that grows with the picture: mu is a straight line in its number of tokens.

    The line goes on beyond both of its anchors.
    """

    base_shift: float = 0.5
    """mu of a picture of `base_tokens`."""
    max_shift: float = 0.9
    """mu of a picture of `max_tokens`."""
    base_tokens: int = 256
    """First anchor of the line."""
    max_tokens: int = 8192
    """Second anchor of the line."""
    kind: Literal["exponential", "linear"] = "exponential"
    """Whether mu is the logarithm of the grid's weight or the weight itself."""
    terminal: float | None = 0.02
    """The last sigma before 0, or None to leave it where it falls."""

    def __call__(self, steps: int, tokens: int) -> tuple[float, ...]:
        """Return `steps + 1` sigmas from 1 to 0."""
        mu = self.mu(tokens)
        return _bend(steps, math.exp(mu) if self.kind == "exponential" else mu, self.terminal)

    def mu(self, tokens: int) -> float:
        """Return the shift of a picture of so many tokens."""
        slope = (self.max_shift - self.base_shift) / (self.max_tokens - self.base_tokens)
        return tokens * slope + (self.base_shift - slope * self.base_tokens)


@schedules.register("layered")
@dataclass(frozen=True, kw_only=True, slots=True)
class LayeredShift:
    """The rule of Qwen-Image-Layered: mu is the square root of one layer's relative size."""

    base_tokens: int = 256
    """Tokens of the layer whose grid stays even."""

    def __call__(self, steps: int, tokens: int) -> tuple[float, ...]:
        """Return `steps + 1` sigmas from 1 to 0; `tokens` counts one layer."""
        return _bend(steps, math.sqrt(tokens / self.base_tokens))


@schedules.register("constant")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantShift:
    """The same shift at every size, as models distilled to few steps want it (Lightning: 3)."""

    shift: float = 3.0
    """The grid's weight; 1 leaves it even."""
    terminal: float | None = None
    """The last sigma before 0, or None to leave it where it falls."""

    def __call__(self, steps: int, tokens: int) -> tuple[float, ...]:
        """Return `steps + 1` sigmas from 1 to 0, whatever `tokens` is."""
        return _bend(steps, self.shift, self.terminal)


def _bend(steps: int, weight: float, terminal: float | None = None) -> tuple[float, ...]:
    if steps < 1:
        raise RequestError(f"steps must be at least 1, got {steps}; try 50.")
    grid = torch.tensor([1 - i / steps for i in range(steps)], dtype=torch.float32)
    # A number divided by a tensor would be a reciprocal and a product, rounded twice.
    numerator = torch.tensor(weight)
    sigmas = numerator / (numerator + (1 / grid - 1))
    # A single step starts and ends at 1, which nothing can stretch.
    if terminal is not None and steps > 1:
        rest = 1 - sigmas
        sigmas = 1 - rest / (rest[-1] / (1 - terminal))
    return (*sigmas.tolist(), 0.0)


def from_published(config: Mapping[str, Any], *, layered: bool = False) -> Schedule:
    """Return the schedule that a published `scheduler_config.json` means.

    Keys that a file leaves out count as the published code counts them, which is not what the
    published files say: anchors of 4096 tokens and 1.15, and no dynamic shift at all.

    Args:
        config: The parsed file.
        layered: Whether the pipeline is the Layered one, whose rule for mu stands in its code.

    Raises:
        CheckpointError: the file asks for something other than a shifted grid.
    """
    for key, usual in _USUAL.items():
        if config.get(key, usual) != usual:
            raise CheckpointError(
                f"scheduler setting {key} must be {usual!r}, got {config[key]!r}; "
                "choose a model with a flow-matching Euler scheduler."
            )
    # The published code reads a terminal of 0 as none.
    terminal = config.get("shift_terminal") or None
    if not config.get("use_dynamic_shifting", False):
        return ConstantShift(shift=config.get("shift", 1.0), terminal=terminal)
    if layered:
        return LayeredShift()
    return DynamicShift(
        base_shift=config.get("base_shift", 0.5),
        max_shift=config.get("max_shift", 1.15),
        base_tokens=config.get("base_image_seq_len", 256),
        max_tokens=config.get("max_image_seq_len", 4096),
        kind=config.get("time_shift_type", "exponential"),
        terminal=terminal,
    )


def to_published(schedule: Schedule) -> dict[str, Any]:
    """Return the `scheduler_config.json` that means this schedule.

    Raises:
        CheckpointError: it is not one that the published format can say.
    """
    match schedule:
        case DynamicShift():
            settings = {
                "use_dynamic_shifting": True,
                "base_shift": schedule.base_shift,
                "max_shift": schedule.max_shift,
                "base_image_seq_len": schedule.base_tokens,
                "max_image_seq_len": schedule.max_tokens,
                "time_shift_type": schedule.kind,
                "shift_terminal": schedule.terminal,
            }
        case ConstantShift():
            settings = {
                "use_dynamic_shifting": False,
                "shift": schedule.shift,
                "shift_terminal": schedule.terminal,
            }
        case LayeredShift(base_tokens=256):
            settings = {
                "use_dynamic_shifting": True,
                "base_shift": 0.5,
                "max_shift": 0.9,
                "base_image_seq_len": 256,
                "max_image_seq_len": 8192,
                "time_shift_type": "linear",
                "shift_terminal": None,
            }
        case _:
            raise CheckpointError(
                f"schedule must be one that the published format knows, got {schedule}; "
                "save the model with a dynamic or a constant shift."
            )
    return _USUAL | settings


_USUAL: dict[str, Any] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "invert_sigmas": False,
    "stochastic_sampling": False,
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
}
