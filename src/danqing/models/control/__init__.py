"""Networks that read a control picture and lead the transformer by it."""

from danqing.models.control.blockwise import BlockwiseControl, BlockwiseControlConfig
from danqing.models.control.files import ControlNetwork, read
from danqing.models.control.trunk import Adds, TrunkControl, TrunkControlConfig

__all__ = [
    "Adds",
    "BlockwiseControl",
    "BlockwiseControlConfig",
    "ControlNetwork",
    "TrunkControl",
    "TrunkControlConfig",
    "read",
]
