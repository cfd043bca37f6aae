"""Rewards from scorers, and what they are worth within a group (Shao et al., arXiv 2402.03300).

A judge may leave a picture unscored: its answer was lost, or nobody can judge what was asked. No
score is not a zero score. Such a picture counts as the mean of its group does, so it teaches
nothing, and a group in which no picture is scored is one whose pictures are all alike.

Dimension key:
    P prompts    K pictures of one prompt
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.scorers import alike, ocr, opinion, scene
from danqing.scorers.base import Score, Scorer, scorers
from danqing.training.prompts import Asked

RATERS: Final = (scene, ocr, alike, opinion)
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

    def scores(self, images: Sequence[Image.Image], asked: Sequence[Asked]) -> list[Score]:
        """Return a score for each picture.

        A scorer is told the specification behind a prompt, and the sentence where it makes nothing
        of that.
        """
        found = self.scorer.score(images, [one.wanted for one in asked])
        deaf = [
            i
            for i, (score, one) in enumerate(zip(found, asked, strict=True))
            if score.value is None and not isinstance(one.wanted, str)
        ]
        if deaf:
            told = self.scorer.score([images[i] for i in deaf], [asked[i].prompt for i in deaf])
            for i, score in zip(deaf, told, strict=True):
                found[i] = score
        return found

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
    rewards: Sequence[Reward], images: Sequence[Image.Image], asked: Sequence[Asked]
) -> list[float | None]:
    """Return what each picture is worth; None where no reward scores it.

    A reward that scores some pictures of a prompt and not others counts for the latter with its
    mean over the former. Without it, they would be compared by other rewards than the rest.
    """
    totals, weights = [0.0] * len(images), [0.0] * len(images)
    judged = [False] * len(images)
    for reward in rewards:
        values = [reward.of(score) for score in reward.scores(images, asked)]
        usual = _means(asked, values)
        for i, (one, value) in enumerate(zip(asked, values, strict=True)):
            judged[i] |= value is not None
            if one.prompt in usual:
                totals[i] += reward.weight * (usual[one.prompt] if value is None else value)
                weights[i] += reward.weight
    return [t / w if scored else None for t, w, scored in zip(totals, weights, judged, strict=True)]


def _means(asked: Sequence[Asked], values: Sequence[float | None]) -> dict[str, float]:
    """Return the mean of the values of each prompt that has some."""
    told: dict[str, list[float]] = {}
    for one, value in zip(asked, values, strict=True):
        if value is not None:
            told.setdefault(one.prompt, []).append(value)
    return {prompt: fmean(some) for prompt, some in told.items()}


def in_groups(rated: Sequence[float | None], group: int) -> Float[Tensor, "P K"]:
    """Return what pictures are worth, those of a prompt in a row; NaN where they are unscored."""
    values = torch.tensor([math.nan if one is None else one for one in rated])
    return rearrange(values, "(p k) -> p k", k=group)


def lively(rewards: Float[Tensor, "P K"]) -> Bool[Tensor, "P"]:
    """Return in which groups rewards differ."""
    return rewards.nan_to_num(-math.inf).amax(1) > rewards.nan_to_num(math.inf).amin(1)


def advantages(
    rewards: Float[Tensor, "P K"], *, shared: bool = False, limit: float = 5.0
) -> Float[Tensor, "P K"]:
    """Return how far each reward is above the mean of its group, in deviations.

    A group whose rewards are all alike has advantages of 0 and teaches nothing; so has what is
    unscored.

    Args:
        rewards: One row a prompt; NaN is unscored.
        shared: Whether the deviation is that of all rewards (as most recipes of Flow-GRPO have
            it), which keeps groups that are nearly alike quiet, or that of the group.
        limit: Largest advantage, either way.
    """
    above = rewards - rewards.nanmean(1, keepdim=True)
    spread = (rewards - rewards.nanmean()) if shared else above
    width = spread.square().nanmean(None if shared else 1, keepdim=not shared).sqrt()
    return (above / (width + _LEAST)).nan_to_num(0.0).clamp(-limit, limit)


def diversity(latents: Float[Tensor, "P K *s"]) -> float:
    """Return how far the latents of two pictures of one prompt lie apart (root mean square)."""
    return (2 * torch.var(latents, 1)).mean().sqrt().item()
