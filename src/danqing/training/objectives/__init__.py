"""What can be minimized; importing this package fills the registry."""

from danqing.training.objectives import dpo, flow_matching, grpo, nft, reconstruction
from danqing.training.objectives.base import (
    Comparing,
    Divisible,
    Loss,
    Objective,
    objectives,
)

__all__ = [
    "Comparing",
    "Divisible",
    "Loss",
    "Objective",
    "dpo",
    "flow_matching",
    "grpo",
    "nft",
    "objectives",
    "reconstruction",
]
