"""Preferences pull where they should, by as much as they should, and no further than is safe."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from danqing.core.errors import DanqingError, RecipeError
from danqing.core.seed import generator
from danqing.models.layers import Linear
from danqing.models.lora import Adapted, adapt, adapted
from danqing.pipelines.reading import Reader
from danqing.testing import WORDS, toy_conditioner, toy_mmdit
from danqing.training.objectives.dpo import DPO, NoisedPairs
from danqing.training.sources import PairBatch
from danqing.training.trainees.text_to_image import TextToImageModel


class Constant(nn.Module):
    """Gives one number everywhere: 0, plus what its adapter has learned."""

    def __init__(self, learned=0.0) -> None:
        super().__init__()
        base = Linear(1, 1)
        nn.init.zeros_(base.weight)
        self.layer = Adapted(base, torch.ones(1, 1), torch.full((1, 1), learned))

    def forward(self, x, captions, sigma):
        return self.layer(x.new_ones(1, 1))[:, :, None, None].expand_as(x)


def pairs(count=3, shape=(4, 4, 6), captions=None):
    draw = generator(1)
    chosen, rejected = torch.randn(2, count, *shape, generator=draw)
    return PairBatch(chosen, rejected - 0.5, captions or ["a circle"] * count)


def network(learned):
    """Return a toy model whose adapter is fresh, or has learned something."""
    mmdit, conditioner = toy_mmdit(), toy_conditioner()
    torch.manual_seed(0)
    adapt(mmdit, r"\.(to_|mlp\.)", 2, 2.0)
    for layer in adapted(mmdit).values():
        nn.init.normal_(layer.up, std=learned)
    return TextToImageModel(mmdit, conditioner, Reader(conditioner, "toy"))


def test_at_the_start_the_loss_is_log_2_and_nothing_is_gained():
    loss = DPO()(network(0.0), pairs(), generator(0))
    assert loss.value.item() == pytest.approx(math.log(2), abs=2e-3)
    assert loss.parts["chosen_gain"].item() == pytest.approx(0, abs=1e-6)
    assert loss.parts["rejected_gain"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("beta", [10.0, 2000.0])
def test_the_first_gradient_is_as_on_paper(beta):
    """For a constant velocity c the margin is 2 c (mean(rejected) - mean(chosen)), noise or not."""
    model, batch = Constant(), pairs()
    DPO(beta=beta)(model, batch, generator(0)).value.backward()
    expected = -beta / 2 * (batch.rejected.mean() - batch.chosen.mean())
    assert model.layer.up.grad.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_step_against_the_gradient_prefers_what_was_chosen():
    model, batch, dpo = network(0.02), pairs(), DPO(beta=10.0)
    before = dpo(model, batch, generator(0))
    before.value.backward()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight -= 1e-3 * weight.grad
    after = dpo(model, batch, generator(0))
    assert after.value < before.value
    assert after.parts["margin"] > before.parts["margin"]


@given(st.floats(0.01, 100), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_beta_of_a_mean_is_that_of_the_sum_times_the_size(beta, channels, side):
    batch, model = pairs(shape=(channels, side, side)), Constant(0.05)
    told = DPO(beta=beta, error="sum", bound=9.0)(model, batch, generator(0))
    size = batch.chosen[0].numel()
    same = DPO(beta=beta * size, error="mean", bound=9.0)(model, batch, generator(0))
    assert told.value.item() == pytest.approx(same.value.item(), rel=1e-4)


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=2, max_size=3))
@settings(max_examples=6, deadline=None)
def test_a_pair_counts_the_same_whatever_is_in_its_batch(words):
    """Captions of other lengths bring padding; the loss is the mean of that of each alone."""
    model, dpo, count = network(0.2), DPO(beta=5.0, bound=99.0), len(words)
    batch = pairs(count, captions=[" ".join(some) for some in words])
    noise = torch.randn(batch.chosen.shape, generator=generator(3))
    sigma = torch.linspace(0.2, 0.8, count)
    together = dpo.loss(model, NoisedPairs(batch, noise, sigma))
    alone = []
    for k in range(count):
        one = slice(k, k + 1)
        single = PairBatch(batch.chosen[one], batch.rejected[one], batch.captions[one])
        alone.append(dpo.loss(model, NoisedPairs(single, noise[one], sigma[one])).value.item())
    assert together.parts["margin"].abs() > 1e-5
    assert together.value.item() == pytest.approx(sum(alone) / count, abs=1e-5)


def test_what_was_chosen_and_what_was_not_are_no_matter_of_place():
    batch, model = pairs(), Constant(0.1)
    swapped = PairBatch(batch.rejected, batch.chosen, batch.captions)
    one, other = (DPO(bound=9.0)(model, b, generator(0)).parts for b in (batch, swapped))
    assert one["margin"].item() == pytest.approx(-other["margin"].item(), rel=1e-4)
    assert one["accuracy"].item() == 1 - other["accuracy"].item()
    assert one["chosen"] == other["rejected"]


def test_the_anchor_adds_the_error_of_what_was_chosen():
    plain, held = (DPO(anchor=a)(Constant(0.1), pairs(), generator(0)) for a in (0.0, 0.5))
    added = (held.value - plain.value).item()
    assert added == pytest.approx(0.5 * plain.parts["chosen"].item(), rel=1e-4)


def test_a_run_in_which_what_was_chosen_gets_worse_is_stopped():
    """Far off, both errors rise; the margin alone would not say so."""
    batch = PairBatch(torch.zeros(2, 1, 2, 2), torch.full((2, 1, 2, 2), 9.0), ["a", "b"])
    loss = DPO(bound=1e6)(Constant(3.0), batch, generator(0))
    assert loss.parts["accuracy"] == 1
    assert loss.parts["chosen_gain"] < 0
    with pytest.raises(DanqingError, match=r"must stay below 1\.5 times what it was, got \d+\."):
        DPO()(Constant(3.0), batch, generator(0))


def test_there_must_be_something_to_compare_with():
    with pytest.raises(RecipeError, match="must train an adapter, got a model without one"):
        DPO()(nn.Linear(1, 1), pairs(), generator(0))


@pytest.mark.parametrize("told", [{"beta": 0.0}, {"anchor": -1.0}, {"bound": 0.0}])
def test_settings_that_make_no_sense_are_refused(told):
    with pytest.raises(RecipeError, match="beta and bound must be above 0"):
        DPO(**told)
