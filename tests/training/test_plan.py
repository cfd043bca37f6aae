"""A recipe is planned from configurations alone, whether its model is here or not."""

import json
from dataclasses import replace

import pytest

from danqing.cli.main import main
from danqing.core.config import load
from danqing.core.errors import RecipeError
from danqing.training.budget import Devices
from danqing.training.parallel.plan import Parallel
from danqing.training.plan import Wish, arranged, budget, foretold
from danqing.training.recipe import Recipe

RECIPE = """
model = "{model}"
run = "run"
steps = 1
dtype = "bfloat16"
objective = "{objective}"
{trainee}

[source]
{source}
"""
LORA = '[trainee]\nname = "adapter"\nfile = "a.safetensors"\n'
FOLDER = 'name = "folder"\npath = "pictures"\nsizes = ["64x64", "640p"]\nbatch = 2\n'
DEVICES = Devices(memory=24 * 10**9)


@pytest.fixture
def recipe(tmp_path):
    def write(trainee=LORA, source=FOLDER, objective="flow_matching", model="nowhere"):
        path = tmp_path / "recipe.toml"
        told = {"model": model, "objective": objective, "trainee": trainee, "source": source}
        path.write_text(RECIPE.format(**told))
        return path

    return write


def test_a_model_that_is_not_here_is_the_published_one(recipe):
    found = budget(load(Recipe, recipe()), Wish(), DEVICES)
    assert found.run.network.frozen == pytest.approx(20.43e9, rel=1e-3)
    assert found.run.reader == pytest.approx(7.07e9, rel=1e-2)
    assert found.run.batch == 2
    # The largest of its sizes, which has about as many pixels as 640x640.
    assert found.run.sample.image == pytest.approx(1600, rel=0.05)
    assert found.run.base == "plain"
    for told, base in (
        ("packed = true\n", "packed"),
        ("packed = true\nstreamed = true\n", "streamed"),
    ):
        found = budget(load(Recipe, recipe(trainee=LORA + told)), Wish(), DEVICES)
        assert found.run.base == base


def test_a_folder_tells_its_own_sizes_and_past_weights_count(recipe):
    pairs = FOLDER.replace('"folder"', '"pairs"').replace('"640p"', '"128x64"')
    told = load(Recipe, recipe(source=pairs, objective="dpo", model="src/danqing/nano"))
    found = budget(told, Wish(), DEVICES)
    assert found.run.network.frozen < 10e6
    assert found.run.past == 1
    assert found.run.batch == 4
    nothing = budget(told, Wish(batch=1, size="32x32"), DEVICES)
    assert nothing.run.sample.image < found.run.sample.image
    assert nothing.run.batch == 2


def test_of_a_mixture_the_batches_with_most_tokens_count_and_edits_bring_pictures():
    learns = load(Recipe, "recipes/train/nano/10_edits.toml")
    every = budget(learns, Wish(), DEVICES).run
    assert (every.batch, every.sample.image) == (32, 66), "those of words, of 192x352"
    one = budget(learns, Wish(batch=1), DEVICES).run
    assert (one.batch, one.sample.image) == (1, 2 * 64), "an answer of 256x256 and its source"
    two = budget(learns, Wish(batch=1, sources=2), DEVICES).run
    assert two.sample.image == 3 * 66
    assert budget(learns, Wish(batch=1, sources=0), DEVICES).run.sample.image == 66


def test_what_is_no_transformer_is_not_planned(recipe):
    vae = load(Recipe, "recipes/train/nano/0_vae.toml")
    with pytest.raises(
        RecipeError, match="trainee must be of a transformer to be planned, got vae"
    ):
        budget(vae, Wish(), DEVICES)
    assert foretold(vae, 10**9, 1) is None


def test_a_run_says_beforehand_whether_it_fits(recipe):
    told = load(Recipe, recipe())
    assert foretold(told, 100 * 10**9, 1).startswith("fits: ")
    assert foretold(told, 10**9, 1).startswith("does not fit: it takes ")
    assert foretold(replace(told, parallel=Parallel(shard=2)), 10**9, 3) is None


def test_a_plan_takes_from_the_recipe_what_it_is_not_told(recipe):
    told = load(Recipe, recipe())
    other = replace(told, accumulate=2, recompute=0.5, parallel=Parallel(tensor=2))
    found = budget(other, Wish(), arranged(other.parallel, memory=24 * 10**9))
    assert (found.run.accumulate, found.run.recompute, found.devices.count) == (2, 0.5, 2)
    again = budget(other, Wish(accumulate=4, recompute=0.0), arranged(other.parallel, 4, memory=1))
    assert (again.run.accumulate, again.run.recompute) == (4, 0.0)
    assert (again.devices.tensor, again.devices.shard) == (2, 2)


def test_the_command_says_what_fits_and_what_would(recipe, capsys):
    path = str(recipe())
    main(["plan", path, "--memory", "24GB", "--recompute", "1"])
    table = capsys.readouterr().out
    assert "does not fit" in table
    assert "with " in table
    assert "a packed base" in table
    main(["plan", path, "--memory", "24GB", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["fits"] is False
    assert told["peak"] > 24 > told["peak_then"]
    assert told["work"] < told["work_if_all_learn"]
    main(["plan", path, "--memory", "80GB", "--shard", "2", "--tensor", "2"])
    assert "sent by each in a step" in capsys.readouterr().out
