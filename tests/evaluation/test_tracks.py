"""The gate that the judges of the tracks must pass before any model is scored with them."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from danqing.evaluation.stats import upper_bound
from danqing.evaluation.tracks import (
    CONDITIONS,
    Row,
    clean,
    judged,
    rights,
    smaller,
    turned,
    wrongs,
)
from danqing.evaluation.trials import RIGHT, Trial, arch_trials, solid_trials, typeface_trials

CLEAN = {"clean": clean}


def gate(trials, conditions, true_accept):
    """Check the share of right pictures accepted in each row; return the bound of wrong ones."""
    rows = judged(trials, conditions)
    for row in rows:
        assert row.fault != RIGHT or row.accepted / row.count >= true_accept, row
    wrong = [row for row in rows if row.fault != RIGHT]
    return upper_bound(sum(row.accepted for row in wrong), sum(row.count for row in wrong))


@pytest.mark.parametrize("trials", [arch_trials, solid_trials])
def test_right_pictures_are_accepted_and_minimally_wrong_ones_refused(trials):
    count = 4
    assert gate(trials(count, 256), CLEAN, 0.95) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("trials", [arch_trials, solid_trials])
def test_the_full_gate(trials):
    assert gate(trials(40, 256), CLEAN, 0.95) <= 0.01


@pytest.mark.slow
def test_words_are_read_in_every_typeface_of_the_package():
    gate(typeface_trials(40, 256), CLEAN, 0.95)


def test_trials_have_every_fault_equally_often():
    faults = Counter(trial.fault for trial in arch_trials(1, 64))
    assert set(faults.values()) == {4}
    assert len(faults) == 5
    faults = Counter((t.category == "described", t.fault) for t in solid_trials(1, 64))
    assert faults[False, "left as it was"] == faults[False, RIGHT] == 4
    assert (True, "left as it was") not in faults


@pytest.mark.parametrize("change", [turned, smaller])
def test_a_degradation_keeps_size_and_ground(change):
    assert change in CONDITIONS.values()
    picture = Image.new("RGB", (100, 80), (10, 200, 30))
    assert np.array_equal(np.asarray(change(picture)), np.asarray(picture))


def test_tables_count_what_a_judge_accepts():
    blank = Image.new("RGB", (8, 8))
    trials = [Trial("a", fault, blank, lambda image: True) for fault in (RIGHT, "odd", "odd")]
    rows = judged(trials, CLEAN)
    assert rows == [Row("a", "clean", RIGHT, 1, 1), Row("a", "clean", "odd", 2, 2)]
    assert rights(rows).splitlines()[-1] == "| a | 1.000 |"
    assert wrongs(rows).splitlines()[-1] == "| odd | 2 | 2 | 1.0000 |"
