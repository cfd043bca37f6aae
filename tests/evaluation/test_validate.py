"""The gate that the detector must pass before any model is scored with it."""

from random import Random

import numpy as np
import pytest

from danqing.data.synthesis import Limits, draw
from danqing.data.synthesis.propose import propose
from danqing.evaluation.corruptions import corrupt
from danqing.evaluation.stats import upper_bound
from danqing.evaluation.validate import LADDER, clean, ladder
from danqing.scorers.base import Score
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import CATEGORIES, SCENE_CATEGORIES, TEXT_CATEGORIES


def gate(count, true_accept, conditions):
    """Check the share of right pictures accepted in each row, and wrong ones over all rows."""
    rows = ladder(count, conditions=conditions)
    for row in rows:
        assert row.true_accepts / row.count >= true_accept, row.text
    return sum(row.false_accepts for row in rows), sum(row.count for row in rows)


def test_right_pictures_are_accepted_and_minimally_wrong_ones_refused():
    false_accepts, count = gate(30, 0.97, {"clean": clean})
    assert count == 30 * len(SCENE_CATEGORIES)
    assert false_accepts == 0


@pytest.mark.slow
def test_the_full_gate_of_a_thousand_right_and_wrong_pictures():
    false_accepts, count = gate(160, 0.99, {"clean": clean})
    assert count >= 1000
    assert upper_bound(false_accepts, count) <= 0.005


def test_words_are_read_and_misspelled_ones_refused():
    for row in ladder(20, categories=TEXT_CATEGORIES, conditions={"clean": clean}):
        assert row.true_accepts >= 19, row.text
        assert row.false_accepts == 0, row.text


@pytest.mark.slow
def test_degraded_pictures_cost_true_accepts_rather_than_false_ones():
    false_accepts, count = gate(40, 0.85, LADDER)
    assert upper_bound(false_accepts, count) <= 0.005


@pytest.mark.parametrize("name", [name for name in LADDER if name != "clean"])
def test_every_degradation_changes_a_picture_a_little_and_always_alike(name):
    picture = draw(propose(Random(1), "counting", Limits()), Random(1))
    degraded = LADDER[name](picture)
    assert degraded.size == picture.size
    assert degraded.mode == "RGB"
    change = np.abs(np.asarray(degraded, float) - np.asarray(picture, float))
    assert 0 < change.mean() < 12
    assert degraded.tobytes() == LADDER[name](picture).tobytes()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_corrupted_scene_is_another_scene_that_can_be_drawn(category):
    for index in range(40):
        rng = Random(index)
        scene = propose(rng, category, Limits())
        wrong = corrupt(scene, rng)
        assert wrong.id != scene.id
        assert wrong.category == scene.category
        assert draw(wrong, rng, size=(64, 64)).size == (64, 64)


def test_a_judge_that_accepts_everything_would_not_pass():
    class Blind(SceneScorer):
        def score(self, images, wanted):
            return [Score(1.0, "")]

    (row,) = ladder(3, categories=["colors"], conditions={"clean": clean}, scorer=Blind())
    assert row.false_accepts == 3
    assert "3 of 3 wrong" in row.text
