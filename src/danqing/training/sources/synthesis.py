"""Batches of drawn pictures, as pixels for the VAE or as latents for the transformer.

Latents are drawn and encoded a pool at a time and every pool is used for several passes: with a
small transformer, encoding would otherwise cost as much as training.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.seed import derive
from danqing.data.synthesis import Synthesis
from danqing.models.vae.model import VAE
from danqing.pipelines.load import load_vae
from danqing.training.sources.base import Batches, LatentBatch, PictureBatch, sources


def to_tensor(images: list[np.ndarray]) -> Tensor:
    """Stack uint8 pictures `H W 3` into one float batch `B 3 H W` in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images))
    return rearrange(stacked, "b h w c -> b c h w").float() / 127.5 - 1


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

    def __post_init__(self) -> None:
        if self.pool % self.batch:
            raise RecipeError(
                f"pool must be a multiple of batch ({self.batch}), got {self.pool}; "
                f"try {max(1, self.pool // self.batch) * self.batch}."
            )

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`."""
        return _Latents(self, load_vae(model, torch.float32), derive(seed, "latents"))


class _Latents:
    def __init__(self, settings: SynthesisLatents, vae: VAE, seed: int) -> None:
        self.settings, self.vae, self.seed = settings, vae.eval(), seed
        self.pool = lru_cache(maxsize=1)(self._pool)

    def __getitem__(self, step: int) -> LatentBatch:
        size = self.settings.batch
        per_pass = self.settings.pool // size
        round_, place = divmod(step, per_pass)
        latents, captions = self.pool(round_ // self.settings.passes)
        order = torch.randperm(
            self.settings.pool,
            generator=torch.Generator().manual_seed(derive(self.seed, "order", round_)),
        )
        chosen = order[place * size : (place + 1) * size]
        return LatentBatch(latents[chosen], [captions[i] for i in chosen.tolist()])

    @torch.inference_mode()
    def _pool(self, number: int) -> tuple[Tensor, list[str]]:
        first = self.seed + number * self.settings.pool
        latents, captions = [], []
        for start in range(0, self.settings.pool, 16):
            stop = min(start + 16, self.settings.pool)
            samples = [self.settings.pictures.sample(first + i) for i in range(start, stop)]
            captions += [sample.caption for sample in samples]
            images = to_tensor([np.asarray(sample.image) for sample in samples])
            latents.append(self.vae.normalize(self.vae.encode(images).mode()))
        return torch.cat(latents), captions
