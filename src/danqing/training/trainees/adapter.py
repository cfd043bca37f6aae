"""An adapter of a transformer as what is trained: megabytes instead of 40 GB.

The model is read and stays as it is. What is trained, averaged and saved is the adapter alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from danqing.core.errors import RecipeError
from danqing.models.conditioner.model import Conditioner
from danqing.models.lora import Kronecker, LowRank, adapt, save
from danqing.pipelines.load import load_mmdit, reader
from danqing.training.model import TextToImageModel, still, unread
from danqing.training.sources.base import Batches, Mannered
from danqing.training.trainees.base import fresh, trainees
from danqing.training.trainees.text_to_image import compile_blocks


@trainees.register("adapter")
@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterTrainee:
    """A LoRA or a LoKr of the transformer in the model's folder."""

    file: Path
    """The file that is written, in the layout of diffusers."""
    kind: Literal["lora", "lokr"] = "lora"
    """Whether the change of each map is of low rank, or a Kronecker product."""
    layers: str = r"blocks\..*\.(to_|mlp\.)"
    """Which linear maps are adapted: an expression found in their names."""
    rank: int = 16
    """Rank of the change of each map; of a LoKr, that of its larger matrix."""
    alpha: float = 16.0
    """Rank times the scale of the change."""
    factor: int = 16
    """Sides of the smaller matrix of a LoKr."""
    packed: bool = False
    """Whether compressed weights stay so in memory, in runs in bfloat16."""
    streamed: bool = False
    """Whether they do not even stay: each is read whenever it is used, forth and back."""
    kept_texts: float = 0.0
    """Gigabytes of disk for what the conditioner made of captions; 0 keeps none of it."""
    reads: bool = True
    """Whether captions are read here; otherwise they come read from a spool, and the conditioner
    is not even loaded."""
    compile: bool = False
    """Whether blocks are compiled: a minute and a C++ compiler for an eighth of the time."""

    def __post_init__(self) -> None:
        for name, value in (("rank", self.rank), ("factor", self.factor)):
            if value < 1:
                raise RecipeError(f"{name} must be at least 1, got {value}; try 16.")
        if self.streamed and not self.packed:
            raise RecipeError(
                "streamed weights must be packed, got packed = false; set packed = true."
            )
        if self.file.suffix != ".safetensors":
            raise RecipeError(
                f"file must end in .safetensors, got {self.file}; "
                f"try {self.file.with_suffix('.safetensors')}."
            )

    def build(self, folder: Path, seed: int) -> TextToImageModel:
        """Return the model, in which nothing but fresh adapters learns."""
        read = reader(packed=self.packed, streamed=self.streamed)
        conditioner = Conditioner.load(folder, read=read) if self.reads else None
        mmdit = load_mmdit(folder, read=read)
        with fresh(seed):
            adapt(mmdit, self.layers, self.change)
        if self.compile:
            compile_blocks(mmdit)
        reads = still(conditioner, self.kept_texts) if conditioner else unread
        return TextToImageModel(mmdit, conditioner, reads)

    def export(self, module: TextToImageModel, folder: Path, batches: Batches) -> None:
        """Write the adapters; the model's folder stays as it is.

        Where they learned one way to paint, the file says which.
        """
        told = batches.manner.metadata if isinstance(batches, Mannered) else None
        save(module.mmdit, self.file, told)

    def change(self, width: int, out: int) -> LowRank | Kronecker:
        """Return a fresh adapter for a map of `width` channels to `out`."""
        if self.kind == "lora":
            return LowRank.fresh(width, out, self.rank, self.alpha)
        return Kronecker.fresh(width, out, self.rank, self.alpha, self.factor)
