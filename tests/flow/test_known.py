"""What is known stays on its path, and what is let go walks as if it were alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from danqing.flow.known import Held, first_step, release
from danqing.flow.path import mix, velocity
from danqing.flow.samplers import samplers
from danqing.flow.schedule import DynamicShift


def ends(seed=0):
    return torch.randn(2, 2, 6, generator=torch.Generator().manual_seed(seed))


def elsewhere(x, sigma):
    """The exact velocity when all pictures are one."""
    return (x - 3.0) / sigma


@settings(max_examples=60)
@given(steps=st.integers(1, 1000), strength=st.floats(0, 1))
def test_steps_are_counted_as_published(steps, strength):
    published = int(max(steps - min(steps * strength, steps), 0))
    assert first_step(steps, torch.tensor(strength, dtype=torch.float64)) == published
    if strength > 0.001:
        assert published < steps


@pytest.mark.parametrize("name", list(samplers))
@pytest.mark.parametrize("begin", [0, 3])
def test_held_places_come_out_as_they_were_by_every_sampler(name, begin):
    (x0, noise), mask = ends(), torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 0.0]).double()
    sigmas = DynamicShift()(8, 256)
    held = Held(elsewhere, velocity(x0, noise), release(sigmas, mask))
    x = mix(x0, noise, sigmas[begin])
    found = samplers[name](held, x, sigmas[begin:])
    alone = samplers[name](elsewhere, x, sigmas[begin:])
    assert_close(found[:, mask == 0], x0[:, mask == 0], atol=2e-6, rtol=0)
    assert torch.equal(found[:, mask == 1], alone[:, mask == 1])


@settings(max_examples=40)
@given(steps=st.integers(1, 12), grey=st.integers(1, 255))
def test_an_even_grey_is_a_strength(steps, grey):
    (x0, noise), sigmas = ends(1), DynamicShift()(steps, 256)
    strength = torch.full((6,), grey / 255, dtype=torch.float64)
    held = Held(elsewhere, velocity(x0, noise), release(sigmas, strength))
    start = int(first_step(steps, strength)[0])
    begun = samplers["euler"](elsewhere, mix(x0, noise, sigmas[start]), sigmas[start:])
    assert_close(samplers["euler"](held, noise, sigmas), begun, atol=3e-6, rtol=0)


def test_lighter_is_let_go_no_later():
    sigmas = DynamicShift()(10, 256)
    levels = release(sigmas, torch.linspace(0, 1, 256, dtype=torch.float64))
    assert levels[0] == 0
    assert levels[-1] == 1
    assert (levels.diff() >= 0).all()
