"""The denoising network: a two-stream transformer over text and image tokens."""

from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.rope import Grid, Layout

__all__ = ["Grid", "Layout", "MMDiT", "MMDiTConfig"]
