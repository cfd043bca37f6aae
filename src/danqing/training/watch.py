"""Whether a run that learns from rewards still learns what was meant.

A reward stands in for what is wanted, and a model that is pushed far enough finds what the reward
likes and nobody else does. So now and then the averaged weights paint prompts kept for development,
the same ones from the same noise, and these pictures are rated by the rewards and by a *gold* score
that nothing is learned from. The state that is best by gold is kept and shipped; where gold stays
below its best while the reward goes on rising, the run ends.

Beside both stand the diversity of pictures of one prompt, which hidden collapses lower first, and
the drift from the reference: the mean square difference of velocities halfway to noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.core.log import Metrics, logger
from danqing.core.seed import generator
from danqing.data.synthesis import held_out
from danqing.flow.path import mix
from danqing.training.loop import Enough
from danqing.training.painting import Painter
from danqing.training.policy import Policy
from danqing.training.prompts import Asked, read_prompts
from danqing.training.rewards import Reward, diversity, in_groups, rate
from danqing.training.sources.rollouts import Rollouts
from danqing.training.state import State

log = logger(__name__)


class Look(NamedTuple):
    """What was seen after so many steps."""

    step: int
    reward: float
    gold: float
    diversity: float
    drift: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """How a run is watched."""

    gold: tuple[Reward, ...]
    """What rates pictures as they are meant to be."""
    every: int = 50
    """Steps from one look to the next."""
    prompts: int | Path = 12
    """Prompts of each category that is learned, or a file of prompts as sources take them."""
    seeds: int = 2
    """Pictures of each."""
    steps: int = 20
    """Sampling steps."""
    guidance: float = 3.0
    """Scale of guidance."""
    patience: int = 3
    """Looks in a row at which gold may be below its best while the reward is above."""

    def __post_init__(self) -> None:
        at_least(1, every=self.every, patience=self.patience)
        at_least(2, seeds=self.seeds)
        if isinstance(self.prompts, int):
            at_least(1, prompts=self.prompts)

    def begin(self, source: Rollouts, state: State, model: Path, run: Path) -> "Watcher":
        """Return what looks at a run, as `on_step` of the loop."""
        painter = Painter.load(model, source.asked.size, self.steps, self.guidance)
        return Watcher(self, source.rewards, self._asked(source), painter, state, run)

    def _asked(self, source: Rollouts) -> list[Asked]:
        if isinstance(self.prompts, Path):
            return read_prompts(self.prompts)
        return [
            Asked(prompt.prompt, prompt.spec)
            for category, weight in source.asked.categories.items()
            for prompt in held_out(category, self.prompts, "dev", limits=source.asked)
            if weight
        ]


class Watcher:
    """Looks now and then, keeps `run/watch.jsonl` and the best state in `run/best`."""

    def __init__(
        self,
        settings: Watch,
        rewards: Sequence[Reward],
        prompts: Sequence[Asked],
        painter: Painter,
        state: State,
        run: Path,
    ) -> None:
        self.settings, self.rewards, self.prompts = settings, rewards, prompts
        self.painter, self.state, self.run = painter, state, run
        self.policy = Policy(
            state.weights, {"shipped": state.ema, "reference": state.past["reference"]}
        )
        self.lines = Metrics(run / "watch.jsonl")
        # A run that was killed may have looked further than the state that it resumes from.
        seen = {line["step"]: Look(**line) for _, line in self.lines if line["step"] <= state.step}
        self.looks = list(seen.values())

    def __call__(self, step: int) -> None:
        """Look, if it is time to.

        Raises:
            Enough: Gold falls while the reward rises.
        """
        if step % self.settings.every:
            return
        look = self.look()
        if all(look.gold > other.gold for other in self.looks):
            self.state.save(self.run / "best")
        self.looks.append(look)
        self.lines.write(**look._asdict())
        if fooled(self.looks, self.settings.patience):
            raise Enough(f"gold has fallen since its best while the reward rose, to {look}")

    def look(self) -> Look:
        """Return what the averaged weights paint now.

        Raises:
            RecipeError: the rewards, or those of gold, score none of it.
        """
        rows = torch.tensor([self._look(one) for one in self.prompts], dtype=torch.float64)
        look = Look(self.state.step, *rows.nanmean(0).tolist())
        for name in ("reward", "gold"):
            if math.isnan(getattr(look, name)):
                raise RecipeError(
                    f"{name} must score pictures that are looked at, got no score for any; "
                    "add a scorer that can judge these prompts."
                )
        return look

    def _look(self, asked: Asked) -> tuple[float, float, float, float]:
        """Return reward, gold, diversity and drift of a prompt; what is unscored does not count."""
        count = self.settings.seeds
        captions = [asked.prompt] * count
        shipped, reference = self.policy.was("shipped"), self.policy.was("reference")
        latents, _ = self.painter.paint(shipped, captions, seed=0)
        images = self.painter.show(latents)
        reward, gold = (
            in_groups(rate(rewards, images, [asked] * count), count).nanmean().item()
            for rewards in (self.rewards, self.settings.gold)
        )
        noise, half = torch.randn(latents.shape, generator=generator(0)), torch.full((count,), 0.5)
        state = (mix(latents, noise, 0.5), captions, half)
        drift = (shipped(*state) - reference(*state)).square().mean().item()
        return reward, gold, diversity(latents[None]), drift


def fooled(looks: Sequence[Look], patience: int) -> bool:
    """Return whether gold has been below its best for so many looks, and the reward is above."""
    best = max(looks, key=lambda look: look.gold)
    below = [look.gold < best.gold for look in looks[-patience:]]
    return len(below) == patience and all(below) and looks[-1].reward > best.reward
