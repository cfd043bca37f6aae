"""Rendered text with exact captions and layout: pure, on things in space, and on designed pages."""

from danqing.data.typeset.placed import Picture, Placed, Refused
from danqing.data.typeset.source import RenderedText

__all__ = ["Picture", "Placed", "Refused", "RenderedText"]
