"""Edits of a chain go on from each other, and what none has touched stays to the pixel."""

from itertools import pairwise

import numpy as np
import pytest

from danqing.data.edits import Edits
from danqing.data.edits.chains import chains
from danqing.data.synthesis.split import dealt

SMALL = Edits(size=(96, 96))


@pytest.fixture(scope="module")
def found():
    return chains(6, 10, world=SMALL)


def test_each_edit_begins_where_the_one_before_ended(found):
    for links in found:
        assert len(links) == 10
        for one, next_ in pairwise(links):
            assert next_.sources[0].tobytes() == one.target.tobytes()
            assert next_.change.shown["sources"][0] == one.change.shown["target"]
            assert not (next_.kept & ~one.kept).any()


def test_what_is_kept_equals_the_first_picture_and_something_is(found):
    for links in found:
        first, last = (np.asarray(i) for i in (links[0].sources[0], links[-1].target))
        same = (first == last).all(-1)
        assert same[links[-1].kept].all()
        assert links[-1].kept.mean() > 0.5
        # A thing among it, and not the ground alone.
        assert (first[links[-1].kept] != first[0, 0]).any(-1).mean() > 0.01


def test_chains_are_the_same_every_time_and_are_kept_from_training(found):
    again = chains(3, 10, world=SMALL)
    assert [[s.change for s in links] for links in again] == [
        [s.change for s in links] for links in found[:3]
    ]
    changes = [sample.change for links in found for sample in links]
    assert {dealt(change.id) for change in changes} == {"test"}
    assert {change.task for change in changes} == {"add", "move", "recolor", "remove", "replace"}
    assert [links[0].language for links in found] == ["en", "zh"] * 3
    assert {dealt(s.change.id) for s in chains(1, 4, "zh", "dev", SMALL)[0]} == {"dev"}
