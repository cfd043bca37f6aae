"""A transformer with its conditioner as what is trained."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import torch

from danqing.core.device import DTYPES
from danqing.core.errors import RecipeError
from danqing.data.vocabulary import vocabulary
from danqing.flow.schedule import DynamicShift, Schedule, schedules
from danqing.models.conditioner.config import ConditionerConfig, EyesConfig
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.tokenizer import build_tokenizer
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.pipelines.load import load_mmdit, load_vae, reader
from danqing.pipelines.model import Identity
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Defaults
from danqing.pipelines.save import save
from danqing.training.model import TextToImageModel, still, unread
from danqing.training.sources.base import Batches
from danqing.training.trainees.base import fresh, trainees

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@trainees.register("text_to_image")
@dataclass(frozen=True, kw_only=True, slots=True)
class TextToImageTrainee:
    """A transformer and its conditioner, trained together on the latents of a finished VAE."""

    start: Literal["fresh", "model"] = "fresh"
    """Whether to start from random weights or from those in the model's folder."""
    widen: bool = False
    """Whether a model learns the words of the small world that its tokenizer does not know."""
    eyes: EyesConfig | None = None
    """Fresh eyes for a model that has none, so that it can learn edits."""
    zero_cond_t: bool = False
    """Whether a model modulates source pictures as at sigma 0, which they are, from now on."""
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
        if self.widen:
            conditioner = conditioner.with_vocabulary(_tokenizer())
        if self.eyes is not None and conditioner.vision is None:
            conditioner = conditioner.with_eyes(self.eyes)
        return conditioner

    def _mmdit(self, folder: Path) -> MMDiT:
        if self.start == "fresh":
            assert self.mmdit is not None
            return MMDiT(self.mmdit)
        mmdit = load_mmdit(folder, torch.float32, read=reader(packed=False))
        if self.zero_cond_t:
            mmdit.config = replace(mmdit.config, zero_cond_t=True)
        return mmdit

    def export(self, module: TextToImageModel, folder: Path, batches: Batches) -> None:
        """Write both networks, and the VAE they were trained with."""
        module.to(DTYPES[self.stored])
        pipeline = Pipeline(
            module.mmdit,
            load_vae(folder, DTYPES[self.stored]),
            module.conditioner or Conditioner.load(folder, dtype=DTYPES[self.stored]),
            self.schedule,
            self.defaults,
            Identity(name=self.title),
        )
        save(pipeline, self.into or folder)


def compile_blocks(mmdit: MMDiT) -> None:
    """Compile the blocks of a transformer, once for all sizes."""
    for block in mmdit.blocks:
        block.compile(dynamic=True)


def _tokenizer() -> "Tokenizer":
    """Return a tokenizer of all that is said of the small world."""
    words = vocabulary()
    return build_tokenizer((*words.english, *words.chinese, *words.marks), words.characters)
