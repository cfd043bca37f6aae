"""A picture shows what its own record says, and nothing that another record says."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.edits.scenes import scene
from danqing.data.edits.stream import ASKED
from danqing.data.edits.writing import written
from danqing.scorers.shown import PlaceJudge
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES

JUDGE = PlaceJudge()
JUDGED = settings(max_examples=25)
SEEDS = st.integers(0, 10**6)


def changed(placed, **fields):
    """Return a scene with its first thing changed."""
    first, *rest = placed.marks
    return replace(placed, marks=(replace(first, **fields), *rest))


def accepts(placed, record):
    return JUDGE.judge(placed.draw(), record).value == 1


@JUDGED
@given(SEEDS)
def test_all_in_its_place_is_right_whatever_the_order(seed):
    placed = scene(Random(seed), ASKED, 3, 4)
    record = placed.record
    assert accepts(placed, record)
    assert accepts(placed, record | {"marks": record["marks"][::-1]})


@JUDGED
@given(SEEDS)
def test_one_detail_off_is_wrong(seed):
    rng = Random(seed)
    placed = scene(rng, ASKED, 3, 4)
    first, record = placed.things[0], placed.record
    x, y = first.centre
    others = {
        "shape": rng.choice([shape for shape in SHAPES if shape != first.shape]),
        "color": rng.choice([color for color in PALETTE if color != first.color]),
    }
    for key, value in others.items():
        marks = [record["marks"][0] | {key: value}, *record["marks"][1:]]
        assert not accepts(placed, record | {"marks": marks})
    away = 0.13 * 256 if x < 128 else -0.13 * 256
    assert not accepts(changed(placed, centre=(x + away, y)), record)
    assert not accepts(changed(placed, radius=first.radius * 0.7), record)
    assert not accepts(replace(placed, marks=placed.marks[1:]), record)
    ground = rng.choice([name for name in BACKGROUNDS if name != placed.ground])
    assert not accepts(placed, record | {"background": ground})
    fewer = record | {"marks": record["marks"][1:]}
    assert "that should not be there" in JUDGE.judge(placed.draw(), fewer).reason


@JUDGED
@given(SEEDS)
def test_a_little_off_is_right(seed):
    placed = scene(Random(seed), ASKED, 2, 4)
    first = placed.things[0]
    x, y = first.centre
    shift = 0.06 * 256 if x < 128 else -0.06 * 256
    assert accepts(changed(placed, centre=(x + shift, y)), placed.record)
    assert accepts(changed(placed, radius=first.radius * 0.85), placed.record)


def test_strings_must_be_read_in_their_colour_and_place():
    before, after = written(Random(3), ASKED)
    assert accepts(before, before.record)
    assert not accepts(after, before.record)
    (mark,) = before.record["marks"]
    left, top, right, bottom = mark["box"]
    for other in (
        {"color": next(color for color in PALETTE if color != mark["color"])},
        {"box": [left, top - 60, right, bottom - 60]},
    ):
        assert not accepts(before, before.record | {"marks": [mark | other]})


@pytest.mark.parametrize("ground", BACKGROUNDS)
def test_an_empty_ground_shows_no_marks(ground):
    empty = replace(scene(Random(0), ASKED, 1, 4), marks=(), ground=ground)
    empty = replace(empty, shade=BACKGROUNDS[ground])
    assert accepts(empty, empty.record)
