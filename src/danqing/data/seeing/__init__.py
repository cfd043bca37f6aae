"""Drawn pictures with what they mean: exact depth, classes, boxes and other views, to be learned.

Importing this package fills the registry of questions.
"""

from danqing.data.seeing import depth, detection, segmentation, viewpoint
from danqing.data.seeing.question import Example, Question, asked, example, held_out, questions

__all__ = [
    "Example",
    "Question",
    "asked",
    "depth",
    "detection",
    "example",
    "held_out",
    "questions",
    "segmentation",
    "viewpoint",
]
