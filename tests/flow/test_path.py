"""Any point of the path, with its velocity, tells both ends."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from danqing.flow import path


@given(st.floats(0, 1))
def test_a_point_and_its_velocity_give_back_the_picture_and_the_noise(sigma):
    x0, noise = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    x, v = path.mix(x0, noise, sigma), path.velocity(x0, noise)
    assert_close(path.denoised(x, v, sigma), x0)
    assert_close(path.noise_of(x, v, sigma), noise)


def test_sigma_1_is_noise_and_sigma_0_is_the_picture():
    x0, noise = torch.zeros(2, 3), torch.ones(2, 3)
    assert_close(path.mix(x0, noise, 1.0), noise)
    assert_close(path.mix(x0, noise, 0.0), x0)


def test_every_sample_may_have_its_own_sigma():
    x0, noise = torch.zeros(2, 3), torch.ones(2, 3)
    sigma = torch.tensor([[0.25], [0.75]])
    assert_close(path.mix(x0, noise, sigma), sigma.expand(2, 3))
