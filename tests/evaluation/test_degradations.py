"""Degradations change a picture a little, and always alike."""

from random import Random

import numpy as np
import pytest
from PIL import Image

from danqing.data.synthesis import Limits, draw
from danqing.data.synthesis.propose import propose
from danqing.evaluation.degradations import LADDER, smaller, turned


@pytest.mark.parametrize("name", [name for name in LADDER if name != "clean"])
def test_every_degradation_changes_a_picture_a_little_and_always_alike(name):
    picture = draw(propose(Random(1), "counting", Limits()), Random(1))
    degraded = LADDER[name](picture)
    assert degraded.size == picture.size
    assert degraded.mode == "RGB"
    change = np.abs(np.asarray(degraded, float) - np.asarray(picture, float))
    assert 0 < change.mean() < 12
    assert degraded.tobytes() == LADDER[name](picture).tobytes()


@pytest.mark.parametrize("change", [turned, smaller])
def test_a_degradation_keeps_size_and_ground(change):
    assert change in LADDER.values()
    picture = Image.new("RGB", (100, 80), (10, 200, 30))
    assert np.array_equal(np.asarray(change(picture)), np.asarray(picture))
