"""Annotation: a vision-language model describes pictures, and rules check what it says."""

from danqing.data.annotate.annotators import Annotator, Answer, Question, annotators
from danqing.data.annotate.endpoint import Endpoint
from danqing.data.annotate.local import Transformers
from danqing.data.annotate.schema import Annotation

__all__ = [
    "Annotation",
    "Annotator",
    "Answer",
    "Endpoint",
    "Question",
    "Transformers",
    "annotators",
]
