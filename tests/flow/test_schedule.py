"""Schedules give the published numbers, exactly."""

import math
from itertools import pairwise

import numpy as np
import pytest
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.errors import CheckpointError, RequestError
from danqing.flow.schedule import (
    ConstantShift,
    DynamicShift,
    LayeredShift,
    from_published,
    schedules,
    to_published,
)

QWEN_IMAGE = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "_diffusers_version": "0.34.0",
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": True,
    "base_image_seq_len": 256,
    "max_image_seq_len": 8192,
    "base_shift": 0.5,
    "max_shift": 0.9,
    "time_shift_type": "exponential",
    "shift": 1.0,
    "shift_terminal": 0.02,
    "invert_sigmas": False,
    "stochastic_sampling": False,
}
LAYERED = QWEN_IMAGE | {"shift_terminal": None, "time_shift_type": "linear"}
LIGHTNING = QWEN_IMAGE | {
    "base_shift": math.log(3),
    "max_shift": math.log(3),
    "shift_terminal": None,
}


def published(config, steps, tokens, layered=False):
    """What the published pipelines make of a scheduler configuration."""
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    grid = np.linspace(1.0, 0, steps + 1)[:-1] if layered else np.linspace(1.0, 1 / steps, steps)
    mu = calculate_shift(
        tokens,
        scheduler.config.base_image_seq_len,
        scheduler.config.max_image_seq_len,
        scheduler.config.base_shift,
        scheduler.config.max_shift,
    )
    mu = (tokens / 256) ** 0.5 if layered else mu
    scheduler.set_timesteps(sigmas=grid, mu=mu)
    return scheduler.sigmas.tolist()


@pytest.mark.parametrize("steps", [2, 4, 7, 20, 50])
@pytest.mark.parametrize("tokens", [64, 1024, 4096, 6889, 16384])
@pytest.mark.parametrize(
    "config",
    [
        QWEN_IMAGE,
        LIGHTNING,
        QWEN_IMAGE | {"time_shift_type": "linear"},
        {"use_dynamic_shifting": True},
        {"use_dynamic_shifting": False, "shift": 3.0, "shift_terminal": 0.1},
        {},
    ],
)
def test_sigmas_equal_those_of_the_published_scheduler(config, steps, tokens):
    ours = from_published(config)(steps, tokens)
    exact = config.get("use_dynamic_shifting", False)
    expected = published(config, steps, tokens)
    assert ours == pytest.approx(expected, abs=0 if exact else 1e-6, rel=0)


@pytest.mark.parametrize("steps", [1, 4, 50])
@pytest.mark.parametrize("tokens", [256, 1600, 4096])
def test_sigmas_of_layers_equal_the_published_ones(steps, tokens):
    ours = from_published(LAYERED, layered=True)(steps, tokens)
    assert ours == pytest.approx(published(LAYERED, steps, tokens, True), abs=1e-6, rel=0)


@pytest.mark.parametrize(
    ("tokens", "mu"),
    [
        (1024, 0.538710),
        (4096, 0.693548),
        (6032, 0.791129),
        (6348, 0.807056),
        (6534, 0.816431),
        (6889, 0.834325),
        (16384, 1.312903),
    ],
)
def test_mu_follows_the_size_of_the_canvas_and_is_not_clamped(tokens, mu):
    assert DynamicShift().mu(tokens) == pytest.approx(mu, abs=5e-7)


@pytest.mark.parametrize(
    ("schedule", "steps", "tokens", "head", "tail"),
    [
        (DynamicShift(), 4, 4096, [1.0, 0.766709, 0.455614], [0.02, 0]),
        (
            DynamicShift(),
            50,
            6889,
            [1.0, 0.990988, 0.981768, 0.972332, 0.962672, 0.95278],
            [0.105449, 0.063783, 0.02, 0],
        ),
        (
            DynamicShift(),
            50,
            4096,
            [1.0, 0.989701, 0.979191, 0.968465],
            [0.095499, 0.058476, 0.02, 0],
        ),
        (LayeredShift(), 50, 1600, [1.0, 0.991903, 0.983607, 0.975104], [0.09434, 0.048544, 0]),
        (ConstantShift(), 4, 6889, [1, 0.9, 0.75], [0.5, 0]),
        (
            ConstantShift(),
            8,
            6889,
            [1, 0.954545, 0.9, 0.833333, 0.75],
            [0.642857, 0.5, 0.3, 0],
        ),
    ],
)
def test_sigmas_equal_the_golden_tables(schedule, steps, tokens, head, tail):
    sigmas = schedule(steps, tokens)
    assert len(sigmas) == steps + 1
    assert sigmas[: len(head)] == pytest.approx(head, abs=1e-6)
    assert sigmas[-len(tail) :] == pytest.approx(tail, abs=1e-6)


@pytest.mark.parametrize("name", list(schedules))
@given(steps=st.integers(1, 200), tokens=st.integers(1, 60_000))
def test_every_schedule_falls_from_1_to_0(name, steps, tokens):
    sigmas = schedules[name]()(steps, tokens)
    assert len(sigmas) == steps + 1
    assert (sigmas[0], sigmas[-1]) == (1.0, 0.0)
    assert all(a > b for a, b in pairwise(sigmas))


@pytest.mark.parametrize("name", list(schedules))
def test_no_schedule_has_fewer_than_one_step(name):
    with pytest.raises(RequestError, match="steps must be at least 1, got 0"):
        schedules[name]()(0, 256)


def test_keys_that_are_left_out_mean_what_the_published_code_makes_of_them():
    schedule = from_published({"use_dynamic_shifting": True})
    assert schedule == DynamicShift(max_shift=1.15, max_tokens=4096, terminal=None)
    assert schedule != from_published(QWEN_IMAGE) == DynamicShift()
    assert from_published({}) == ConstantShift(shift=1.0)


@pytest.mark.parametrize(
    "schedule", [DynamicShift(kind="linear", terminal=None), ConstantShift(), DynamicShift()]
)
def test_a_schedule_survives_being_published(schedule):
    assert from_published(to_published(schedule)) == schedule


def test_the_schedule_of_layers_survives_in_a_pipeline_of_layers():
    assert from_published(to_published(LayeredShift()), layered=True) == LayeredShift()
    ours = to_published(LayeredShift())
    assert {key: LAYERED.get(key, value) for key, value in ours.items()} == ours


def test_a_schedule_that_the_published_format_cannot_say_is_refused():
    with pytest.raises(
        CheckpointError, match=r"one that the published format knows, got LayeredShift"
    ):
        to_published(LayeredShift(base_tokens=64))


def test_other_schedulers_are_refused_by_the_key_that_asks_for_them():
    with pytest.raises(CheckpointError, match="use_karras_sigmas must be False, got True"):
        from_published(QWEN_IMAGE | {"use_karras_sigmas": True})
    with pytest.raises(CheckpointError, match="_class_name must be 'FlowMatchEuler"):
        from_published({"_class_name": "DDIMScheduler"})
