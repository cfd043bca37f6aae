"""Where batches come from.

A source answers "which batch is number n?", so the step is its whole state: resuming, replaying
and splitting work among machines need nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from danqing.core.registry import Registry


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """Pictures in [-1, 1]."""

    images: Float[Tensor, "B C H W"]


@dataclass(frozen=True, slots=True)
class LatentBatch:
    """Normalized latents and what their pictures show."""

    latents: Float[Tensor, "B C H W"]
    captions: Sequence[str]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Normalized latents of two pictures of each caption, of which the first was preferred."""

    chosen: Float[Tensor, "B C H W"]
    rejected: Float[Tensor, "B C H W"]
    captions: Sequence[str]


@runtime_checkable
class BatchSource(Protocol):
    """An endless, randomly accessible sequence of batches."""

    def open(self, model: Path, seed: int) -> "Batches":
        """Return the batches; `model` is the folder that holds the parts trained earlier."""
        ...


@runtime_checkable
class Batches(Protocol):
    """Batch number n, for any n."""

    def __getitem__(self, step: int) -> Any:
        """Return the batch of a step."""
        ...


sources: Registry[type[BatchSource]] = Registry("batch source")
