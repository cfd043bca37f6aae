"""Preferences pull where they should, by as much as they should, and no further than is safe."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from danqing.core.errors import DanqingError, RecipeError
from danqing.core.seed import generator
from danqing.models.lora import LowRank, adapt
from danqing.pipelines.reading import Reader
from danqing.testing import WORDS, toy_conditioner, toy_mmdit
from danqing.training.ema import Average
from danqing.training.model import TextToImageModel
from danqing.training.objectives.dpo import DPO, NoisedPairs, Preference
from danqing.training.policy import Policy
from danqing.training.sources import PairBatch
from danqing.training.weights import Weights


class Constant(nn.Module):
    """Gives one number everywhere."""

    def __init__(self, number=0.0) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x, captions, sigma):
        return self.number.expand_as(x)


def pairs(count=3, shape=(4, 4, 6), captions=None):
    draw = generator(1)
    chosen, rejected = torch.randn(2, count, *shape, generator=draw)
    return PairBatch(chosen, rejected - 0.5, captions or ["a circle"] * count)


def network(adapter=False):
    """Return a toy model, all of which learns, or only its fresh adapter."""
    mmdit, conditioner = toy_mmdit(), toy_conditioner()
    if adapter:
        torch.manual_seed(0)
        adapt(mmdit, r"\.(to_|mlp\.)", partial(LowRank.fresh, rank=2, alpha=2.0))
    return TextToImageModel(mmdit, conditioner, Reader(conditioner, "toy"))


def against(model, dpo=None, dtype=torch.float32):
    """Return the objective whose reference is a model as it is now."""
    dpo, weights = dpo or DPO(), Weights(model, dtype)
    past = {name: Average(weights.masters, decay) for name, decay in dpo.past.items()}
    return dpo.against(Policy(weights, past))


def moved(model, by=0.05):
    """Return a model some time later."""
    draw = generator(4)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += by * torch.randn(weight.shape, generator=draw)
    return model


def learned(number, **settings):
    """Return the loss of a constant that was 0 and is now another."""
    model = Constant()
    loss = against(model, DPO(**settings))
    nn.init.constant_(model.number, number)
    return lambda batch: loss(model, batch, generator(0))


BOTH = pytest.mark.parametrize("adapter", [True, False], ids=["adapter", "all weights"])


@BOTH
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_at_the_start_the_loss_is_log_2_and_nothing_is_gained(adapter, dtype):
    """To the bit: the reference is computed by the same kernels."""
    model = network(adapter)
    loss = against(model, dtype=dtype)(model, pairs(), generator(0))
    assert loss.value.item() == pytest.approx(math.log(2), abs=1e-6)
    assert loss.parts["chosen_gain"].item() == loss.parts["rejected_gain"].item() == 0
    loss.value.backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in model.parameters())


@torch.no_grad()
def test_the_reference_of_an_adapter_is_the_model_without_it():
    model, batch, dpo = network(adapter=True), pairs(), DPO(bound=99.0)
    loss = against(model, dpo)
    told = loss(moved(model), batch, generator(0))
    weights = Weights(network())
    plain = Policy(weights, {"reference": Average(weights.masters, dpo.past["reference"])})
    same = dpo.against(plain)(model, batch, generator(0))
    assert told.parts["margin"].abs() > 1e-5
    assert told.parts["margin"].item() == pytest.approx(same.parts["margin"].item(), abs=1e-6)


@pytest.mark.parametrize("beta", [10.0, 2000.0])
def test_the_first_gradient_is_as_on_paper(beta):
    """For a constant velocity c the margin is 2 c (mean(rejected) - mean(chosen)), noise or not."""
    model, batch = Constant(), pairs()
    against(model, DPO(beta=beta))(model, batch, generator(0)).value.backward()
    expected = -beta / 2 * (batch.rejected.mean() - batch.chosen.mean())
    assert model.number.grad.item() == pytest.approx(expected.item(), rel=1e-4)


@BOTH
def test_a_step_against_the_gradient_prefers_what_was_chosen(adapter):
    model, batch = network(adapter), pairs()
    loss = against(model, DPO(beta=10.0))
    moved(model, 0.02)
    before = loss(model, batch, generator(0))
    before.value.backward()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight -= 1e-3 * weight.grad
    after = loss(model, batch, generator(0))
    assert after.value < before.value
    assert after.parts["margin"] > before.parts["margin"]


@given(st.floats(0.01, 100), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_beta_of_a_mean_is_that_of_the_sum_times_the_size(beta, channels, side):
    batch = pairs(shape=(channels, side, side))
    told = learned(0.05, beta=beta, error="sum", bound=9.0)(batch)
    size = batch.chosen[0].numel()
    same = learned(0.05, beta=beta * size, error="mean", bound=9.0)(batch)
    assert told.value.item() == pytest.approx(same.value.item(), rel=1e-4)


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=2, max_size=3))
@settings(max_examples=6, deadline=None)
def test_a_pair_counts_the_same_whatever_is_in_its_batch(words):
    """Captions of other lengths bring padding; the loss is the mean of that of each alone."""
    model, dpo, count = network(), DPO(beta=5.0, bound=99.0), len(words)
    reference = network().requires_grad_(False)
    moved(model)
    batch = pairs(count, captions=[" ".join(some) for some in words])
    noise = torch.randn(batch.chosen.shape, generator=generator(3))
    sigma = torch.linspace(0.2, 0.8, count)
    loss = Preference(dpo, reference).loss
    together = loss(model, NoisedPairs(batch, noise, sigma))
    alone = []
    for k in range(count):
        one = slice(k, k + 1)
        single = PairBatch(batch.chosen[one], batch.rejected[one], batch.captions[one])
        alone.append(loss(model, NoisedPairs(single, noise[one], sigma[one])).value.item())
    assert together.parts["margin"].abs() > 1e-5
    assert together.value.item() == pytest.approx(sum(alone) / count, abs=1e-5)


def test_what_was_chosen_and_what_was_not_are_no_matter_of_place():
    batch, loss = pairs(), learned(0.1, bound=9.0)
    swapped = PairBatch(batch.rejected, batch.chosen, batch.captions)
    one, other = loss(batch).parts, loss(swapped).parts
    assert one["margin"].item() == pytest.approx(-other["margin"].item(), rel=1e-4)
    assert one["accuracy"].item() == 1 - other["accuracy"].item()
    assert one["chosen"] == other["rejected"]


def test_the_anchor_adds_the_error_of_what_was_chosen():
    plain, held = (learned(0.1, anchor=a)(pairs()) for a in (0.0, 0.5))
    added = (held.value - plain.value).item()
    assert added == pytest.approx(0.5 * plain.parts["chosen"].item(), rel=1e-4)


def test_a_run_in_which_what_was_chosen_gets_worse_is_stopped():
    """Far off, both errors rise; the margin alone would not say so."""
    batch = PairBatch(torch.zeros(2, 1, 2, 2), torch.full((2, 1, 2, 2), 9.0), ["a", "b"])
    loss = learned(3.0, bound=1e6)(batch)
    assert loss.parts["accuracy"] == 1
    assert loss.parts["chosen_gain"] < 0
    with pytest.raises(DanqingError, match=r"must stay below 1\.5 times what it was, got \d+\."):
        learned(3.0)(batch)


@pytest.mark.parametrize("told", [{"beta": 0.0}, {"anchor": -1.0}, {"bound": 0.0}])
def test_settings_that_make_no_sense_are_refused(told):
    with pytest.raises(RecipeError, match="beta and bound must be above 0"):
        DPO(**told)
