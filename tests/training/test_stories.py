"""From nothing to a picture: every part of a small model is trained, exported, and paints."""

import json

import pytest
import torch

from danqing.core.config import load as load_recipe
from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.core.seed import generator
from danqing.pipelines.compress import compress
from danqing.pipelines.load import load, load_vae
from danqing.pipelines.request import Request
from danqing.training.recipe import Recipe, prepare, run
from danqing.training.sources import LatentBatch
from danqing.training.sources.synthesis import SynthesisLatents
from danqing.training.trainees import TextToImageTrainee

PICTURES = {"size": [64, 64], "categories": {"colors": 1.0, "text_zh": 1.0}}


def vae_recipe(folder, **settings):
    return parse(
        Recipe,
        {
            "model": str(folder / "model"),
            "run": str(folder / "vae"),
            "trainee": {
                "name": "vae",
                "measured": 2,
                "config": {"base": 8, "multipliers": [1, 2], "res_blocks": 1, "patch": 8},
            },
            "objective": "reconstruction",
            "source": {"name": "synthesis_pictures", "batch": 2, "pictures": PICTURES},
            "steps": 3,
            **settings,
        },
    )


def model_recipe(folder, **settings):
    return parse(
        Recipe,
        {
            "model": str(folder / "model"),
            "run": str(folder / "nano"),
            "trainee": {
                "name": "text_to_image",
                "mmdit": {
                    "depth": 2,
                    "heads": 2,
                    "head_dim": 16,
                    "text_channels": 64,
                    "rope_axes": [4, 6, 6],
                },
                "conditioner": {"width": 64, "depth": 1, "heads": 2, "kv_heads": 2, "mlp": 64},
                "defaults": {"sizes": [[64, 64]], "area": [4096, 4096], "steps": 2},
            },
            "objective": "flow_matching",
            "source": {
                "name": "synthesis_latents",
                "batch": 2,
                "pool": 4,
                "passes": 2,
                "pictures": PICTURES,
            },
            "steps": 6,
            **settings,
        },
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(vae_recipe(folder))
    run(model_recipe(folder))
    return folder


def test_a_model_trained_by_recipes_paints(trained):
    result = load(trained / "model", dtype=torch.float32).paint(Request("a red circle", seed=1))
    assert result.pictures[0].image.size == (64, 64)


def test_the_latents_of_the_exported_vae_are_normalized(trained):
    batches = model_recipe(trained).source.open(trained / "model", 0)
    latents = torch.cat([batches[i].latents for i in range(2)])
    # Four pictures are few, but latents measured wrongly would be off by their own scale.
    assert latents.mean().abs() < 0.5
    assert 0.5 < latents.std() < 2


def test_a_pool_is_used_in_full_before_any_of_it_comes_again(trained):
    batches = model_recipe(trained).source.open(trained / "model", 0)
    passes = [
        [tuple(x.flatten().tolist()) for i in (0, 1) for x in batches[p + i].latents]
        for p in (0, 2)
    ]
    assert len(set(passes[0])) == 4
    assert set(passes[0]) == set(passes[1])
    later = {tuple(x.flatten().tolist()) for x in batches[4].latents}
    assert not later & set(passes[0])


def test_batches_are_each_of_one_size_and_sizes_have_their_weights(trained):
    source = parse(
        SynthesisLatents,
        {
            "batch": 2,
            "pool": 120,
            "passes": 2,
            "pictures": PICTURES,
            "sizes": {"64x64": 3.0, "96x64": 1.0},
        },
    )
    batches = source.open(trained / "model", 0)
    passes = [[batches[start + i] for i in range(60)] for start in (0, 60)]
    wide = [sum(b.latents.shape[-2:] == (4, 6) for b in one) for one in passes]
    assert wide[0] == wide[1]
    assert 5 <= wide[0] <= 25
    assert {b.latents.shape[-2:] for b in passes[0]} == {(4, 4), (4, 6)}
    first, second = (sorted(c for b in one for c in b.captions) for one in passes)
    assert first == second
    assert [b.captions for b in passes[0]] != [b.captions for b in passes[1]]


def test_a_finished_run_says_what_it_was(trained):
    assert load_recipe(Recipe, trained / "nano" / "recipe.toml") == model_recipe(trained)
    lines = (trained / "nano" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 6


@pytest.mark.parametrize("packed", [False, True])
def test_training_goes_on_from_an_exported_model(trained, tmp_path, packed):
    model = trained / "model"
    if packed:
        model = tmp_path / "packed"
        compress(trained / "model", model)
    again = parse(
        Recipe,
        {
            "model": str(model),
            "run": str(tmp_path / "more"),
            "trainee": {"name": "text_to_image", "start": "model"},
            "objective": "flow_matching",
            "source": {"name": "synthesis_latents", "pictures": PICTURES},
            "steps": 1,
        },
    )
    module = prepare(again).weights.module
    exported = load(trained / "model", dtype=torch.float32)
    for ours, theirs in zip(
        module.parameters(),
        (*exported.mmdit.parameters(), *exported.conditioner.parameters()),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kept", [0.0, 1.0])
def test_a_frozen_conditioner_says_the_same_and_stays(trained, tmp_path, monkeypatch, kept):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))
    settings = {"name": "text_to_image", "start": "model"}
    frozen = {"frozen": True, "kept_texts": kept}
    models = [
        parse(
            Recipe,
            {
                "model": str(trained / "model"),
                "run": str(tmp_path / "run"),
                "trainee": trainee,
                "objective": "flow_matching",
                "source": {"name": "synthesis_latents", "pictures": PICTURES},
                "steps": 1,
            },
        )
        for trainee in (settings, settings | frozen)
    ]
    learning, still = (prepare(recipe).weights for recipe in models)
    captions = ["a red circle", "一个红色圆形 ， 天蓝色 背景", "a red circle"]
    x, sigma = torch.randn(3, 16, 4, 4, generator=generator(0)), torch.tensor([0.2, 0.5, 0.9])
    for _ in range(2):
        told = [weights.module(x, captions, sigma) for weights in (learning, still)]
        torch.testing.assert_close(*told, atol=1e-5, rtol=1e-4)
    assert all(name.startswith("mmdit") for name in still.masters)
    assert any(name.startswith("conditioner") for name in learning.masters)
    written = list((tmp_path / "cache" / "prompts").glob("*"))
    assert len(written) == (2 if kept else 0)


def test_a_fresh_start_needs_shapes():
    with pytest.raises(RecipeError, match="a fresh start must have the shapes"):
        TextToImageTrainee()


def test_a_loss_does_not_depend_on_who_shares_the_batch(trained):
    """Two trainers shipped padding that leaked into the loss."""
    model = prepare(model_recipe(trained, run=str(trained / "fresh"))).weights.module.eval()
    with torch.no_grad():
        for parameter in model.mmdit.parameters():
            parameter.add_(
                0.05 * torch.randn(parameter.shape, generator=generator(parameter.numel()))
            )
        x = torch.randn(3, 16, 4, 4, generator=generator(0))
        sigma = torch.tensor([0.2, 0.5, 0.9])
        captions = ["a red circle", "画一个蓝色的圆形，灰色背景", " "]
        together = model(x, captions, sigma)
        for i in range(3):
            alone = model(x[i : i + 1], captions[i : i + 1], sigma[i : i + 1])
            torch.testing.assert_close(together[i : i + 1], alone, atol=2e-6, rtol=1e-5)


def test_the_vae_keeps_its_weights_through_export(trained):
    recipe = vae_recipe(trained)
    state = prepare(recipe)
    assert state.step == 3
    exported = dict(load_vae(recipe.model).named_parameters())
    for name, average in state.ema.state().items():
        assert torch.equal(exported[name], average.to(torch.bfloat16))


def test_flow_matching_trains_both_networks(trained):
    recipe = model_recipe(trained, run=str(trained / "both"))
    state = prepare(recipe)
    for _ in range(5):
        batch = LatentBatch(
            torch.randn(2, 16, 4, 4, generator=generator(1)), ["a star", "红色的圆形"]
        )
        loss = recipe.objective(state.weights.module, batch, generator(2))
        loss.value.backward()
        # Blocks start as the identity, so the first steps reach the last layers only.
        state.optimizers[0].step()
    reached = {
        name.split(".")[0]
        for name, p in state.weights.module.named_parameters()
        if p.grad is not None and p.grad.any()
    }
    assert reached >= {"mmdit", "conditioner"}
