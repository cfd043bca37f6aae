"""Annotation: a vision-language model describes pictures, and rules check what it says."""

from danqing.data.annotate.schema import Annotation

__all__ = ["Annotation"]
