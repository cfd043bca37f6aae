"""A transformer with its conditioner as what is trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from danqing.core.device import DTYPES
from danqing.core.errors import RecipeError
from danqing.data.vocabulary import vocabulary
from danqing.flow.schedule import DynamicShift, Schedule, schedules
from danqing.models.checkpoint import fingerprint
from danqing.models.conditioner.config import ConditionerConfig
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.tokenizer import build_tokenizer
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.latents import pack, unpack
from danqing.pipelines.load import load_mmdit, load_vae, reader, save
from danqing.pipelines.reading import Reader
from danqing.pipelines.request import Defaults
from danqing.pipelines.text_to_image import Identity, TextToImage
from danqing.training.sources.base import Batches, ReadCaption
from danqing.training.trainees.base import fresh, trainees

if TYPE_CHECKING:
    from tokenizers import Tokenizer


Read = Callable[[Sequence[str]], list[Float[Tensor, "1 _ E"]]]
"""Gives the text of each caption."""


class TextToImageModel(nn.Module):
    """Conditioner and transformer as one: noisy latents and captions in, velocity out."""

    def __init__(
        self, mmdit: MMDiT, conditioner: Conditioner | None, reader: Read | None = None
    ) -> None:
        """Put both together.

        Args:
            mmdit: The transformer.
            conditioner: The conditioner; None: captions come read.
            reader: Reads captions in its place where it does not learn; None: it learns.
        """
        super().__init__()
        self.mmdit = mmdit
        self.conditioner = conditioner
        if conditioner is not None:
            conditioner.requires_grad_(reader is None)
        self.reader = reader

    def forward(
        self, x: Float[Tensor, "B C H W"], captions: Sequence[str], sigma: Float[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """Return the velocity at `x` for each caption."""
        text, mask = self._read(captions)
        height, width = x.shape[-2:]
        layout = (Grid(1, height // 2, width // 2),)
        tokens = pack(x).to(text.dtype)
        velocity = self.mmdit(tokens, text, sigma, [layout], text_mask=mask)
        return unpack(velocity, height, width).to(x.dtype)

    def _read(
        self, captions: Sequence[str]
    ) -> tuple[Float[Tensor, "B L E"], Bool[Tensor, "B L"] | None]:
        """Return the text of each caption and where it is."""
        if self.reader is None:
            assert self.conditioner is not None
            if any(isinstance(caption, ReadCaption) for caption in captions):
                raise RecipeError(
                    "captions must be read by the conditioner that learns, got some that are; "
                    "set trainee.reads = false."
                )
            return self.conditioner(*self.conditioner.tokenize(captions))
        unread = [c for c in captions if not isinstance(c, ReadCaption)]
        read = dict(zip(unread, self.reader(unread), strict=True)) if unread else {}
        texts = [
            c.text.to(self.mmdit.dtype) if isinstance(c, ReadCaption) else read[c][0]
            for c in captions
        ]
        lengths = torch.tensor([len(text) for text in texts], device=texts[0].device)
        text = nn.utils.rnn.pad_sequence(texts, batch_first=True)
        mask = torch.arange(text.shape[1], device=text.device) < lengths[:, None]
        return text, None if mask.all() else mask


@trainees.register("text_to_image")
@dataclass(frozen=True, kw_only=True, slots=True)
class TextToImageTrainee:
    """A transformer and its conditioner, trained together on the latents of a finished VAE."""

    start: Literal["fresh", "model"] = "fresh"
    """Whether to start from random weights or from those in the model's folder."""
    widen: bool = False
    """Whether a model learns the words of the small world that its tokenizer does not know."""
    mmdit: MMDiTConfig | None = None
    """Shape of a fresh transformer."""
    conditioner: ConditionerConfig | None = None
    """Shape of a fresh conditioner."""
    frozen: bool = False
    """Whether the conditioner stays as it is, as those of published models do."""
    reads: bool = True
    """Whether captions are read here; otherwise they come read from a spool, and the conditioner
    is not even loaded."""
    kept_texts: float = 0.0
    """Gigabytes of disk for what a frozen conditioner made of captions; 0 keeps none of it."""
    defaults: Defaults = field(default_factory=Defaults)
    """What the model does best, as its folder will say."""
    schedule: Annotated[Schedule, schedules] = field(default_factory=DynamicShift)
    """How its pictures are sampled."""
    compile: bool = False
    """Whether blocks are compiled: a minute and a C++ compiler for an eighth of the time."""
    title: str = "danqing-nano"
    """What the model is called."""
    stored: Literal["bfloat16", "float32"] = "bfloat16"
    """Number format of the exported weights."""
    into: Path | None = None
    """Folder that is written; none: that of the model."""

    def __post_init__(self) -> None:
        shapes = (self.mmdit, self.conditioner) if self.reads else (self.mmdit,)
        if self.start == "fresh" and None in shapes:
            raise RecipeError(
                "a fresh start must have the shapes mmdit and conditioner, got none; "
                'tell them or set start = "model".'
            )

    def build(self, folder: Path, seed: int) -> TextToImageModel:
        """Return both networks, sharing no weights."""
        with fresh(seed):
            conditioner = self._conditioner(folder) if self.reads else None
            mmdit = self._mmdit(folder)
        if self.compile:
            compile_blocks(mmdit)
        if conditioner is None:
            return TextToImageModel(mmdit, None, unread)
        reads = still(conditioner, self.kept_texts) if self.frozen else None
        return TextToImageModel(mmdit, conditioner, reads)

    def _conditioner(self, folder: Path) -> Conditioner:
        if self.start == "fresh":
            assert self.conditioner is not None
            return Conditioner.build(self.conditioner, _tokenizer())
        read = reader(packed=False)
        conditioner = Conditioner.load(folder, dtype=torch.float32, read=read)
        return conditioner.with_vocabulary(_tokenizer()) if self.widen else conditioner

    def _mmdit(self, folder: Path) -> MMDiT:
        if self.start == "fresh":
            assert self.mmdit is not None
            return MMDiT(self.mmdit)
        return load_mmdit(folder, torch.float32, read=reader(packed=False))

    def export(self, module: TextToImageModel, folder: Path, batches: Batches) -> None:
        """Write both networks, and the VAE they were trained with."""
        module.to(DTYPES[self.stored])
        pipeline = TextToImage(
            module.mmdit,
            load_vae(folder, DTYPES[self.stored]),
            module.conditioner or Conditioner.load(folder, dtype=DTYPES[self.stored]),
            self.schedule,
            self.defaults,
            Identity(name=self.title),
        )
        save(pipeline, self.into or folder)


def still(conditioner: Conditioner, kept: float) -> Reader:
    """Return what reads captions in the place of a conditioner that does not learn.

    Args:
        conditioner: The conditioner.
        kept: Gigabytes of disk for the texts; 0 keeps none of them.
    """
    weights = fingerprint(conditioner.state_dict())
    budget = int(kept * 1e9)
    return Reader(conditioner, weights, keep=budget > 0, budget=budget)


def unread(captions: Sequence[str]) -> list[Float[Tensor, "1 _ E"]]:
    """Refuse to read captions.

    Raises:
        RecipeError: always.
    """
    raise RecipeError(
        f"captions must come read, got {captions[0]!r}; set trainee.reads = true, or train from a "
        "spool."
    )


def compile_blocks(mmdit: MMDiT) -> None:
    """Compile the blocks of a transformer, once for all sizes."""
    for block in mmdit.blocks:
        block.compile(dynamic=True)


def _tokenizer() -> "Tokenizer":
    """Return a tokenizer of all that is said of the small world."""
    words = vocabulary()
    return build_tokenizer((*words.english, *words.chinese, *words.marks), words.characters)
