"""A Gaussian has an exact flow, so a sampler can be held to the order it claims."""

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler
from torch.testing import assert_close

from danqing.flow.samplers import ignore, samplers
from danqing.flow.schedule import DynamicShift

SPREAD = 0.5  # standard deviation of the "pictures"
ORDERS = {"euler": 1, "heun": 2, "dpmpp_2m": 2}


def gaussian_velocity(x, sigma):
    """The exact velocity when pictures are N(0, SPREAD^2) and noise is N(0, 1)."""
    variance = (1 - sigma) ** 2 * SPREAD**2 + sigma**2
    return x * (sigma - (1 - sigma) * SPREAD**2) / variance


def deviation(sigma):
    return ((1 - sigma) ** 2 * SPREAD**2 + sigma**2) ** 0.5


def error(name, steps, start, end):
    """Error of going from `start` to `end`, where the exact flow scales x by its deviation."""
    x = torch.ones(1)
    sigmas = [start + (end - start) * i / steps for i in range(steps + 1)]
    exact = x * deviation(end) / deviation(start)
    return (samplers[name](gaussian_velocity, x, sigmas) - exact).abs().item()


@pytest.mark.parametrize("name", list(samplers))
def test_halving_the_step_shrinks_the_error_at_the_claimed_order(name):
    ratio = error(name, 24, 0.95, 0.05) / error(name, 48, 0.95, 0.05)
    assert ratio == pytest.approx(2 ** ORDERS.get(name, 1), rel=0.15)


@pytest.mark.parametrize("name", list(samplers))
def test_the_whole_way_from_noise_to_picture_converges(name):
    coarse, fine = error(name, 16, 1, 0), error(name, 64, 1, 0)
    assert fine < coarse / 3
    assert fine < 0.02


@pytest.mark.parametrize("name", list(samplers))
def test_a_straight_path_is_walked_exactly(name):
    x0, noise = torch.randn(2, 2, 5, generator=torch.Generator().manual_seed(1))
    found = samplers[name](lambda x, sigma: noise - x0, noise, DynamicShift()(5, 256))
    assert_close(found, x0, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", list(samplers))
def test_a_watcher_sees_every_step_and_changes_nothing(name):
    x = torch.randn(3, generator=torch.Generator().manual_seed(2))
    sigmas = DynamicShift()(6, 256)
    seen = []
    watched = samplers[name](gaussian_velocity, x, sigmas, seen.append)
    assert [step.index for step in seen] == list(range(6))
    assert [step.sigma for step in seen] == list(sigmas[:-1])
    assert {step.total for step in seen} == {6}
    assert_close(seen[0].denoised, x - gaussian_velocity(x, 1.0))
    assert torch.equal(watched, samplers[name](gaussian_velocity, x, sigmas, ignore))


@pytest.mark.parametrize("name", list(samplers))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_state_keeps_the_dtype_it_came_in(name, dtype):
    x = torch.ones(3, dtype=dtype)
    assert samplers[name](gaussian_velocity, x, DynamicShift()(4, 256)).dtype == dtype


@pytest.mark.parametrize("name", list(samplers))
def test_no_velocity_is_asked_for_at_sigma_0(name):
    asked = []

    def velocity(x, sigma):
        asked.append(sigma)
        return x

    samplers[name](velocity, torch.ones(1), DynamicShift()(4, 256))
    assert min(asked) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_euler_takes_the_steps_of_the_published_scheduler_bit_for_bit(dtype):
    sigmas = DynamicShift()(8, 1024)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02)
    scheduler.set_timesteps(sigmas=[1 - i / 8 for i in range(8)], mu=DynamicShift().mu(1024))
    scheduler.set_begin_index(0)

    def velocity(x, sigma):
        return (x.float().sin() * sigma).to(dtype)

    x = expected = torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(3)).to(dtype)
    for t, sigma in zip(scheduler.timesteps, sigmas, strict=False):
        expected = scheduler.step(velocity(expected, sigma), t, expected, return_dict=False)[0]
    assert torch.equal(samplers["euler"](velocity, x, sigmas), expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_dpmpp_2m_takes_the_steps_of_the_published_solver():
    sigmas = DynamicShift()(20, 1024)
    solver = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, final_sigmas_type="zero"
    )
    solver.set_timesteps(20)
    solver.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    x = expected = torch.randn(1, 16, 4, generator=torch.Generator().manual_seed(4))
    solver.set_begin_index(0)
    for t, sigma in zip(solver.timesteps, sigmas, strict=False):
        v = (3 * expected).sin() + sigma
        expected = solver.step(v, t, expected, return_dict=False)[0]
    ours = samplers["dpmpp_2m"](lambda x, s: (3 * x).sin() + s, x, sigmas)
    assert_close(ours, expected.float(), atol=1e-5, rtol=0)
