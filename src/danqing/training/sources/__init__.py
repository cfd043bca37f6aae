"""Where batches can come from; importing this package fills the registry."""

from danqing.training.sources import corpus, folder, pairs, rollouts, synthesis
from danqing.training.sources.base import (
    Batches,
    BatchSource,
    LatentBatch,
    OnPolicy,
    PairBatch,
    PictureBatch,
    sources,
)

__all__ = [
    "BatchSource",
    "Batches",
    "LatentBatch",
    "OnPolicy",
    "PairBatch",
    "PictureBatch",
    "corpus",
    "folder",
    "pairs",
    "rollouts",
    "sources",
    "synthesis",
]
