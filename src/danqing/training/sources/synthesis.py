"""Batches of drawn pictures, as pixels for the VAE or as latents for the transformer.

Latents are drawn and encoded a pool at a time and every pool is used for several passes: with a
small transformer, encoding would otherwise cost as much as training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.seed import derive, generator
from danqing.data.synthesis import Sample, Synthesis
from danqing.models.vae.model import VAE
from danqing.pipelines.latents import parse_size
from danqing.training.encode import finished, latents_of, to_tensor
from danqing.training.sources.base import Batches, LatentBatch, PictureBatch, sources


@sources.register("synthesis_pictures")
@dataclass(frozen=True, kw_only=True, slots=True)
class SynthesisPictures:
    """Pictures drawn for the step, never the same twice."""

    pictures: Synthesis = field(default_factory=Synthesis)
    """What is drawn."""
    batch: int = 16
    """Pictures in a batch."""

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches; nothing trained earlier is needed."""
        return _Pictures(self, derive(seed, "pictures"))


class _Pictures:
    def __init__(self, settings: SynthesisPictures, seed: int) -> None:
        self.settings, self.seed = settings, seed

    def __getitem__(self, step: int) -> PictureBatch:
        count = self.settings.batch
        samples = (
            self.settings.pictures.sample(self.seed + step * count + i) for i in range(count)
        )
        return PictureBatch(to_tensor([np.asarray(sample.image) for sample in samples]))


@sources.register("synthesis_latents")
@dataclass(frozen=True, kw_only=True, slots=True)
class SynthesisLatents:
    """Latents of drawn pictures with their captions."""

    pictures: Synthesis = field(default_factory=Synthesis)
    """What is drawn."""
    batch: int = 16
    """Samples in a batch."""
    pool: int = 4096
    """Pictures drawn and encoded at a time; a multiple of `batch`."""
    passes: int = 4
    """How often each picture is used, each time with other noise."""
    sizes: dict[str, float] = field(default_factory=dict)
    """Weights of sizes such as `256x256`, each batch being of one; none: that of the pictures."""

    def __post_init__(self) -> None:
        for size, weight in self.sizes.items():
            if weight <= 0:
                raise RecipeError(f"weight of {size} must be above 0, got {weight}; leave it out.")
            parse_size(size, (), 1)
        if self.pool % self.batch:
            raise RecipeError(
                f"pool must be a multiple of batch ({self.batch}), got {self.pool}; "
                f"try {max(1, self.pool // self.batch) * self.batch}."
            )

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`."""
        return _Latents(self, finished(model), derive(seed, "latents"))


class _Latents:
    def __init__(self, settings: SynthesisLatents, vae: VAE, seed: int) -> None:
        self.settings, self.vae, self.seed = settings, vae, seed
        self.pool = lru_cache(maxsize=1)(self._pool)

    def __getitem__(self, step: int) -> LatentBatch:
        size = self.settings.batch
        round_, place = divmod(step, self.settings.pool // size)
        dealt = generator(derive(self.seed, "order", round_))
        # Each pass deals the pictures of a size into other batches, and these into other places.
        batches = [
            (group, order)
            for group in self.pool(round_ // self.settings.passes)
            for order in torch.randperm(len(group.captions), generator=dealt).split(size)
        ]
        group, order = batches[torch.randperm(len(batches), generator=dealt)[place]]
        return LatentBatch(group.latents[order], [group.captions[int(i)] for i in order])

    def _pool(self, number: int) -> list[LatentBatch]:
        """Return the pictures of a pool, those of one size together."""
        settings = self.settings
        first = self.seed + number * settings.pool
        sizes = dict(settings.sizes) or {"{}x{}".format(*settings.pictures.size): 1.0}
        chosen = Random(first).choices(
            list(sizes), list(sizes.values()), k=settings.pool // settings.batch
        )
        groups: list[LatentBatch] = []
        for size in dict.fromkeys(chosen):
            pictures = replace(settings.pictures, size=parse_size(size, (), 1))
            count = settings.batch * chosen.count(size)
            groups.append(self._encode([pictures.sample(first + i) for i in range(count)]))
            first += count
        return groups

    @torch.inference_mode()
    def _encode(self, samples: Sequence[Sample]) -> LatentBatch:
        latents: list[Tensor] = []
        for start in range(0, len(samples), 16):
            images = [np.asarray(sample.image) for sample in samples[start : start + 16]]
            latents.append(latents_of(self.vae, images))
        return LatentBatch(torch.cat(latents), [sample.caption for sample in samples])
