"""Low-rank adapters of the transformer: added, trained, switched off, merged, and kept in files."""

from danqing.models.lora.files import attach, save
from danqing.models.lora.layers import Adapted, adapt, adapted, merged, off

__all__ = ["Adapted", "adapt", "adapted", "attach", "merged", "off", "save"]
