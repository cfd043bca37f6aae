"""Where batches come from.

A source answers "which batch is number n?", so the step is its whole state: resuming, replaying
and splitting work among machines need nothing else. A source that is *on policy* has its batches
painted by the model, so they depend on its weights too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from danqing.core.registry import Registry
from danqing.pipelines.manner import Manner
from danqing.training.ema import Decay
from danqing.training.policy import Policy


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """Pictures in [-1, 1]."""

    images: Float[Tensor, "B C H W"]


class ReadCaption(str):
    """A caption that a conditioner has read already."""

    __slots__ = ("text",)

    def __new__(cls, caption: str, text: Float[Tensor, "L E"]) -> "ReadCaption":
        """Put a caption and its text together."""
        read = super().__new__(cls, caption)
        read.text = text
        return read


@dataclass(frozen=True, slots=True)
class LatentBatch:
    """Normalized latents and what their pictures show."""

    latents: Float[Tensor, "B C H W"]
    captions: Sequence[str]
    negative: str = " "
    """The caption of nothing, from which guidance leads away."""


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
class OnPolicy(Protocol):
    """A sequence of batches that the model paints itself, with weights that follow what it learns.

    Those weights are kept in the run's state, so batch n of a resumed run is that of an unbroken
    one.
    """

    @property
    def past(self) -> Mapping[str, Decay]:
        """The weights it needs beside those that are learned, and how they follow them."""
        ...

    def paint_with(self, policy: Policy, model: Path, seed: int) -> "Batches":
        """Return the batches; `policy` has the weights of `past` by their names."""
        ...


@runtime_checkable
class Batches(Protocol):
    """Batch number n, for any n."""

    def __getitem__(self, step: int) -> Any:
        """Return the batch of a step."""
        ...


@runtime_checkable
class Passing(Protocol):
    """Batches that need not be kept once a saved state has passed them."""

    def passed(self, step: int) -> None:
        """Take note that no step before this one will be asked for again."""
        ...


@runtime_checkable
class Mannered(Protocol):
    """Batches of a model that learns to paint in one way."""

    @property
    def manner(self) -> Manner:
        """The way."""
        ...


sources: Registry[type[BatchSource] | type[OnPolicy]] = Registry("batch source")
