"""Where batches can come from; importing this package fills the registry."""

from danqing.training.sources import corpus, folder, pairs, synthesis
from danqing.training.sources.base import (
    Batches,
    BatchSource,
    LatentBatch,
    PairBatch,
    PictureBatch,
    sources,
)

__all__ = [
    "BatchSource",
    "Batches",
    "LatentBatch",
    "PairBatch",
    "PictureBatch",
    "corpus",
    "folder",
    "pairs",
    "sources",
    "synthesis",
]
