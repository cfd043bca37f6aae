"""Pictures of one prompt that are all alike have no spread; those that differ have theirs."""

import math

import pytest

from danqing.evaluation.measures.layout import spread


def sight(*boxes, ground="mint", shape="star", color="red"):
    things = [{"shape": shape, "color": color, "box": box} for box in boxes]
    return {"size": [100, 200], "background": ground, "detections": things}


HERE = (10, 20, 30, 60)


def test_one_layout_by_heart_has_no_spread():
    assert spread([[sight(HERE)] * 4, [sight((50, 50, 90, 90))] * 2]) == (0, 0, 0, 0)


def test_places_sizes_grounds_and_colors_are_told_apart():
    moved = sight((50, 20, 70, 60))
    assert spread([[sight(HERE), moved]]) == (pytest.approx(0.4 / math.sqrt(2)), 0, 0, 0)
    wider = sight((0, 20, 40, 60))
    assert spread([[sight(HERE), wider]]) == (0, pytest.approx(math.log(2)), 0, 0)
    other = sight(HERE, ground="sky")
    black = sight(HERE, color="black")
    assert spread([[sight(HERE), black]]) == (0, 0, 0, 1)
    # Of three pairs of one prompt, two differ.
    assert spread([[sight(HERE), sight(HERE), other]]) == (0, 0, pytest.approx(2 / 3), 0)


def test_things_meet_themselves_in_whatever_order_they_were_seen():
    two = (HERE, (60, 100, 80, 140))
    assert spread([[sight(*two), sight(*reversed(two))]]) == (0, 0, 0, 0)


def test_pictures_of_other_things_are_not_compared():
    assert spread([[sight(HERE), sight(HERE, shape="heart")]]) is None
    assert spread([[sight(HERE), sight()], [sight(), sight()], [sight(HERE)], []]) is None
