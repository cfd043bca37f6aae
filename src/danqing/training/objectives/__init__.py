"""What can be minimized; importing this package fills the registry."""

from danqing.training.objectives import distillation, dpo, flow_matching, grpo, nft, reconstruction
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
    "distillation",
    "dpo",
    "flow_matching",
    "grpo",
    "nft",
    "objectives",
    "reconstruction",
]
