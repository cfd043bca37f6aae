"""Stochastic steps end where they say, as likely as they say, and leave the flow's marginals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.flow.path import mix
from danqing.flow.samplers import euler
from danqing.flow.schedule import DynamicShift
from danqing.flow.sde import cps, flow_sde, kernels, walk

SPREAD, MIDDLE = 0.5, 2.0  # the "pictures" are N(MIDDLE, SPREAD^2)


def gaussian_velocity(x, sigma):
    """The exact velocity of that flow: its mean and deviation are those of the path."""
    variance = deviation(sigma) ** 2
    noise = sigma * (x - (1 - sigma) * MIDDLE) / variance
    picture = MIDDLE + (1 - sigma) * SPREAD**2 * (x - (1 - sigma) * MIDDLE) / variance
    return noise - picture


def deviation(sigma):
    return math.hypot((1 - sigma) * SPREAD, sigma)


@pytest.mark.parametrize("name", list(kernels))
@given(sigma=st.floats(0.05, 1.0), share=st.floats(0.1, 0.9), level=st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None)
def test_likelihoods_are_those_of_a_gaussian(name, sigma, share, level):
    x, v = torch.randn(2, 3, 4, 2, generator=generator(0))
    step = kernels[name](x, v, sigma, sigma * share, level)
    end = step.draw(generator(1))
    exact = Normal(step.mean, step.std).log_prob(end).flatten(1)
    assert_close(step.log_prob(end, "sum"), exact.sum(1), atol=1e-3, rtol=1e-5)
    assert_close(step.log_prob(end, "mean"), exact.mean(1), atol=1e-4, rtol=1e-5)
    far = (end - step.mean).square().flatten(1).mean(1)
    assert_close(step.log_prob(end, "distance"), -far)


@pytest.mark.parametrize("name", list(kernels))
def test_without_noise_a_step_is_that_of_the_flow(name):
    x = torch.randn(4, 3, generator=generator(0))
    sigmas = DynamicShift()(8, 256)
    found, hops = walk(gaussian_velocity, x, sigmas, kernels[name], 0.0, range(8), generator(1))
    assert not hops
    assert_close(found, euler(gaussian_velocity, x, sigmas), atol=1e-5, rtol=1e-5)


def test_many_small_steps_of_the_sde_keep_the_marginals_of_the_flow():
    x = torch.randn(20_000, 1, generator=generator(0))
    steps = 200
    sigmas = [1 - 0.98 * i / steps for i in range(steps + 1)]
    _, hops = walk(gaussian_velocity, x, sigmas, flow_sde, 0.7, range(steps), generator(1))
    assert len(hops) == steps
    for hop in hops[40::53]:
        std, mean = torch.std_mean(hop.end)
        assert mean.item() == pytest.approx((1 - hop.after) * MIDDLE, abs=0.03)
        assert std.item() == pytest.approx(deviation(hop.after), rel=0.03)


def test_few_steps_of_the_sde_leave_noise_in_the_picture_and_those_of_cps_none():
    """With one picture in the world, whatever is not it is noise."""
    x0 = torch.full((2000, 4), 2.0)
    noise = torch.randn(x0.shape, generator=generator(0))

    def velocity(x, sigma):
        return (x - x0) / sigma

    ends = {}
    for name in kernels:
        kernel = kernels[name]
        ends[name], hops = walk(
            velocity, noise, (1.0, 0.6, 0.3, 0.0), kernel, 0.7, range(3), generator(1)
        )
        if kernel is cps:
            # The picture's weight is 1 - sigma and the noise's is sigma, to the last of any steps.
            assert [hop.after for hop in hops] == [0.6, 0.3]
            for hop in hops:
                left = (hop.end - (1 - hop.after) * x0) / hop.after
                assert left.std().item() == pytest.approx(1, rel=0.03)
    assert_close(ends["cps"], x0)
    assert (ends["flow_sde"] - x0).std() > 0.2


def test_at_level_1_cps_starts_from_fresh_noise():
    x0, noise = torch.randn(2, 5, 4, generator=generator(0))
    step = cps(mix(x0, noise, 0.8), noise - x0, 0.8, 0.5, 1.0)
    assert_close(step.mean, 0.5 * x0, atol=1e-6, rtol=1e-6)
    assert step.std == 0.5


def test_the_sde_has_the_published_deviation_also_where_noise_is_pure():
    x, v = torch.randn(2, 2, 3, generator=generator(0))
    assert flow_sde(x, v, 1.0, 0.9, 0.7).std == pytest.approx(0.7 * math.sqrt(1 / 0.1 * 0.1))
    assert flow_sde(x, v, 0.8, 0.7, 0.7).std == pytest.approx(0.7 * math.sqrt(0.8 / 0.2 * 0.1))


@pytest.mark.parametrize("name", list(kernels))
def test_only_steps_of_the_window_are_stochastic_and_on_policy_ratios_are_1(name):
    x = torch.randn(3, 2, 2, generator=generator(0))
    sigmas = DynamicShift()(6, 256)
    run = walk(gaussian_velocity, x, sigmas, kernels[name], 0.7, range(1, 3), generator(1))
    again = walk(gaussian_velocity, x, sigmas, kernels[name], 0.7, range(1, 3), generator(1))
    assert torch.equal(run[0], again[0])
    assert [hop.sigma for hop in run[1]] == list(sigmas[1:3])
    for hop in run[1]:
        step = kernels[name](hop.x, gaussian_velocity(hop.x, hop.sigma), hop.sigma, hop.after, 0.7)
        for measure in ("mean", "sum", "distance"):
            ratio = (step.log_prob(hop.end, measure) - hop.step.log_prob(hop.end, measure)).exp()
            assert_close(ratio, torch.ones(3), atol=1e-6, rtol=0)


def test_states_in_bfloat16_are_walked_in_float32():
    x, v = torch.randn(2, 2, 3, generator=generator(0)).bfloat16()
    assert flow_sde(x, v, 0.8, 0.7, 0.7).mean.dtype == torch.float32
