"""Batches from a folder of pictures with captions beside them, encoded anew in every run.

That is for tens or hundreds of pictures; more of them belong in a corpus, which keeps its latents.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.core.seed import derive
from danqing.data.buckets import Deal, Scale, scales
from danqing.data.pixels import cover, read_head
from danqing.data.record import Record
from danqing.data.sources.folder import Folder
from danqing.models.vae.model import VAE
from danqing.training.encode import finished, latents_of
from danqing.training.sources.base import Batches, LatentBatch, sources

PATCH: Final = 2
"""Latents along each side of a token."""

Latents = Float[Tensor, "C _ _"]
S = TypeVar("S", bound=tuple[Any, ...])
B = TypeVar("B")


@sources.register("folder")
@dataclass(frozen=True, kw_only=True)
class FolderLatents:
    """Latents of the pictures below a folder, with their captions."""

    path: Path
    """The folder: `a.jpg` has its caption in `a.txt`, or in `a.json` as the filters read it."""
    sizes: tuple[str, ...] = ("1024p",)
    """Scales such as `640p`, or sizes such as `288x224`; a picture occurs at all it is large
    enough for."""
    batch: int = 4
    """Samples in a batch."""

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch)
        scales(self.sizes, 1)

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`.

        Raises:
            SourceError: there is no such folder.
            RecipeError: a picture cannot be read, or has no caption, or all are too small.
        """
        vae = finished(model)
        wanted = scales(self.sizes, PATCH * vae.factor)
        samples: list[tuple[Latents, str]] = []
        for item in Folder(path=self.path).items():
            record = item.read()
            caption = record.fused or record.recaption or record.raw
            if record.trouble is None and not caption:
                raise RecipeError(
                    f"{record.name} must have a caption, got none; "
                    f"write it to {Path(record.name).with_suffix('.txt')} beside it."
                )
            samples += [(latents, str(caption)) for latents in encoded(record, wanted, vae)]
        if not samples:
            raise RecipeError(
                f"{self.path} must hold pictures as large as {', '.join(self.sizes)}, got none; "
                "choose smaller sizes."
            )
        return Dealt(samples, self.batch, derive(seed, "folder"), _batch)


def _batch(samples: Sequence[tuple[Latents, str]]) -> LatentBatch:
    latents, captions = zip(*samples, strict=True)
    return LatentBatch(torch.stack(latents), captions)


class Dealt(Generic[S, B]):
    """Batches of samples that are in memory, each of one size; a sample begins with latents."""

    def __init__(
        self, samples: Sequence[S], batch: int, seed: int, make: Callable[[Sequence[S]], B]
    ) -> None:
        """Deal them.

        Args:
            samples: At least one.
            batch: Samples in a batch.
            seed: Another seed, other batches.
            make: Puts the samples of a batch together.
        """
        self.samples, self.make = samples, make
        shapes = [sample[0].shape for sample in samples]
        kinds = list(dict.fromkeys(shapes))
        buckets = np.array([kinds.index(shape) for shape in shapes])
        self.deal = Deal(buckets, np.ones(len(samples)), [batch] * len(kinds), seed)

    def __getitem__(self, step: int) -> B:
        """Return a batch, the same one whoever asks."""
        return self.make([self.samples[int(at)] for at in self.deal[step]])


def encoded(record: Record, wanted: Sequence[Scale], vae: VAE) -> Iterator[Latents]:
    """Yield the latents of a picture at every scale it is large enough for.

    Raises:
        RecipeError: the picture cannot be read.
    """
    head = record.trouble or read_head(record.image)
    if isinstance(head, str):
        raise RecipeError(f"{record.name} must be a picture, but {head}; take it out.")
    for scale in wanted:
        if (size := scale.bucket(head.width, head.height)) is not None:
            pixels = cover(record.image, *size)
            if isinstance(pixels, str):
                raise RecipeError(f"{record.name} must be a picture, but {pixels}; take it out.")
            yield latents_of(vae, [pixels])[0].clone()
