"""Filters that ask a published network: alignment of picture and caption, NSFW, aesthetics, marks.

Any network of the same kind can take its place by name or folder. One that is not there is an
error before the run begins, never a filter that keeps everything.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.filters.base import Batch, Cut, Loads, Measured, filters
from danqing.data.filters.captions import Caption, caption_of
from danqing.scorers.published import load

_AT_ONCE: Final = 16
"""Pictures that a network sees at once."""


@runtime_checkable
class Networked(Loads, Protocol):
    """A filter that needs a network."""

    model: str


class _Classifier:
    """The probability that a network for classifying pictures gives to one label."""

    needs: ClassVar[tuple[str, ...]] = ("pixels",)
    slow: ClassVar[bool] = True
    model: str
    label: str

    def load(self) -> None:
        """Load the network, once a process."""
        network, _ = _classifier(self.model)
        labels = [str(name) for name in network.config.id2label.values()]
        if self.label not in labels:
            raise RecipeError(
                f"label must be one of {', '.join(labels)} for {self.model}, got {self.label!r}."
            )

    def measure(self, batch: Batch) -> list[Measured]:
        """Return probabilities from 0 to 1."""
        network, process = _classifier(self.model)
        column = [str(name) for name in network.config.id2label.values()].index(self.label)

        def ask(images: list[Image.Image], rows: Sequence[int]) -> Any:
            told = network(**process(images=images, return_tensors="pt"))
            return told.logits.float().softmax(-1)[:, column]

        return _measured(batch, range(len(batch)), ask)


@filters.register("nsfw")
@dataclass(frozen=True, kw_only=True)
class NSFW(_Classifier):
    """Probability that a picture is not safe for work; the bound is data-juicer's and Curator's."""

    cut: Cut = Cut(high=0.5)
    model: str = "Falconsai/nsfw_image_detection"
    label: str = "nsfw"


@filters.register("watermark")
@dataclass(frozen=True, kw_only=True)
class Watermark(_Classifier):
    """Probability of a watermark; the bound is data-juicer's."""

    cut: Cut = Cut(high=0.8)
    model: str = "amrul-hzz/watermark_detector"
    label: str = "watermark"


@filters.register("aesthetic")
@dataclass(frozen=True, kw_only=True)
class Aesthetic(_Classifier):
    """Probability that people find a picture beautiful; half is our own starting point."""

    cut: Cut = Cut(low=0.5)
    model: str = "cafeai/cafe_aesthetic"
    label: str = "aesthetic"


class _Alignment:
    """The cosine between what two towers of a network make of a picture and its caption."""

    needs: ClassVar[tuple[str, ...]] = ("pixels", "raw", "recaption", "fused")
    slow: ClassVar[bool] = True
    model: str
    caption: Caption

    def load(self) -> None:
        """Load the network, once a process."""
        towers(self.model)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return cosines; rows without this caption have none."""
        from torch import cosine_similarity

        network, process = towers(self.model)
        texts = caption_of(batch, self.caption)

        def ask(images: list[Image.Image], rows: Sequence[int]) -> Any:
            words = [texts[row] for row in rows]
            told = network(
                **process(
                    text=words,
                    images=images,
                    padding="max_length",
                    truncation=True,
                    return_tensors="pt",
                )
            )
            return cosine_similarity(told.image_embeds.float(), told.text_embeds.float())

        return _measured(batch, [row for row, text in enumerate(texts) if text is not None], ask)


@filters.register("siglip")
@dataclass(frozen=True, kw_only=True)
class SigLIP(_Alignment):
    """SigLIP 2, which reads many languages; cosines of sound pairs are small, so calibrate."""

    cut: Cut = Cut(low=0.05)
    model: str = "google/siglip2-base-patch16-256"
    caption: Caption = "raw"


@filters.register("chinese_clip")
@dataclass(frozen=True, kw_only=True)
class ChineseCLIP(_Alignment):
    """Chinese-CLIP; sound pairs have about 0.2 to 0.25 and more."""

    cut: Cut = Cut(low=0.2)
    model: str = "OFA-Sys/chinese-clip-vit-base-patch16"
    caption: Caption = "raw"


def _measured(
    batch: Batch, rows: Sequence[int], ask: Callable[[list[Image.Image], Sequence[int]], Any]
) -> list[Measured]:
    """Return what a network says of some rows' pictures; the others have no number."""
    found = [Measured(None, p if isinstance(p, str) else None) for p in batch.images]
    for row, value in answers(batch, rows, ask):
        found[row] = Measured(float(value))
    return found


def answers(
    batch: Batch, rows: Sequence[int], ask: Callable[[list[Image.Image], Sequence[int]], Any]
) -> Iterator[tuple[int, Any]]:
    """Yield rows that have a picture with what a network, asked for some at once, says of each."""
    import torch

    seen = [row for row in rows if not isinstance(batch.images[row], str)]
    for start in range(0, len(seen), _AT_ONCE):
        some = seen[start : start + _AT_ONCE]
        images = [Image.fromarray(np.asarray(batch.images[row])) for row in some]
        with torch.inference_mode():
            yield from zip(some, ask(images, some), strict=True)


@cache
def _classifier(model: str) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    return _load(model, AutoModelForImageClassification), _load(model, AutoImageProcessor)


@cache
def towers(model: str) -> tuple[Any, Any]:
    """Return a network with a tower for pictures and one for texts, and what prepares its inputs.

    Raises:
        RecipeError: it is not on this machine and cannot be fetched.
    """
    from transformers import AutoModel, AutoProcessor

    return _load(model, AutoModel), _load(model, AutoProcessor)


def _load(model: str, kind: Any) -> Any:
    advice = "download it, name another in the filter's `model`, or take the filter out"
    return load(kind, model, advice)
