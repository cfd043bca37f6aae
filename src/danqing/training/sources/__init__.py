"""Where batches can come from; importing this package fills the registry."""

from danqing.training.sources import corpus, folder, synthesis
from danqing.training.sources.base import (
    Batches,
    BatchSource,
    LatentBatch,
    PictureBatch,
    sources,
)

__all__ = [
    "BatchSource",
    "Batches",
    "LatentBatch",
    "PictureBatch",
    "corpus",
    "folder",
    "sources",
    "synthesis",
]
