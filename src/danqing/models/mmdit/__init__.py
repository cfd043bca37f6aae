"""The denoising network: a two-stream transformer over text and image tokens."""

from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import Branch, MMDiT, Steering
from danqing.models.mmdit.rope import Grid, Layout

__all__ = ["Branch", "Grid", "Layout", "MMDiT", "MMDiTConfig", "Steering"]
