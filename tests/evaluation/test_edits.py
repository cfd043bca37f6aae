"""The judge of edits sees changes, decibels and shifts, and its trials are wrong by one detail."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter

from danqing.core.download import EMBEDDED
from danqing.data.edits import STYLES, Edits, held_out
from danqing.evaluation.edit_trials import edit_trials
from danqing.evaluation.edits import ANEW, CHANGING, EditJudge, Truth
from danqing.evaluation.trials import RIGHT
from danqing.pipelines.load import load_vae
from danqing.pipelines.model import to_image
from danqing.training.encode import to_tensor

JUDGE = EditJudge()


@lru_cache
def truth(task):
    (sample,) = held_out(task, 1)
    return Truth(sample.change, sample.sources[0], sample.target, sample.kept)


def seen(image, task):
    return JUDGE.judge(image, truth(task)).details


def plain(one):
    """Whether nothing is kept but the ground."""
    return np.ptp(np.asarray(one.source)[JUDGE._compared(one.kept)], 0).max() == 0


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(CHANGING), st.integers(-4, 4), st.integers(-4, 4))
def test_a_shift_is_measured_whatever_was_changed(task, right, down):
    for image in (truth(task).target, truth(task).source):
        # The ground is plain, so what wraps around is as good as new.
        moved = ImageChops.offset(image, right, down)
        found = seen(moved, task)
        if task not in ANEW and plain(truth(task)):
            assert not {"shift", "still"} & found.keys()
        else:
            assert found["shift"] == pytest.approx(np.hypot(right, down), abs=0.4)
            assert found["still"] == (not right and not down)


@torch.inference_mode()
def through(vae, image):
    return to_image(vae.decode(vae.encode(to_tensor([np.asarray(image)])).mode()))


def test_no_look_moves_through_a_vae_and_each_is_seen_to_be_moved():
    """Washes of colour have few edges, and a VAE changes them by more than it does others."""
    vae = load_vae(EMBEDDED["danqing-nano-edit"], torch.float32)
    looks = {one.change.asked["style"]: one for one in held_out("restyle", 24)}
    assert set(looks) == set(STYLES)
    for one in looks.values():
        true = Truth(one.change, one.sources[0], one.target, one.kept)
        image = through(vae, one.target)
        assert JUDGE.judge(image, true).details["still"] == 1
        moved = JUDGE.judge(ImageChops.offset(image, 1, 0), true).details
        assert moved["shift"] == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("task", ["add", "remove", "move"])
def test_what_is_new_may_be_elsewhere_without_a_shift(task):
    """Its place is judged by what is done."""
    every = (Truth(s.change, s.sources[0], s.target, s.kept) for s in held_out(task, 8))
    one = next(one for one in every if not plain(one))
    changed = Image.fromarray(~one.kept).convert("L").filter(ImageFilter.MaxFilter(9))
    elsewhere = Image.composite(ImageChops.offset(one.target, 5, -3), one.target, changed)
    assert JUDGE.judge(elsewhere, one).details["still"] == 1
    moved = JUDGE.judge(ImageChops.offset(elsewhere, 1, 0), one).details
    assert moved["shift"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("task", ["add", "move", "pose", "compose"])
def test_decibels_are_those_of_what_is_kept_and_of_no_seam(task):
    one = truth(task)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (256, 256, 3))
    target = np.asarray(one.target).astype(float)
    noisy = Image.fromarray((target + grain).round().clip(0, 255).astype(np.uint8))
    assert seen(noisy, task)["kept"] == pytest.approx(20 * np.log10(255 / 6), abs=1)
    # Anything may happen to the rest, and to what is next to it.
    changed = Image.fromarray(~one.kept).convert("L").filter(ImageFilter.MaxFilter(9))
    smeared = Image.composite(Image.new("RGB", (256, 256), "red"), one.target, changed)
    assert seen(smeared, task)["kept"] == pytest.approx(80)


def test_where_all_may_change_nothing_is_kept_and_a_faint_copy_is_no_copy():
    assert "kept" not in seen(truth("restyle").target, "restyle")
    one = truth("reconstruct")
    faint = Image.blend(one.target, Image.new("RGB", one.target.size, "white"), 0.3)
    verdict = JUDGE.judge(faint, one)
    assert verdict.value == 0
    assert verdict.details["kept"] < 25


def test_a_picture_of_another_size_is_judged_at_the_size_of_the_truth():
    for task in ("add", "pose"):
        large = truth(task).target.resize((512, 512), Image.Resampling.LANCZOS)
        assert JUDGE.judge(large, truth(task)).value == 1


def test_true_edits_are_accepted_and_minimally_wrong_ones_refused():
    trials = list(edit_trials(2, 256))
    for trial in trials:
        assert trial.accepts(trial.picture) == (trial.fault == RIGHT), (trial.category, trial.fault)
    counts = Counter(trial.category for trial in trials if trial.fault == RIGHT)
    assert counts == dict.fromkeys(CHANGING, 2)
    assert len({trial.fault for trial in trials}) == 11


@pytest.mark.slow
@pytest.mark.parametrize("task", CHANGING)
def test_the_full_gate(task):
    wrong = Counter(t.fault for t in edit_trials(60, 256, [task]) if t.accepts(t.picture))
    assert wrong.pop(RIGHT) >= 59
    assert wrong.total() <= 2


def test_every_edit_that_is_drawn_can_be_judged():
    # Letters that no reader tells apart alone, such as O, are for training only.
    edits = Edits(size=(192, 256), tasks=dict.fromkeys(CHANGING, 1.0), min_word=2, invented=0.0)
    for index in range(24):
        sample = edits.sample(index)
        one = Truth(sample.change, sample.sources[0], sample.target, sample.kept)
        assert JUDGE.judge(sample.target, one).value == 1, sample.task
        verdict = replace(JUDGE, faithful=0.0).judge(sample.sources[0], one)
        assert verdict.value == (sample.task == "reconstruct"), sample.task
