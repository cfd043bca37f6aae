"""A specification and its record say the same."""

from random import Random

import pytest

from danqing.data.synthesis.propose import Limits, propose
from danqing.scorers.world import CATEGORIES, specification


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_record_gives_its_specification_back(category):
    rng = Random(category)
    for _ in range(20):
        spec = propose(rng, category, Limits())
        assert specification(spec.record) == spec


@pytest.mark.parametrize("record", [{}, {"tag": "colors"}, {"tag": "text_en", "text": "A"}, None])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(ValueError, match="no specification"):
        specification(record)
