"""The mean velocity of a stretch leads where the flow does: by closed forms and in the limit."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.flow.samplers import euler
from danqing.flow.stretch import mean_velocity

MIDDLE, SPREAD = 0.7, 0.5
levels = st.tuples(st.floats(0.05, 1), st.floats(0, 0.95)).map(lambda x: (x[0], x[0] * x[1]))


def spread(sigma):
    """Return the standard deviation of states at a level, pictures being N(MIDDLE, SPREAD^2)."""
    return ((1 - sigma) ** 2 * SPREAD**2 + sigma**2).sqrt()


def gaussian(x, sigma):
    """Return the exact velocity of these pictures."""
    sigma = sigma[:, None]
    away = (x - (1 - sigma) * MIDDLE) / spread(sigma) ** 2
    return away * (sigma - (1 - sigma) * SPREAD**2) - MIDDLE


def exact(x, sigma, after):
    """Return the mean velocity between two levels; states keep their place in the Gaussian."""
    sigma, after = sigma[:, None], after[:, None]
    place = (x - (1 - sigma) * MIDDLE) / spread(sigma)
    return ((1 - after) * MIDDLE + place * spread(after) - x) / (after - sigma)


def states(count):
    return torch.randn(count, 3, generator=generator(0)).double()


@given(st.lists(levels, min_size=1, max_size=4))
@settings(max_examples=20)
def test_the_mean_velocity_of_a_gaussian_is_the_closed_form(stretches):
    sigma, after = torch.tensor(stretches).double().unbind(1)
    x = states(len(sigma))
    wrong = [
        (mean_velocity(gaussian, x, sigma, after, steps) - exact(x, sigma, after)).norm()
        for steps in (64, 128)
    ]
    assert wrong[1] < 0.04
    if wrong[1] > 1e-6:
        assert wrong[0] / wrong[1] == pytest.approx(2, rel=0.2)


@given(st.lists(levels, min_size=1, max_size=4))
def test_one_step_is_the_velocity_itself(stretches):
    sigma, after = torch.tensor(stretches).double().unbind(1)
    x = states(len(sigma))
    assert torch.equal(mean_velocity(gaussian, x, sigma, after, 1), gaussian(x, sigma))


@given(st.lists(levels, min_size=2, max_size=4), st.integers(1, 5))
def test_a_stretch_does_not_depend_on_those_beside_it(stretches, steps):
    sigma, after = torch.tensor(stretches).double().unbind(1)
    x = states(len(sigma))
    together = mean_velocity(gaussian, x, sigma, after, steps)
    alone = [
        mean_velocity(gaussian, *(some[k : k + 1] for some in (x, sigma, after)), steps)
        for k in range(len(sigma))
    ]
    assert_close(together, torch.cat(alone))


@given(st.integers(1, 6))
def test_few_steps_along_mean_velocities_end_where_many_steps_end(steps):
    sigmas, x = (1.0, 0.9, 0.75, 0.5, 0.0), states(2)
    fine = [
        sigma + number * (after - sigma) / steps
        for sigma, after in pairwise(sigmas)
        for number in range(steps)
    ]

    def each(sigma):
        return torch.full((2,), sigma).double()

    def stride(x, sigma):
        after = sigmas[sigmas.index(sigma) + 1]
        return mean_velocity(gaussian, x, each(sigma), each(after), steps)

    many = euler(lambda x, sigma: gaussian(x, each(sigma)), x.float(), (*fine, 0.0))
    assert_close(euler(stride, x.float(), sigmas), many, atol=1e-5, rtol=1e-5)
