"""Rewards from scorers, and what they are worth within a group (Shao et al., arXiv 2402.03300).

Dimension key:
    P prompts    K pictures of one prompt
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.scorers import ocr, scene
from danqing.scorers.base import Score, Scorer, Wanted, scorers

RATERS: Final = (scene, ocr)
"""Where the scorers are whose names a recipe may say."""
_LEAST: Final = 1e-4
"""Keeps rewards that hardly differ from being blown up."""


@dataclass(frozen=True, kw_only=True)
class Reward:
    """A scorer, and which of its numbers is wanted."""

    scorer: Annotated[Scorer, scorers]
    """Judges the pictures."""
    detail: str | None = None
    """The detail of its scores that counts; None: their value."""
    weight: float = 1.0
    """Its weight among the rewards that can judge a picture."""

    def of(self, score: Score) -> float | None:
        """Return the number of a score; None where there is none.

        Raises:
            RecipeError: the scorer has no such detail.
        """
        if score.value is None or self.detail is None:
            return score.value
        if self.detail not in score.details:
            raise RecipeError(
                f"detail must be one of {', '.join(score.details)}, got {self.detail!r}; change it."
            )
        return float(score.details[self.detail])


def rate(
    rewards: Sequence[Reward], images: Sequence[Image.Image], wanted: Sequence[Wanted]
) -> list[float]:
    """Return for each picture the weighted mean of the rewards that can judge it.

    Raises:
        RecipeError: none of them can.
    """
    rated: list[float] = []
    for value, asked in zip(judged(rewards, images, wanted), wanted, strict=True):
        if value is None:
            raise RecipeError(
                f"rewards must judge every prompt, got no score for {asked}; "
                "add a scorer or leave its category out."
            )
        rated.append(value)
    return rated


def judged(
    rewards: Sequence[Reward], images: Sequence[Image.Image], wanted: Sequence[Wanted]
) -> list[float | None]:
    """Return what `rate` does, and None where no reward can judge a picture."""
    totals, weights = [0.0] * len(images), [0.0] * len(images)
    for reward in rewards:
        for i, score in enumerate(reward.scorer.score(images, wanted)):
            if (value := reward.of(score)) is not None:
                totals[i] += reward.weight * value
                weights[i] += reward.weight
    return [t / w if w else None for t, w in zip(totals, weights, strict=True)]


def advantages(
    rewards: Float[Tensor, "P K"], *, shared: bool = False, limit: float = 5.0
) -> Float[Tensor, "P K"]:
    """Return how far each reward is above the mean of its group, in deviations.

    A group whose rewards are all alike has advantages of 0 and teaches nothing.

    Args:
        rewards: One row a prompt.
        shared: Whether the deviation is that of all rewards (as most recipes of Flow-GRPO have
            it), which keeps groups that are nearly alike quiet, or that of the group.
        limit: Largest advantage, either way.
    """
    above = rewards - rewards.mean(1, keepdim=True)
    spread = rewards.std(correction=0) if shared else rewards.std(1, correction=0, keepdim=True)
    return (above / (spread + _LEAST)).clamp(-limit, limit)


def diversity(latents: Float[Tensor, "P K *s"]) -> float:
    """Return how far the latents of two pictures of one prompt lie apart (root mean square)."""
    return (2 * torch.var(latents, 1)).mean().sqrt().item()
