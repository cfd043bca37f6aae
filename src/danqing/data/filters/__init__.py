"""All filters of the seven stages, by name."""

from danqing.data.filters import (
    balance,
    captions,
    duplicates,
    files,
    networks,
    photometry,
    portraits,
    quality,
    safety,
    semantic,
    small_world,
    text,
)
from danqing.data.filters.base import Batch, Cut, Filter, GroupFilter, Measured, filters

__all__ = [
    "Batch",
    "Cut",
    "Filter",
    "GroupFilter",
    "Measured",
    "balance",
    "captions",
    "duplicates",
    "files",
    "filters",
    "networks",
    "photometry",
    "portraits",
    "quality",
    "safety",
    "semantic",
    "small_world",
    "text",
]
