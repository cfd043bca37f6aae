"""Drawn pictures with exact captions in English and Chinese: a world small enough to learn."""

from danqing.data.synthesis.captions import Vocabulary, caption, vocabulary
from danqing.data.synthesis.draw import Style, draw
from danqing.data.synthesis.prompts import Prompt, digest, held_out
from danqing.data.synthesis.propose import Limits
from danqing.data.synthesis.sample import Sample, Synthesis
from danqing.data.synthesis.split import Split, bucket
from danqing.data.synthesis.understand import understand

__all__ = [
    "Limits",
    "Prompt",
    "Sample",
    "Split",
    "Style",
    "Synthesis",
    "Vocabulary",
    "bucket",
    "caption",
    "digest",
    "draw",
    "held_out",
    "understand",
    "vocabulary",
]
