"""Batches that the model paints itself: groups of pictures of one prompt, with their rewards.

Batch n is painted by the *old* weights, which follow the learned ones as a setting says, from
noise that the seed and n decide; both are part of a run's state, so a resumed run paints the
pictures of an unbroken one. The *reference* is what the weights were at first. Groups whose
rewards are all alike teach nothing: they are painted and counted, and not handed on.

Dimension key:
    B batch, the pictures of a prompt one after the other    C latent channels    H W their sides
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from danqing.core.config import at_least
from danqing.core.seed import derive
from danqing.data.synthesis import Synthesis
from danqing.flow.sde import Hop
from danqing.training.ema import Decay, frozen
from danqing.training.painting import Noise, Painter
from danqing.training.policy import Model, Policy
from danqing.training.prompts import Prompts
from danqing.training.rewards import (
    Reward,
    advantages,
    diversity,
    in_groups,
    lively,
    rate,
)
from danqing.training.sources.base import Batches, BatchSource, LatentBatch, sources


@dataclass(frozen=True, slots=True)
class RolloutBatch:
    """Pictures that a model painted and that differ in what they were worth."""

    latents: Float[Tensor, "B C H W"]
    captions: Sequence[str]
    advantages: Float[Tensor, "B"]
    group: int
    """How many pictures each prompt has, one after the other."""
    painted: int
    """How many were painted in all: what a mean over pictures is divided by."""
    hops: Sequence[Hop]
    """The stochastic steps that led to them; none if they were painted without noise."""
    noise: Noise | None
    """What made steps stochastic."""
    guidance: float
    """The scale of guidance they were painted with."""
    old: Model
    """The model that painted them, before guidance."""
    reference: Model
    """The model before it learned from rewards."""
    told: Mapping[str, Tensor]
    """Scalars worth a line in the log."""
    anchor: LatentBatch | None = None
    """Pictures from elsewhere that the model is to paint as it did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Follow:
    """How the weights that paint follow those that learn."""

    every: int = 1
    """Steps from one change of the weights that paint to the next."""
    rise: float = 0.0
    """How much of them outlives a change, for each change before it (DiffusionNFT: 0.001)."""
    limit: float = 0.0
    """How much outlives it at most; 0: they become the learned ones, as in GRPO."""

    def __post_init__(self) -> None:
        at_least(1, every=self.every)

    def __call__(self, step: int) -> float:
        """Return what outlives a step, from 0 to 1."""
        changes, rest = divmod(step + 1, self.every)
        return 1.0 if rest else min(self.limit, self.rise * changes)


@sources.register("rollouts")
@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """Pictures of prompts, painted by the model and rated by scorers."""

    rewards: tuple[Reward, ...]
    """What rates them: the weighted mean of those that can judge a picture."""
    asked: Synthesis = field(default_factory=Synthesis)
    """Which prompts, and the size of pictures; only those of the bucket `train` occur."""
    prompts: Path | None = None
    """A file of prompts to use instead, none of them from a bucket of tests: `.txt` with a sentence
    in every line, or JSONL with prompts and what they ask for."""
    batch: int = 4
    """Prompts in a batch."""
    group: int = 8
    """Pictures of each."""
    steps: int = 10
    """Sampling steps; fewer than for pictures to keep are enough to learn from."""
    guidance: float = 1.0
    """Scale of guidance; DiffusionNFT is meant to be without."""
    noise: Noise | None = None
    """Makes steps stochastic, as GRPO needs it."""
    shared_spread: bool = False
    """Whether advantages are in deviations of the batch's rewards, not of the group's."""
    anchor: Annotated[BatchSource, sources] | None = None
    """Pictures to go on learning from, so that what rewards say nothing of stays."""
    old: Follow = field(default_factory=Follow)
    """How the weights that paint follow those that learn."""

    def __post_init__(self) -> None:
        at_least(2, group=self.group, steps=self.steps)
        at_least(1, batch=self.batch, **{"len(rewards)": len(self.rewards)})

    @property
    def past(self) -> Mapping[str, Decay]:
        """The weights beside the learned ones, and how they follow them."""
        return {"old": self.old, "reference": frozen}

    def paint_with(self, policy: Policy, model: Path, seed: int) -> Batches:
        """Return the batches; `model` is the folder that holds the VAE and the schedule.

        Raises:
            RecipeError: a prompt is kept for tests, or the size does not fit.
        """
        painter = Painter.load(model, self.asked.size, self.steps, self.guidance)
        seed = derive(seed, "rollouts")
        anchor = None if self.anchor is None else self.anchor.open(model, derive(seed, "anchor"))
        prompts = Prompts(self.asked, self.prompts, seed)
        return _Rollouts(self, painter, policy, prompts, anchor, seed)


class _Rollouts:
    def __init__(
        self,
        settings: Rollouts,
        painter: Painter,
        policy: Policy,
        prompts: Prompts,
        anchor: Batches | None,
        seed: int,
    ) -> None:
        self.settings, self.painter, self.prompts, self.seed = settings, painter, prompts, seed
        self.anchor = anchor
        self.old, self.reference = policy.was("old"), policy.was("reference")

    def __getitem__(self, step: int) -> RolloutBatch:
        """Return the batch of a step, painted by the weights as they are when it is asked for."""
        settings = self.settings
        asked = [self.prompts[step * settings.batch + i] for i in range(settings.batch)]
        each = [one for one in asked for _ in range(settings.group)]
        captions = [one.prompt for one in each]
        alike = settings.group if settings.noise and settings.noise.one_start else 1
        latents, hops = self.painter.paint(
            self.old, captions, derive(self.seed, "noise", step), settings.noise, step, alike
        )
        rated = rate(settings.rewards, self.painter.show(latents), each)
        rewards = in_groups(rated, settings.group)
        groups = rearrange(latents, "(p k) ... -> p k ...", k=settings.group)
        differ = lively(rewards)
        heard = differ if differ.any() else torch.arange(len(differ)) == 0
        rows = heard.repeat_interleave(settings.group)
        worth = advantages(rewards, shared=settings.shared_spread)[heard]
        return RolloutBatch(
            latents=latents[rows],
            captions=[caption for caption, row in zip(captions, rows, strict=True) if row],
            advantages=worth.flatten(),
            group=settings.group,
            painted=len(rows),
            hops=[hop.of(rows) for hop in hops],
            noise=settings.noise,
            guidance=settings.guidance,
            old=self.old,
            reference=self.reference,
            told={
                "reward": rewards.nanmean(),
                "unscored": rewards.isnan().float().mean(),
                "lively": differ.float().mean(),
                "diversity": torch.tensor(diversity(groups)),
            },
            anchor=None if self.anchor is None else self.anchor[step],
        )
