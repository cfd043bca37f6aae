"""Batches of states on the walks of the model itself, each to be followed by one better step.

No pictures are needed, only prompts. Batch n begins with noise that the seed and n decide, and is
walked by the weights as they are, so a resumed run walks the ways of an unbroken one.

Dimension key:
    N walks    B batch, N at every level of the schedule    C latent channels    H W their sides
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.core.config import at_least
from danqing.core.seed import derive
from danqing.data.synthesis import Synthesis
from danqing.flow.noise import draw
from danqing.flow.samplers import euler
from danqing.flow.schedule import ConstantShift, Schedule, schedules
from danqing.pipelines.latents import parse_size
from danqing.pipelines.load import load_vae
from danqing.pipelines.manner import Manner
from danqing.training.ema import Decay, frozen
from danqing.training.painting import latents_shape
from danqing.training.policy import Model, Policy
from danqing.training.prompts import Prompts
from danqing.training.sources.base import Batches, sources


@dataclass(frozen=True, slots=True)
class WalkBatch:
    """States, and the level that the next step leads to."""

    x: Float[Tensor, "B C H W"]
    captions: Sequence[str]
    sigma: Float[Tensor, "B"]
    after: Float[Tensor, "B"]
    teacher: Model
    """The model before it learned, before guidance."""


@sources.register("walks")
@dataclass(frozen=True, kw_only=True)
class Walks:
    """States on the Euler walks of a model that is to paint in few steps, without guidance."""

    asked: Synthesis = field(default_factory=Synthesis)
    """Which prompts; only those of the bucket `train` occur."""
    prompts: Path | None = None
    """A file of prompts to use instead, `.txt` or JSONL, none of them from a bucket of tests."""
    sizes: tuple[str, ...] = ()
    """Sizes such as `288x224`, in turn; none: that of `asked`."""
    batch: int = 8
    """Walks in a batch, each of which gives as many states as it has steps."""
    steps: int = 4
    """Steps of a walk."""
    schedule: Annotated[Schedule, schedules] = field(default_factory=ConstantShift)
    """The noise levels of a walk."""

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch, steps=self.steps)
        for size in self.sizes:
            parse_size(size, (), 1)

    @property
    def manner(self) -> Manner:
        """The way of painting that is learned: as states are walked to."""
        return Manner(steps=self.steps, guidance=1.0, sampler="euler", schedule=self.schedule)

    @property
    def past(self) -> Mapping[str, Decay]:
        """The teacher is the model as it was at first."""
        return {"teacher": frozen}

    def paint_with(self, policy: Policy, model: Path, seed: int) -> Batches:
        """Return the batches; `model` is the folder that says what latents are.

        Raises:
            RecipeError: a prompt is kept for tests, or a size does not fit.
        """
        vae = load_vae(model, torch.float32)
        sizes = [parse_size(size, (), 1) for size in self.sizes] or [self.asked.size]
        shapes = [latents_shape(vae, size) for size in sizes]
        seed = derive(seed, "walks")
        return _Walks(self, policy, shapes, Prompts(self.asked, self.prompts, seed), seed)


class _Walks:
    def __init__(
        self,
        settings: Walks,
        policy: Policy,
        shapes: Sequence[tuple[int, int, int]],
        prompts: Prompts,
        seed: int,
    ) -> None:
        self.settings, self.shapes, self.prompts, self.seed = settings, shapes, prompts, seed
        self.manner = settings.manner
        self.student, self.teacher = policy.weights.module, policy.was("teacher")

    @torch.no_grad()
    def __getitem__(self, step: int) -> WalkBatch:
        """Return the batch of a step, walked by the weights as they are when it is asked for."""
        count = self.settings.batch
        captions = [self.prompts[step * count + i].prompt for i in range(count)]
        channels, height, width = self.shapes[step % len(self.shapes)]
        noise = draw(count, channels, height, width, derive(self.seed, "noise", step))
        sigmas = self.settings.schedule(self.settings.steps, height * width // 4)

        def velocity(x: Float[Tensor, "N C H W"], sigma: float) -> Float[Tensor, "N C H W"]:
            return self.student(x, captions, torch.full((count,), sigma))

        states: list[Float[Tensor, "N C H W"]] = []
        euler(velocity, noise, sigmas, lambda seen: states.append(seen.x))
        levels = torch.tensor(sigmas).repeat_interleave(count)
        return WalkBatch(
            x=torch.cat(states),
            captions=captions * len(states),
            sigma=levels[:-count],
            after=levels[count:],
            teacher=self.teacher,
        )
