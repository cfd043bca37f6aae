"""Where batches can come from; importing this package fills the registry."""

from danqing.training.sources import (
    corpus,
    edits,
    folder,
    mixture,
    pairs,
    rollouts,
    spool,
    synthesis,
    walks,
)
from danqing.training.sources.base import (
    Batches,
    BatchSource,
    LatentBatch,
    Mannered,
    OnPolicy,
    PairBatch,
    Passing,
    PictureBatch,
    ReadCaption,
    sources,
)

__all__ = [
    "BatchSource",
    "Batches",
    "LatentBatch",
    "Mannered",
    "OnPolicy",
    "PairBatch",
    "Passing",
    "PictureBatch",
    "ReadCaption",
    "corpus",
    "edits",
    "folder",
    "mixture",
    "pairs",
    "rollouts",
    "sources",
    "spool",
    "synthesis",
    "walks",
]
