"""Batches from a folder of pictures with captions beside them, encoded anew in every run.

That is for tens or hundreds of pictures; more of them belong in a corpus, which keeps its latents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.seed import derive
from danqing.data.buckets import Deal, Scale, scales
from danqing.data.pixels import cover, read_head
from danqing.data.record import Record
from danqing.data.sources.folder import Folder
from danqing.models.vae.model import VAE
from danqing.pipelines.load import load_vae
from danqing.training.encode import latents_of
from danqing.training.sources.base import Batches, LatentBatch, sources

_PATCH: Final = 2
"""Latents along each side of a token."""


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
        if self.batch < 1:
            raise RecipeError(f"batch must be at least 1, got {self.batch}; raise it.")
        scales(self.sizes, 1)

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`.

        Raises:
            SourceError: there is no such folder.
            RecipeError: a picture cannot be read, or has no caption, or all are too small.
        """
        vae = load_vae(model, torch.float32)
        samples = [
            sample
            for item in Folder(path=self.path).items()
            for sample in _samples(item.read(), scales(self.sizes, _PATCH * vae.factor), vae)
        ]
        if not samples:
            raise RecipeError(
                f"{self.path} must hold pictures as large as {', '.join(self.sizes)}, got none; "
                "choose smaller sizes."
            )
        return _Samples(samples, self.batch, derive(seed, "folder"))


class _Samples:
    def __init__(
        self, samples: list[tuple[Float[Tensor, "C _ _"], str]], batch: int, seed: int
    ) -> None:
        self.samples = samples
        shapes = [latents.shape for latents, _ in samples]
        kinds = list(dict.fromkeys(shapes))
        buckets = np.array([kinds.index(shape) for shape in shapes])
        self.deal = Deal(buckets, np.ones(len(samples)), [batch] * len(kinds), seed)

    def __getitem__(self, step: int) -> LatentBatch:
        latents, captions = zip(*(self.samples[at] for at in self.deal[step]), strict=True)
        return LatentBatch(torch.stack(latents), captions)


def _samples(
    record: Record, wanted: list[Scale], vae: VAE
) -> Iterator[tuple[Float[Tensor, "C h w"], str]]:
    """Yield the latents of a picture at every scale it is large enough for, and its caption."""
    head = record.trouble or read_head(record.image)
    if isinstance(head, str):
        raise RecipeError(f"{record.name} must be a picture, got that {head}; take it out.")
    caption = record.fused or record.recaption or record.raw
    if not caption:
        raise RecipeError(
            f"{record.name} must have a caption, got none; "
            f"write it to {Path(record.name).with_suffix('.txt')} beside it."
        )
    for scale in wanted:
        if (size := scale.bucket(head.width, head.height)) is not None:
            pixels = cover(record.image, *size)
            if isinstance(pixels, str):
                raise RecipeError(f"{record.name} must be a picture, but {pixels}; take it out.")
            yield latents_of(vae, [pixels])[0].clone(), caption
