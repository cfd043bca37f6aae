"""A seed means the same noise everywhere."""

import torch
from diffusers.utils.torch_utils import randn_tensor
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.seed import generator
from danqing.flow.noise import draw


@given(seed=st.integers(0, 2**40), k=st.integers(0, 3))
def test_sample_k_of_a_batch_is_the_single_sample_of_seed_plus_k(seed, k):
    assert torch.equal(draw(4, 16, 6, 4, seed)[k : k + 1], draw(1, 16, 6, 4, seed + k))


def test_noise_equals_the_published_draw_of_one_generator_per_sample():
    published = randn_tensor((3, 1, 16, 8, 6), generator=[generator(7 + k) for k in range(3)])
    assert torch.equal(draw(3, 16, 8, 6, 7), published[:, 0])


def test_noise_equals_the_published_draw_of_one_generator_for_all():
    published = randn_tensor((3, 1, 16, 8, 6), generator=generator(7))
    assert torch.equal(draw(3, 16, 8, 6, generator(7)), published[:, 0])
