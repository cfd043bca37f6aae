"""All words of the small world: what captions say, and what edits are asked for with."""

from danqing.data.edits import words as edits
from danqing.data.synthesis import captions
from danqing.data.synthesis.captions import Vocabulary


def vocabulary() -> Vocabulary:
    """Return all words, marks and characters; those of captions come first."""
    return captions.vocabulary() | edits.vocabulary()
