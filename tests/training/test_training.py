"""A run is its recipe: it learns, resumes exactly, and exports what can paint."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from danqing.core.config import load, parse
from danqing.core.download import EMBEDDED
from danqing.core.errors import CheckpointError, DanqingError, RecipeError
from danqing.core.seed import generator
from danqing.data.synthesis.words import CHARACTERS
from danqing.testing import toy_vae
from danqing.training.ema import EMA
from danqing.training.loop import train
from danqing.training.objectives import Loss, objectives
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.objectives.reconstruction import Reconstruction, disturb
from danqing.training.optim import AdamW, LRSchedule, Muon, orthogonalize
from danqing.training.recipe import Recipe
from danqing.training.sources import LatentBatch, PictureBatch, sources
from danqing.training.state import State
from danqing.training.trainees import TextToImageTrainee, trainees
from danqing.training.weights import Weights

VAE_RECIPE = Path(__file__).parents[2] / "recipes/train/nano/0_vae.toml"


class Regression:
    """Least squares on the module's own input, noisy enough to notice a repeated generator."""

    def __call__(self, model: nn.Module, batch: torch.Tensor, generator: torch.Generator) -> Loss:
        noise = 0.1 * torch.randn(batch.shape, generator=generator)
        seen = (batch + noise).to(next(model.parameters()).dtype)
        error = (model(seen).float() - batch).square().mean()
        return Loss(error, {"error": error.detach()})


class Draws:
    """Batch n is drawn from seed n."""

    def __getitem__(self, step: int) -> torch.Tensor:
        return torch.randn(8, 4, generator=generator(step))


def fresh_state(dtype=torch.float32, settings=None) -> State:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 4))
    return state_of(module, dtype, settings)


def state_of(module: nn.Module, dtype=torch.float32, settings=None) -> State:
    weights, settings = Weights(module, dtype), settings or AdamW(lr=1e-2)
    return State(weights, settings.build(weights.masters), EMA(weights.masters, 0.9))


def go(state: State, run: Path, steps: int, objective=None, **settings) -> list[float]:
    train(
        state,
        objective or Regression(),
        Draws(),
        steps=steps,
        lr_schedule=LRSchedule(warmup=2, fall=0.5),
        clip=1.0,
        seed=3,
        run=run,
        log_every=1,
        **settings,
    )
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_training_lowers_the_loss(tmp_path):
    losses = go(fresh_state(), tmp_path, 60)
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


def test_an_interrupted_run_repeats_the_losses_of_an_unbroken_one(tmp_path):
    whole = go(fresh_state(), tmp_path / "whole", 12)

    def interrupt(step: int) -> None:
        if step == 5:
            raise KeyboardInterrupt

    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        go(fresh_state(), broken, 12, on_step=interrupt)
    resumed = fresh_state()
    resumed.restore(broken / "state")
    assert resumed.step == 5
    assert go(resumed, broken, 12) == whole


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("settings", [AdamW(lr=1e-2), Muon(lr=1e-2, matrices="weight")])
def test_every_optimizer_learns_and_resumes_in_every_format(tmp_path, dtype, settings):
    whole = go(fresh_state(dtype, settings), tmp_path / "whole", 60)
    assert sum(whole[-10:]) < 0.5 * sum(whole[:10])

    def interrupt(step: int) -> None:
        if step == 30:
            raise KeyboardInterrupt

    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        go(fresh_state(dtype, settings), broken, 60, on_step=interrupt)
    resumed = fresh_state(dtype, settings)
    resumed.restore(broken / "state")
    assert go(resumed, broken, 60) == whole


def test_small_updates_are_kept_though_the_network_computes_in_bfloat16():
    """An update of 2^-10 is lost on a bfloat16 weight of 1, and 256 of them are not."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    weights = Weights(module, torch.bfloat16)
    optimizer = torch.optim.SGD(weights.masters.values(), lr=2**-10)
    for _ in range(256):
        weights.module(torch.ones(1, 1, dtype=torch.bfloat16)).sum().backward()
        weights.collect()
        optimizer.step()
        optimizer.zero_grad()
        weights.publish()
    assert weights.module.weight.dtype == torch.bfloat16
    assert weights.module.weight.item() == weights.masters["weight"].item() == 0.75


def test_in_float32_the_masters_are_the_network():
    module = nn.Linear(2, 2)
    assert Weights(module).masters["weight"] is module.weight


def test_orthogonalized_matrices_turn_and_do_not_stretch():
    matrices = torch.randn(3, 24, 8, generator=generator(0))
    for batch in (matrices, matrices.mT.contiguous()):
        values = torch.linalg.svdvals(orthogonalize(batch))
        assert 0.6 < values.min() < values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    # The nearest orthogonal matrix keeps the singular vectors.
    assert (torch.einsum("nij,nij->n", orthogonalize(matrices), u @ v) > 0.9 * 0.8 * 8).all()


def test_muon_takes_the_matrices_of_blocks_and_leaves_the_rest_to_adamw():
    module = nn.ModuleDict({"blocks": nn.ModuleList([nn.ModuleDict({"to_q": nn.Linear(4, 4)})])})
    module["head"] = nn.Linear(4, 4)
    orthogonal, adamw = Muon().build(Weights(module).masters)
    assert orthogonal.param_groups[0]["params"] == [module["blocks"][0]["to_q"].weight]
    assert sum(len(group["params"]) for group in adamw.param_groups) == 3
    # An adapter of the blocks is all matrices.
    assert len(Muon().build({"blocks.0.to_q.up": module["blocks"][0]["to_q"].weight})) == 1
    with pytest.raises(RecipeError, match="matrices must be found in names"):
        Muon(matrices="nothing").build(Weights(module).masters)


def test_a_weight_has_the_scale_of_the_longest_beginning_of_its_name():
    weights = {name: nn.Parameter(torch.zeros(2)) for name in ("reader.a", "reader.eyes.b", "c")}
    (adamw,) = AdamW(lr=1.0, scales={"reader": 0.5, "reader.eyes": 2.0}).build(weights)
    rates = {id(w): group["lr"] for group in adamw.param_groups for w in group["params"]}
    assert [rates[id(weight)] for weight in weights.values()] == [0.5, 2.0, 1.0]
    with pytest.raises(RecipeError, match="must name parameters of the model, got ears"):
        AdamW(scales={"ears": 1.0}).build(weights)


def test_a_state_of_another_shape_is_refused_by_name(tmp_path):
    fresh_state().save(tmp_path / "state")
    other = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 4))
    state = state_of(other)
    with pytest.raises(CheckpointError, match=r"3 other tensors \(first: 0.bias\)"):
        state.restore(tmp_path / "state")


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path):
    def infinite(model, batch, generator):
        return Loss(model(batch).sum() * torch.inf, {})

    with pytest.raises(DanqingError, match="gradient of step 0 must be finite"):
        go(fresh_state(), tmp_path, 3, objective=infinite)


def test_the_learning_rate_rises_stays_and_falls_to_nothing():
    factors = [LRSchedule(warmup=10, fall=0.5).factor(step, 100) for step in range(101)]
    assert factors[4] == pytest.approx(0.5)
    assert factors[10:50] == [1.0] * 40
    assert all(a >= b for a, b in pairwise(factors[50:]))
    assert factors[100] == pytest.approx(0.0)


def test_the_average_follows_constant_weights_exactly_and_starts_fast():
    weights = {"a": torch.zeros(2, 2), "b": torch.ones(3)}
    ema = EMA(weights, 0.999)
    weights = {name: torch.full_like(weight, 7.0) for name, weight in weights.items()}
    for step in range(100):
        ema.update(weights, step)
    # A decay of 0.999 from the first step would have kept 0.9 of the initial weights.
    assert all((value - 7).abs().max() < 1e-3 for value in ema.state().values())


def test_sigmas_follow_the_logit_normal_and_fill_their_strata():
    objective = FlowMatching(mean=0.5, spread=1.2, uniform=0.0)
    sigma = objective.sigmas(4096, generator(0))
    logit = torch.logit(sigma.double())
    assert logit.mean().item() == pytest.approx(0.5, abs=0.01)
    assert logit.std().item() == pytest.approx(1.2, abs=0.02)
    quantile = torch.special.ndtr((logit.sort().values - 0.5) / 1.2)
    # Each of the equal strata holds exactly one draw, so none strays from its place by more.
    places = (torch.arange(4096) + 0.5) / 4096
    assert (quantile - places).abs().max().item() < 0.51 / 4096


class Oracle(nn.Module):
    """Knows the clean latents, so it knows the velocity: noise - x0 = (x - x0) / sigma."""

    def __init__(self, x0: torch.Tensor) -> None:
        super().__init__()
        self.x0 = x0
        self.captions: list[list[str]] = []

    def forward(self, x, captions, sigma):
        self.captions.append(list(captions))
        return (x - self.x0) / sigma[:, None, None, None]


def test_the_true_velocity_has_no_flow_matching_loss():
    x0 = torch.randn(32, 4, 2, 2, generator=generator(1))
    batch = LatentBatch(x0, [f"caption {i}" for i in range(32)])
    loss = FlowMatching()(Oracle(x0), batch, generator(2))
    assert loss.value.item() < 1e-6
    wrong = FlowMatching()(Oracle(x0 + 1), batch, generator(2))
    assert wrong.value.item() > 0.1


def test_dropped_captions_become_a_space_at_the_stated_rate():
    x0 = torch.randn(2000, 1, 1, 1, generator=generator(1))
    oracle = Oracle(x0)
    FlowMatching(drop_caption=0.25)(oracle, LatentBatch(x0, ["a"] * 2000), generator(5))
    assert oracle.captions[0].count(" ") / 2000 == pytest.approx(0.25, abs=0.03)
    assert set(oracle.captions[0]) == {" ", "a"}


def test_noise_on_latents_is_in_proportion_and_no_larger_than_asked():
    latents = torch.randn(400, 4, 4, 4, generator=generator(0))
    latents *= torch.tensor([0.1, 1.0, 10.0, 3.0])[:, None, None]
    images, vae = torch.zeros(400, 3, 8, 8), toy_vae()
    drawn = Reconstruction(noise=0.5).draw(vae, PictureBatch(images), generator(1))
    noise = disturb(latents, drawn.shake) - latents
    relative = noise / latents.std(dim=(0, 2, 3), keepdim=True)
    # Levels are uniform up to 0.5, so their mean square is a third of its square.
    for channel in relative.unbind(1):
        assert channel.square().mean().item() == pytest.approx(0.25 / 3, rel=0.1)
    assert relative.std(dim=(1, 2, 3)).max() < 0.7
    drawn = Reconstruction().draw(vae, PictureBatch(images), generator(1))
    assert torch.equal(disturb(latents, drawn.shake), latents)


def test_a_model_that_learns_more_words_reads_what_it_knew_as_before():
    folder = EMBEDDED["danqing-nano"]
    told = {"start": "model", "stored": "float32"}
    plain = TextToImageTrainee(**told).build(folder, 0).eval()
    wide = TextToImageTrainee(**told, widen=True).build(folder, 0).eval()
    x, sigma = torch.randn(1, 16, 16, 16, generator=generator(0)), torch.tensor([0.7])
    captions = ["a red circle on a mint background"]
    with torch.inference_mode():
        assert torch.equal(wide(x, captions, sigma), plain(x, captions, sigma))
    assert len(wide.conditioner.writer.ids("“" + CHARACTERS[-1] + "”")) == 3


def test_a_recipe_names_its_parts_or_is_told_what_there_is():
    assert {"dpo", "flow_matching", "reconstruction"} <= set(objectives)
    assert {"folder", "pairs", "synthesis_latents", "synthesis_pictures"} <= set(sources)
    assert {"adapter", "vae", "text_to_image"} <= set(trainees)
    with pytest.raises(DanqingError, match="Did you mean 'flow_matching'"):
        load(Recipe, VAE_RECIPE, ["objective.name=flow_maching"])
    with pytest.raises(RecipeError, match=r"optimizer\.lrr"):
        load(Recipe, VAE_RECIPE, ["optimizer.lrr=1"])


def test_a_recipe_needs_to_say_what_is_trained():
    with pytest.raises(RecipeError, match="trainee"):
        parse(Recipe, {"model": "m", "run": "r", "steps": 1})
