"""A model of few steps learns the mean velocity of its guided teacher, on its own walks."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from danqing.core.errors import RecipeError
from danqing.core.seed import derive, generator
from danqing.data.synthesis import Synthesis
from danqing.flow.noise import draw
from danqing.flow.schedule import ConstantShift
from danqing.pipelines.load import load
from danqing.pipelines.request import Defaults
from danqing.pipelines.save import save
from danqing.testing import WORDS, toy, toy_conditioner, toy_mmdit
from danqing.training.ema import Average
from danqing.training.loop import train
from danqing.training.model import TextToImageModel
from danqing.training.objectives.distillation import Distillation
from danqing.training.optim import AdamW
from danqing.training.painting import Painter
from danqing.training.policy import Policy, guided
from danqing.training.recipe import Recipe, _open, export, prepare
from danqing.training.sources.walks import WalkBatch, Walks
from danqing.training.trainees import TextToImageTrainee
from danqing.training.trainees.adapter import AdapterTrainee
from danqing.training.weights import Weights

SIGMAS = ConstantShift()(4, 64)
ASKED = Synthesis(size=(64, 64), categories={"colors": 1.0})


class Linear(nn.Module):
    """Gives a learned multiple of its input."""

    def __init__(self, weight=0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x, captions, sigma):
        return self.weight * x


def batch_of(teacher, captions, side=4):
    count = len(captions)
    sigma, after = torch.tensor([*pairwise(SIGMAS)] * count).unbind(1)
    return WalkBatch(
        x=torch.randn(count, 4, side, side, generator=generator(0)),
        captions=captions,
        sigma=sigma[:count],
        after=after[:count],
        teacher=teacher,
    )


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 6))
@settings(max_examples=20)
def test_the_loss_is_the_distance_from_where_the_teacher_goes(weight, other, substeps):
    """With a velocity w x, n Euler steps over a length d multiply a state by (1 + w d / n)^n."""
    batch = batch_of(Linear(other), ["a"] * 4)
    loss = Distillation(guidance=1.0, substeps=substeps)(Linear(weight), batch, generator(0))
    length = batch.after - batch.sigma
    mean = ((1 + other * length / substeps) ** substeps - 1) / length
    each = (weight - mean).square() * batch.x.square().mean((1, 2, 3))
    assert_close(loss.value, each.mean(), atol=1e-5, rtol=1e-4)
    assert_close(loss.parts["first"], each[0], atol=1e-5, rtol=1e-4)
    assert_close(loss.parts["last"], each[3], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_step_for_a_step_is_guidance_distillation(guidance):
    teacher = TextToImageModel(toy_mmdit(), toy_conditioner())
    batch = batch_of(teacher, ["red circle", "a blue square and a green circle"])
    target = Distillation(guidance=guidance, substeps=1).target(batch)
    velocity = guided(teacher, guidance)(batch.x, batch.captions, batch.sigma)
    assert_close(target, velocity, atol=1e-6, rtol=1e-5)
    assert not target.requires_grad


def test_who_goes_as_the_teacher_goes_has_nothing_to_learn():
    model = TextToImageModel(toy_mmdit(), toy_conditioner())
    batch = batch_of(TextToImageModel(toy_mmdit(), toy_conditioner()), ["red circle", "a"])
    assert Distillation(guidance=1.0, substeps=1)(model, batch, generator(0)).value.item() < 1e-12
    assert Distillation(guidance=3.0, substeps=1)(model, batch, generator(0)).value.item() > 1e-4


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=2, max_size=4))
@settings(max_examples=4)
def test_a_state_counts_the_same_whatever_is_in_its_batch(words):
    """Captions of other lengths bring padding; the loss is the mean of that of each alone."""
    student = TextToImageModel(toy_mmdit(1), toy_conditioner(1))
    teacher = TextToImageModel(toy_mmdit(), toy_conditioner())
    batch, objective = batch_of(teacher, [" ".join(some) for some in words]), Distillation()
    together = objective(student, batch, generator(0)).value.item()
    alone = [
        objective(
            student,
            WalkBatch(
                batch.x[k : k + 1],
                batch.captions[k : k + 1],
                batch.sigma[k : k + 1],
                batch.after[k : k + 1],
                teacher,
            ),
            generator(0),
        ).value.item()
        for k in range(len(words))
    ]
    assert together == pytest.approx(sum(alone) / len(alone), rel=1e-4)


@pytest.mark.parametrize("told", [{"guidance": 0.5}, {"substeps": 0}])
def test_settings_that_teach_nothing_are_refused(told):
    with pytest.raises(RecipeError, match="must be at least 1, got"):
        Distillation(**told)
    with pytest.raises(RecipeError, match="steps must be at least 1, got 0"):
        Walks(steps=0)


# On the loop


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(toy(), folder)
    return folder


def recipe(model, run, steps=3, **changes):
    settings = {
        "trainee": TextToImageTrainee(
            start="model",
            into=run / "student",
            schedule=ConstantShift(),
            defaults=Defaults(sizes=((32, 32),), area=(256, 4096), steps=4, guidance=1.0),
        ),
        "objective": Distillation(guidance=2.0, substeps=2),
        "source": Walks(asked=ASKED, batch=2),
        "optimizer": AdamW(lr=3e-3),
    }
    return Recipe(model=model, run=run, steps=steps, **(settings | changes))


def go(recipe, state, on_step=lambda step: None):
    train(
        state,
        recipe.objective,
        _open(recipe, state),
        steps=recipe.steps,
        lr_schedule=replace(recipe.lr_schedule, warmup=0),
        clip=1.0,
        seed=recipe.seed,
        run=recipe.run,
        log_every=1,
        on_step=on_step,
    )
    lines = (recipe.run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_states_are_those_of_the_models_own_walks(model, tmp_path):
    told = recipe(model, tmp_path, source=Walks(asked=ASKED, batch=2, sizes=("64x64", "96x32")))
    state = prepare(told)
    batches = _open(told, state)
    with torch.no_grad():
        for weight in state.weights.masters.values():
            weight.mul_(1.1)
    for step, (height, width) in enumerate([(32, 32), (16, 48), (32, 32)]):
        batch = batches[step]
        assert batch.sigma.tolist() == [sigma for sigma in SIGMAS[:-1] for _ in range(2)]
        assert batch.after.tolist() == [sigma for sigma in SIGMAS[1:] for _ in range(2)]
        noise = derive(derive(told.seed, "walks"), "noise", step)
        assert torch.equal(batch.x[:2], draw(2, 4, height, width, noise))
        with torch.no_grad():
            velocity = state.weights.module(batch.x, batch.captions, batch.sigma)
        walked = batch.x + (batch.after - batch.sigma)[:, None, None, None] * velocity
        assert_close(batch.x[2:], walked[:-2], atol=1e-5, rtol=1e-5)
        assert batch.captions == batch.captions[:2] * 4
    assert torch.equal(batches[1].x, batches[1].x)


def test_the_teacher_is_what_the_model_was(model, tmp_path):
    told = recipe(model, tmp_path)
    state = prepare(told)
    batch = _open(told, state)[0]
    asked = (batch.x, batch.captions, batch.sigma)
    before = state.weights.module(*asked).detach()
    with torch.no_grad():
        for weight in state.weights.masters.values():
            weight.add_(0.01)
    for average in state.past.values():
        average.update(state.weights.masters, 0)
    assert_close(batch.teacher(*asked), before)
    assert not torch.allclose(state.weights.module(*asked), before)


def test_an_adapter_is_taught_by_the_model_without_it(model, tmp_path):
    trainee = AdapterTrainee(file=tmp_path / "lora.safetensors", rank=2)
    told = recipe(model, tmp_path, trainee=trainee, steps=2)
    state = prepare(told)
    losses = go(told, state)
    batch, network = _open(told, state)[0], state.weights.module
    asked = (batch.x, batch.captions, batch.sigma)
    plain = TextToImageTrainee(start="model").build(model, 0)
    assert not torch.allclose(network(*asked), plain(*asked))
    assert_close(batch.teacher(*asked), plain(*asked))
    assert len(losses) == 2

    export(told, state)
    worn = load(model, loras=[str(trainee.file)])
    assert (worn.defaults.steps, worn.defaults.guidance) == (told.source.steps, 1.0)
    assert worn.schedule == told.source.schedule


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_run_learns_what_an_unbroken_one_does(model, tmp_path, dtype):
    unbroken = replace(recipe(model, tmp_path / "whole"), dtype=dtype)
    whole = go(unbroken, prepare(unbroken))

    def interrupt(step):
        if step == 1:
            raise KeyboardInterrupt

    broken = replace(unbroken, run=tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        go(broken, prepare(broken), interrupt)
    assert go(broken, prepare(broken)) == whole


class Strides(nn.Module):
    """Has a learned scale and shift for each step, as many as the flow of a Gaussian needs."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))

    def forward(self, x, captions, sigma):
        step = (sigma[:, None] - torch.tensor(SIGMAS[:-1])).abs().argmin(1)
        return self.scale[step][:, None, None, None] * x + self.shift[step][:, None, None, None]


def gaussian(x, captions, sigma):
    """Return the velocity of latents N(1, 1/4)."""
    level = sigma[:, None, None, None]
    away = (x - (1 - level)) / ((1 - level) ** 2 / 4 + level**2)
    return away * (level - (1 - level) / 4) - 1


def test_a_student_that_can_learns_to_end_where_the_flow_ends(model):
    """Noise n flows to 1 + n / 2, in however many steps; before, four steps led elsewhere."""
    student = Strides()
    weights = Weights(student)
    policy = Policy(weights, {"teacher": Average(weights.masters, lambda step: 1.0)})
    batches = Walks(asked=ASKED, batch=4, sizes=("32x32",)).paint_with(policy, model, 0)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.2)
    for step in range(40):
        batch = replace(batches[step], teacher=gaussian)
        loss = Distillation(guidance=1.0, substeps=12)(student, batch, generator(0))
        optimizer.zero_grad()
        loss.value.backward()
        optimizer.step()
    painter = replace(Painter.load(model, (32, 32), 4, 1.0), schedule=ConstantShift())
    noise = draw(3, 4, 16, 16, 7)
    for paints, right in ((student, True), (gaussian, False)):
        wrong = (painter.paint(paints, "abc", 7)[0] - (1 + noise / 2)).square().mean().sqrt()
        assert (wrong < 0.06) == right


def test_what_is_exported_paints_in_few_steps_and_the_teacher_stays(model, tmp_path):
    told = recipe(model, tmp_path)
    export(told, prepare(told))
    painter = load(told.trainee.into, dtype=torch.float32)
    assert (painter.defaults.steps, painter.defaults.guidance) == (4, 1.0)
    assert painter.schedule(4, 64) == SIGMAS
    assert load(model, dtype=torch.float32).defaults.steps == 3


def test_a_model_must_paint_as_it_walks(model, tmp_path):
    for changes in ({"steps": 5}, {"schedule": ConstantShift(shift=2.0)}):
        with pytest.raises(RecipeError, match="trainee must paint as it walks, in "):
            recipe(model, tmp_path, source=Walks(asked=ASKED, **changes))
