"""Danqing (丹青): an open, complete Qwen-Image system in plain PyTorch."""

__version__ = "0.1.0"

__all__ = ["__version__"]
