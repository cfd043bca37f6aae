"""Batches of edits: an instruction, the pictures that it is about, and what it makes of them.

As with `synthesis_latents`, a pool of them is drawn and encoded at a time and used for several
passes. A VAE learns from their pictures alone.

Dimension key:
    h w latent height and width    H W pixels
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from PIL.Image import Image
from torch import Tensor

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.core.registry import Registry
from danqing.core.seed import derive, generator
from danqing.data.edits import Edits
from danqing.models.vae.model import VAE
from danqing.training.encode import finished, latents_of, to_tensor
from danqing.training.instruction import Instruction, Latents
from danqing.training.sources.base import Batches, LatentBatch, PictureBatch, sources
from danqing.training.sources.folder import PATCH

_AT_ONCE = 16
"""Pictures that are encoded together."""


@runtime_checkable
class Edit(Protocol):
    """One example."""

    @property
    def sources(self) -> Sequence[Image]:
        """The pictures that are given, RGB; their sizes may differ."""
        ...

    @property
    def instruction(self) -> str:
        """What is asked for."""
        ...

    @property
    def target(self) -> Image:
        """The answer, RGB; it has the size of the first source."""
        ...

    @property
    def kept(self) -> Bool[np.ndarray, "H W"]:
        """Where the answer must be as the first source."""
        ...


@runtime_checkable
class Stream(Protocol):
    """An endless set of examples: each depends on the settings and its index alone."""

    def sample(self, index: int, /) -> Any:
        """Return the `Edit` of an index, from 0."""
        ...


streams: Registry[type[Stream]] = Registry("stream of edits")
streams.register("edits")(Edits)


@sources.register("edits")
@dataclass(frozen=True, kw_only=True, slots=True)
class EditLatents:
    """Latents of answers with their instructions; all answers of a stream are of one size."""

    stream: Annotated[Stream, streams]
    """What is asked and shown."""
    batch: int = 16
    """Samples in a batch."""
    pool: int = 512
    """Samples drawn and encoded at a time; a multiple of `batch`. Their pictures stay in memory,
    0.2 MB for each of 256x256."""
    passes: int = 4
    """How often each sample is used, each time with other noise."""

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch, passes=self.passes)
        if self.pool < 1 or self.pool % self.batch:
            raise RecipeError(
                f"pool must be a multiple of batch ({self.batch}), got {self.pool}; "
                f"try {max(1, self.pool // self.batch) * self.batch}."
            )

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`."""
        return _Edits(self, finished(model), derive(seed, "edits"))


@sources.register("edit_pictures")
@dataclass(frozen=True, kw_only=True, slots=True)
class EditPictures:
    """Pictures of edits for the VAE, drawn for the step: answers, and what they were made of."""

    stream: Annotated[Stream, streams]
    """What is shown."""
    batch: int = 4
    """Pictures in a batch, an even number: of each edit the answer and the first picture."""

    def __post_init__(self) -> None:
        if self.batch < 2 or self.batch % 2:
            raise RecipeError(f"batch must be 2, 4, 6, ..., got {self.batch}; change it.")

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches; nothing trained earlier is needed."""
        return _Pictures(self, derive(seed, "edit_pictures"))


class _Pictures:
    def __init__(self, settings: EditPictures, seed: int) -> None:
        self.settings, self.seed = settings, seed

    def __getitem__(self, step: int) -> PictureBatch:
        count = self.settings.batch // 2
        edits = [self.settings.stream.sample(self.seed + step * count + i) for i in range(count)]
        images = [image for edit in edits for image in (edit.target, edit.sources[0])]
        return PictureBatch(to_tensor([np.asarray(image) for image in images]))


class _Edits:
    def __init__(self, settings: EditLatents, vae: VAE, seed: int) -> None:
        self.settings, self.vae, self.seed = settings, vae, seed
        self.pool = lru_cache(maxsize=1)(self._pool)

    def __getitem__(self, step: int) -> LatentBatch:
        settings = self.settings
        round_, place = divmod(step, settings.pool // settings.batch)
        # Each pass deals the samples into other batches.
        dealt = generator(derive(self.seed, "order", round_))
        order = torch.randperm(settings.pool, generator=dealt).split(settings.batch)[place]
        pool = self.pool(round_ // settings.passes)
        return LatentBatch(
            pool.latents[order], [pool.captions[int(at)] for at in order], pool.negative
        )

    def _pool(self, number: int) -> LatentBatch:
        """Return the samples of a pool.

        Raises:
            RecipeError: the answers are of several sizes, or tokens do not cover a picture.
        """
        first = self.seed + number * self.settings.pool
        edits = [self.settings.stream.sample(first + at) for at in range(self.settings.pool)]
        if len(sizes := {edit.target.size for edit in edits}) > 1:
            raise RecipeError(
                f"answers of a stream must be of one size, got {sorted(sizes)}; "
                "give each size a part of a mixture."
            )
        return as_batch(edits, self.vae)


def as_batch(edits: Sequence[Edit], vae: VAE) -> LatentBatch:
    """Return examples, whose answers are of one size, as a VAE sees them.

    Raises:
        RecipeError: tokens do not cover a picture exactly.
    """
    encoded = _encode([p for edit in edits for p in (edit.target, *edit.sources)], vae)
    found = iter(encoded)
    targets: list[Latents] = []
    captions: list[str] = []
    for edit in edits:
        targets.append(target := next(found))
        own = [next(found) for _ in edit.sources]
        changed = changed_share(edit.kept, *target.shape[1:])
        captions.append(Instruction(edit.instruction, edit.sources, own, changed))
    return LatentBatch(torch.stack(targets), captions)


def changed_share(
    kept: Bool[np.ndarray, "H W"], height: int, width: int
) -> Float[Tensor, "{height} {width}"]:
    """Return what share of the pixels of each latent is not kept."""
    changed = torch.from_numpy(~np.asarray(kept, bool)).float()
    return F.adaptive_avg_pool2d(changed[None], (height, width))[0]


def _encode(images: Sequence[Image], vae: VAE) -> list[Latents]:
    """Return the latents of pictures of any sizes; one that comes twice is encoded once."""
    unique = {id(image): image for image in images}
    found: dict[int, Latents] = {}
    side = PATCH * vae.factor
    for size in dict.fromkeys(image.size for image in unique.values()):
        if any(length % side for length in size):
            raise RecipeError(
                f"pictures of edits must have sides that are multiples of {side}, "
                f"got {size[0]}x{size[1]}; resize them."
            )
        alike = [key for key, image in unique.items() if image.size == size]
        for start in range(0, len(alike), _AT_ONCE):
            some = alike[start : start + _AT_ONCE]
            pixels = [np.asarray(unique[key]) for key in some]
            found |= zip(some, latents_of(vae, pixels).clone(), strict=True)
    return [found[id(image)] for image in images]
