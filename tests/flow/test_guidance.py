"""Laws of guidance."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from danqing.flow.guidance import combine, guide


def tokens(seed):
    return torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(seed))


class Counted:
    """A velocity that knows how often it was asked."""

    def __init__(self, value):
        self.value, self.calls = value, 0

    def __call__(self, x, sigma):
        self.calls += 1
        return self.value


@given(seed=st.integers(0, 999), scale=st.floats(1, 20))
def test_every_token_keeps_the_length_of_the_positive(seed, scale):
    positive, negative = tokens(seed), tokens(seed + 1000)
    assert_close(combine(positive, negative, scale).norm(dim=-1), positive.norm(dim=-1))


@given(seed=st.integers(0, 999), scale=st.floats(1, 20))
def test_rescaling_never_turns_a_token(seed, scale):
    positive, negative = tokens(seed), tokens(seed + 1000)
    scaled = combine(positive, negative, scale)
    plain = combine(positive, negative, scale, rescale=False)
    assert_close(torch.cosine_similarity(scaled, plain, dim=-1), torch.ones(2, 5))


@given(scale=st.floats(1, 20))
def test_a_negative_equal_to_the_positive_changes_nothing(scale):
    assert_close(combine(tokens(0), tokens(0), scale), tokens(0))


@given(seed=st.integers(0, 99))
def test_tokens_do_not_see_each_other(seed):
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    mixed = combine(tokens(seed)[:, order], tokens(7)[:, order], 4.0)
    assert_close(mixed, combine(tokens(seed), tokens(7), 4.0)[:, order])


def test_combining_equals_the_published_expression():
    positive, negative = tokens(0).bfloat16(), tokens(1).bfloat16()
    expected = negative + 4.0 * (positive - negative)
    expected = expected * (
        torch.norm(positive, dim=-1, keepdim=True) / torch.norm(expected, dim=-1, keepdim=True)
    )
    assert torch.equal(combine(positive, negative, 4.0), expected)


def test_a_token_without_length_stays_zero():
    assert_close(combine(torch.zeros(1, 2, 4), torch.zeros(1, 2, 4), 4.0), torch.zeros(1, 2, 4))


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_a_scale_of_1_or_less_is_the_positive_itself(scale):
    positive, pair = Counted(tokens(0)), Counted((tokens(0), tokens(1)))
    assert guide(positive, pair, scale) is positive


def test_without_a_negative_there_is_no_guidance():
    positive = Counted(tokens(0))
    assert guide(positive, None, 4.0) is positive


@pytest.mark.parametrize(("sigma", "guided"), [(0.1, 0), (0.2, 1), (0.5, 1), (0.8, 1), (0.9, 0)])
def test_outside_the_interval_the_negative_is_not_asked(sigma, guided):
    positive, pair = Counted(tokens(0)), Counted((tokens(0), tokens(1)))
    v = guide(positive, pair, 4.0, interval=(0.2, 0.8))(tokens(2), sigma)
    assert (positive.calls, pair.calls) == (1 - guided, guided)
    assert torch.equal(v, tokens(0)) != guided
