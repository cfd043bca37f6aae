"""Small adapters of the transformer, LoRA and LoKr: added, trained, merged, and kept in files."""

from danqing.models.lora.changes import Kronecker, LowRank
from danqing.models.lora.files import attach, save
from danqing.models.lora.layers import Adapted, adapt, adapted, merged

__all__ = ["Adapted", "Kronecker", "LowRank", "adapt", "adapted", "attach", "merged", "save"]
