"""Steps out of line are skipped, the same ones after a resume, and ordinary ones never."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from danqing.core.errors import DanqingError, RecipeError
from danqing.core.seed import generator
from danqing.training.ema import EMA
from danqing.training.guard import Guard, Recent
from danqing.training.loop import train
from danqing.training.objectives import Loss
from danqing.training.optim import AdamW, LRSchedule
from danqing.training.state import State
from danqing.training.weights import Weights

GUARD = Guard(memory=8, patience=3)


def usual(count=8, seed=0):
    return torch.randn(count, generator=generator(seed)).mul(0.3).exp().tolist()


@given(st.floats(1e-6, 1e6), st.lists(st.floats(0.1, 10.0), min_size=1, max_size=20))
def test_what_is_out_of_line_does_not_depend_on_the_unit(scale, norms):
    limit = GUARD.limit(norms)
    assert GUARD.limit([scale * norm for norm in norms]) == pytest.approx(scale * limit, rel=1e-6)
    assert limit > sorted(norms)[len(norms) // 2] * 1.5


@given(st.lists(st.sampled_from([0.0, 1e-8, 1e3, 1e9]), min_size=3, max_size=3))
def test_a_few_odd_steps_hardly_move_the_limit(odd):
    """Fewer than half of the norms, however odd, leave the median among the others."""
    norms = usual(20) + [norm for norm in odd if norm]
    assert GUARD.limit(norms) < 4 * GUARD.limit(usual(20))


def test_ordinary_norms_are_never_out_of_line():
    """A Gaussian is beyond 8 deviations once in 10^15; these are 2,000 draws and a slow trend."""
    recent, guard = Recent(), Guard()
    for step, norm in enumerate(usual(2000)):
        assert guard.passes(norm * math.exp(step / 500), recent)
        assert len(recent.norms) <= guard.memory


def test_a_jump_is_skipped_and_many_end_the_run():
    recent = Recent()
    assert all(GUARD.passes(norm, recent) for norm in (1e6, *usual(8)))
    before = list(recent.norms)
    assert not GUARD.passes(100.0, recent)
    assert not GUARD.passes(100.0, recent)
    assert recent.norms == before
    assert GUARD.passes(1.0, recent)
    assert GUARD.passes(0.0, recent)
    for _ in range(2):
        assert not GUARD.passes(100.0, recent)
    with pytest.raises(DanqingError, match=r"must stay below .* 3 such steps in a row; lower opt"):
        GUARD.passes(100.0, recent)


def test_gradients_of_nothing_do_not_make_others_odd():
    """Groups whose rewards are all alike teach nothing; there can be many of them."""
    recent = Recent()
    for norm in usual(8):
        for _ in range(9):
            assert GUARD.passes(0.0, recent)
        assert GUARD.passes(norm, recent)
    assert len(recent.norms) == 8


def test_a_guard_must_remember_something():
    with pytest.raises(RecipeError, match="memory must be at least 1, got 0"):
        Guard(memory=0)


class Spikes:
    """Least squares on batches of which some are a thousand times too large."""

    def __getitem__(self, step):
        batch = torch.randn(8, 4, generator=generator(step))
        return batch * 1000 if step in (10, 11, 17) else batch


def loss(model, batch, generator):
    return Loss((model(batch) - batch).square().mean(), {})


def go(run, steps, on_step=lambda step: None):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = Weights(nn.Linear(4, 4))
    state = State(weights, AdamW(lr=1e-2).build(weights.masters), EMA(weights.masters, 0.9))
    if (run / "state").exists():
        state.restore(run / "state")
    train(
        state,
        loss,
        Spikes(),
        steps=steps,
        lr_schedule=LRSchedule(warmup=0, fall=0.0),
        clip=1.0,
        seed=0,
        run=run,
        guard=GUARD,
        log_every=1,
        on_step=on_step,
    )
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k not in ("seconds", "time")}
        for line in lines
    ], state


def test_skipped_steps_leave_the_weights_alone(tmp_path):
    weights = [
        {
            name: w.detach().clone()
            for name, w in go(tmp_path / str(n), n)[1].weights.masters.items()
        }
        for n in (9, 10, 12, 13)
    ]
    assert torch.equal(weights[1]["weight"], weights[2]["weight"])
    assert not torch.equal(weights[0]["weight"], weights[1]["weight"])
    assert not torch.equal(weights[2]["weight"], weights[3]["weight"])


@pytest.mark.parametrize("stop", [9, 11, 12])
def test_the_same_steps_are_skipped_after_a_resume(tmp_path, stop):
    whole, _ = go(tmp_path / "whole", 20)
    assert [line["step"] for line in whole if line["skipped"]] == [11, 12, 18]

    def interrupt(step):
        if step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "broken", 20, interrupt)
    again, state = go(tmp_path / "broken", 20)
    assert again == whole
    assert state.recent.skipped == 0
    assert len(state.recent.norms) == GUARD.memory


def test_a_state_from_before_there_was_a_guard_is_taken_up(tmp_path):
    go(tmp_path, 5)
    (tmp_path / "state/progress.json").write_text('{"step": 5}\n')
    lines, _ = go(tmp_path, 8)
    assert [line["step"] for line in lines] == list(range(1, 9))
