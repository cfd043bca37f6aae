"""What can be minimized; importing this package fills the registry."""

from danqing.training.objectives import dpo, flow_matching, grpo, nft, reconstruction
from danqing.training.objectives.base import Divisible, Loss, Objective, objectives

__all__ = [
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
