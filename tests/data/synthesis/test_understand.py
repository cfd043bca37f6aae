"""Sentences of the small world are understood as they were meant, and no others are."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.synthesis import Limits, caption
from danqing.data.synthesis.captions import TEMPLATES
from danqing.data.synthesis.propose import propose
from danqing.data.synthesis.understand import understand
from danqing.scorers.world import CATEGORIES, SHAPES

WIDE = Limits(shapes=tuple(SHAPES), max_word=8, max_phrase=4, letter_case="title")


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("language", ["en", "zh"])
@settings(max_examples=25)
@given(st.integers(0, 10**9), st.sampled_from(TEMPLATES), st.booleans())
def test_what_is_said_is_understood(category, language, number, template, loud):
    spec = propose(Random(number), category, WIDE)
    sentence = caption(spec, language, template)
    if loud and not category.startswith("text"):
        sentence = f"  {sentence.upper()} !"
    assert understand(sentence) == spec


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "a cat on a mint background",
        "a red circle on a mint carpet",
        "a red circle, a blue star and a heart",
        "I say: a red circle",
        'the word "STOP" on a road sign',
        "一只猫",
    ],
)
def test_other_sentences_are_not(sentence):
    assert understand(sentence) is None
