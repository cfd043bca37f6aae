"""Weights of noise levels are those of their formulas, and count in the loss as they say."""

import math

import pytest
import torch
from diffusers.training_utils import compute_loss_weighting_for_sd3
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError
from danqing.core.seed import generator
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.objectives.weightings import (
    InverseSquare,
    MinSNR,
    bell,
    cosmap,
    weightings,
)
from danqing.training.sources.base import LatentBatch

EVENLY = (torch.arange(100_000) + 0.5) / 100_000
BUILT = [cosmap, bell, MinSNR(), InverseSquare()]
sigmas = st.lists(st.floats(1 / 64, 63 / 64, width=32), min_size=1, max_size=8).map(torch.tensor)


def test_all_are_tried_here():
    assert len(BUILT) == len(weightings)


def met(gamma):
    """Return the mean of min-SNR's weights: two parabolas that meet at 1 / (1 + sqrt(gamma))."""
    edge = 1 / (1 + math.sqrt(gamma))
    return gamma * edge**3 / 3 + (1 - edge) ** 3 / 3


@pytest.mark.parametrize(
    ("weighting", "middle", "mean"),
    [
        (cosmap, 4 / math.pi, 1.0),
        (bell, (1 - math.exp(-0.5)) / 0.24909, 1.0),
        (MinSNR(), 0.25, met(5.0)),
        (MinSNR(gamma=0.5), 0.125, met(0.5)),
        (InverseSquare(limit=100.0), 4.0, 19.0),
    ],
)
def test_weights_have_the_middle_and_the_mean_of_their_closed_forms(weighting, middle, mean):
    assert weighting(torch.tensor([0.5])).item() == pytest.approx(middle, rel=1e-3)
    found = weighting(EVENLY)
    assert found.mean().item() == pytest.approx(mean, rel=1e-3)
    assert (found >= 0).all()


@given(sigmas)
def test_they_are_those_of_diffusers(sigma):
    theirs = compute_loss_weighting_for_sd3("cosmap", sigma)
    assert_close(cosmap(sigma), theirs)
    assert_close(InverseSquare()(sigma), compute_loss_weighting_for_sd3("sigma_sqrt", sigma))


@given(sigmas, st.floats(0.1, 20))
def test_min_snr_is_the_cut_ratio_times_the_error_of_the_picture(sigma, gamma):
    ratio = ((1 - sigma) / sigma).square()
    assert_close(MinSNR(gamma=gamma)(sigma), ratio.clamp(max=gamma) * sigma.square())


def test_drawing_with_a_density_is_weighing_with_it():
    """Levels of a logit-normal weigh like its density does where they are drawn evenly."""
    drawn = FlowMatching(uniform=0.0).sigmas(100_000, generator(0))
    density = torch.exp(-0.5 * torch.logit(EVENLY).square()) / (
        math.sqrt(2 * math.pi) * EVENLY * (1 - EVENLY)
    )
    for weighting in BUILT[:3]:
        evenly = (density * weighting(EVENLY)).mean().item()
        assert weighting(drawn).mean().item() == pytest.approx(evenly, rel=2e-3)


class Nothing(nn.Module):
    def forward(self, x, captions, sigma):
        return 0 * x


@pytest.mark.parametrize("weighting", BUILT)
def test_every_sample_counts_as_its_level_says(weighting):
    x0 = torch.randn(6, 4, 2, 2, generator=generator(0))
    batch = LatentBatch(x0, ["a"] * 6)
    plain, weighed = FlowMatching(), FlowMatching(weighting=weighting)
    drawn = plain.draw(Nothing(), batch, generator(1))
    each = (drawn.noise - x0).square().flatten(1).mean(1)
    loss = weighed.loss(Nothing(), drawn)
    assert_close(loss.value, (weighting(drawn.sigma) * each).mean())
    assert_close(loss.parts["noisy"], plain.loss(Nothing(), drawn).parts["noisy"])
    assert parse(FlowMatching, dump(weighed)) == weighed


def test_settings_without_sense_are_refused():
    with pytest.raises(RecipeError, match="gamma must be above 0, got 0"):
        MinSNR(gamma=0.0)
    with pytest.raises(RecipeError, match=r"limit must be at least 1, got 0\.5"):
        InverseSquare(limit=0.5)
