"""The gates that judges must pass before any model is scored with them."""

from collections import Counter
from random import Random

import pytest
from PIL import Image

from danqing.data.synthesis import Limits, draw
from danqing.data.synthesis.propose import propose
from danqing.evaluation.corruptions import corrupt
from danqing.evaluation.degradations import LADDER, clean
from danqing.evaluation.stats import upper_bound
from danqing.evaluation.trials import (
    RIGHT,
    Trial,
    arch_trials,
    solid_trials,
    string_trials,
    typeface_trials,
    world_trials,
)
from danqing.evaluation.validate import Row, judged, rights, wrongs
from danqing.scorers.world import CATEGORIES

CLEAN = {"clean": clean}


def gate(trials, conditions, true_accept):
    """Check the share of right pictures accepted in each row; return the bound of wrong ones."""
    rows = judged(trials, conditions)
    for row in rows:
        assert row.fault != RIGHT or row.accepted / row.count >= true_accept, row
    wrong = [row for row in rows if row.fault != RIGHT]
    return upper_bound(sum(row.accepted for row in wrong), sum(row.count for row in wrong))


@pytest.mark.parametrize(
    ("trials", "count", "true_accept", "bound"),
    [
        (world_trials, 30, 0.97, 0.015),
        (string_trials, 20, 0.95, 0.08),
        (arch_trials, 4, 0.95, 0.06),
        (solid_trials, 4, 0.95, 0.06),
    ],
)
def test_right_pictures_are_accepted_and_minimally_wrong_ones_refused(
    trials, count, true_accept, bound
):
    assert gate(trials(count, 256), CLEAN, true_accept) < bound


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trials", "count", "true_accept", "bound"),
    [
        (world_trials, 160, 0.99, 0.005),
        (string_trials, 500, 0.99, 0.005),
        (arch_trials, 40, 0.95, 0.01),
        (solid_trials, 40, 0.95, 0.01),
    ],
)
def test_the_full_gate(trials, count, true_accept, bound):
    assert gate(trials(count, 256), CLEAN, true_accept) <= bound


@pytest.mark.slow
def test_degraded_scenes_cost_true_accepts_rather_than_false_ones():
    assert gate(world_trials(40, 256), LADDER, 0.85) <= 0.005


@pytest.mark.slow
def test_words_are_read_in_every_typeface_of_the_package():
    gate(typeface_trials(40, 256), CLEAN, 0.95)


def test_trials_have_every_fault_equally_often():
    faults = Counter(trial.fault for trial in (*world_trials(1, 64), *string_trials(1, 64)))
    assert faults == dict.fromkeys((RIGHT, "wrong by one detail"), len(CATEGORIES))
    faults = Counter(trial.fault for trial in arch_trials(1, 64))
    assert set(faults.values()) == {4}
    assert len(faults) == 5
    faults = Counter((t.category == "described", t.fault) for t in solid_trials(1, 64))
    assert faults[False, "left as it was"] == faults[False, RIGHT] == 4
    assert (True, "left as it was") not in faults


def test_tables_count_what_a_judge_accepts():
    blank = Image.new("RGB", (8, 8))
    trials = [Trial("a", fault, blank, lambda image: True) for fault in (RIGHT, "odd", "odd")]
    rows = judged(trials, CLEAN)
    assert rows == [Row("a", "clean", RIGHT, 1, 1), Row("a", "clean", "odd", 2, 2)]
    assert rights(rows).splitlines()[-1] == "| a | 1.000 |"
    assert wrongs(rows).splitlines()[-1] == "| odd | 2 | 2 | 1.0000 |"


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_corrupted_scene_is_another_scene_that_can_be_drawn(category):
    for index in range(40):
        rng = Random(index)
        scene = propose(rng, category, Limits())
        wrong = corrupt(scene, rng)
        assert wrong.id != scene.id
        assert wrong.category == scene.category
        assert draw(wrong, rng, size=(64, 64)).size == (64, 64)
