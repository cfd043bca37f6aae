"""Where batches can come from; importing this package fills the registry."""

from danqing.training.sources import corpus, rollouts, synthesis
from danqing.training.sources.base import (
    Batches,
    BatchSource,
    LatentBatch,
    OnPolicy,
    PictureBatch,
    sources,
)

__all__ = [
    "BatchSource",
    "Batches",
    "LatentBatch",
    "OnPolicy",
    "PictureBatch",
    "corpus",
    "rollouts",
    "sources",
    "synthesis",
]
