"""Sheets show what a run would ship now, and the run does not notice."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.pipelines.load import load, load_vae
from danqing.pipelines.model import to_image
from danqing.pipelines.save import save
from danqing.testing import toy
from danqing.training.model import TextToImageModel
from danqing.training.painting import Painter
from danqing.training.recipe import Recipe, run
from danqing.training.sheet import Row, sheet

PROMPTS = ["a red circle", "a blue square"]


def recipe(folder, name, **settings):
    return parse(
        Recipe,
        {
            "model": str(folder / "model"),
            "run": str(folder / name),
            "trainee": {"name": "text_to_image", "start": "model", "stored": "float32"},
            "objective": "flow_matching",
            "source": {
                "name": "synthesis_latents",
                "batch": 2,
                "pool": 4,
                "pictures": {"size": [64, 64], "categories": {"colors": 1.0}},
            },
            "optimizer": {"name": "adamw", "lr": 1e-2},
            "steps": 4,
            "log_every": 1,
            **settings,
        },
    )


def losses(recipe):
    lines = (recipe.run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def rows_of(image, captions):
    """The pictures of a sheet of 64x64 in two columns, its captions cut away."""
    pixels = np.asarray(image)
    height = len(pixels) // captions
    assert pixels.shape[1] == 64 + 6 + 64
    return [
        [pixels[(n + 1) * height - 64 : (n + 1) * height, x : x + 64] for x in (0, 70)]
        for n in range(captions)
    ]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_is_the_same_with_and_without_samples(tmp_path, dtype):
    save(toy(), tmp_path / "model")
    plain, shown = (
        recipe(tmp_path, name, dtype=dtype, **more)
        for name, more in (
            ("plain", {}),
            (
                "shown",
                {
                    "samples": {
                        "name": "painted",
                        "prompts": PROMPTS,
                        "every": 2,
                        "seeds": 2,
                        "size": [64, 64],
                        "steps": 2,
                    }
                },
            ),
        )
    )
    run(plain)
    save(toy(), tmp_path / "model")
    run(shown)
    assert losses(shown) == losses(plain)
    sheets = sorted((shown.run / "samples").iterdir())
    assert [path.name for path in sheets] == ["000000.png", "000002.png", "000004.png"]
    first, last = rows_of(Image.open(sheets[0]), 2), rows_of(Image.open(sheets[2]), 2)
    assert not np.array_equal(first, last)
    if dtype == "float32":
        exported = load(shown.model, dtype=torch.float32)
        model = TextToImageModel(exported.mmdit, exported.conditioner)
        painter = Painter.load(shown.model, (64, 64), 2, 3.0)
        for prompt, row in zip(PROMPTS, last, strict=True):
            again = painter.show(painter.paint(model, [prompt] * 2, seed=0)[0])
            assert np.array_equal(row, [np.asarray(image) for image in again])


def test_a_vae_shows_pictures_and_what_it_makes_of_them(tmp_path):
    told = {
        "trainee": {
            "name": "vae",
            "measured": 1,
            "stored": "float32",
            "config": {"base": 8, "multipliers": [1, 2], "res_blocks": 1, "patch": 8},
        },
        "objective": "reconstruction",
        "source": {
            "name": "synthesis_pictures",
            "batch": 3,
            "pictures": {"size": [64, 64], "categories": {"colors": 1.0}},
        },
        "samples": {"name": "reconstructed", "every": 4, "count": 2},
    }
    shown = recipe(tmp_path, "vae", **told)
    run(shown)
    originals, back = rows_of(Image.open(shown.run / "samples/000004.png"), 2)
    images = shown.source.open(shown.model, shown.seed)[0].images[:2]
    vae = load_vae(shown.model, torch.float32)
    with torch.no_grad():
        again = vae.decode(vae.encode(images).mode())
    for found, wanted in ((originals, images), (back, again)):
        for image, other in zip(found, wanted, strict=True):
            assert np.array_equal(image, np.asarray(to_image(other[None])))


def test_only_a_vae_reconstructs(tmp_path):
    save(toy(), tmp_path / "model")
    with pytest.raises(RecipeError, match="reconstructed samples must be a VAE's"):
        run(recipe(tmp_path, "run", samples="reconstructed"))
    with pytest.raises(RecipeError, match="prompts must be at least 1, got 0"):
        recipe(tmp_path, "run", samples={"name": "painted", "prompts": []})


@given(
    sizes=st.lists(st.tuples(st.integers(20, 60), st.integers(1, 3)), min_size=1, max_size=4),
    caption=st.sampled_from(["", "a star", "两个红色的圆形", "\U0001f600", "a " * 40]),
)
@settings(max_examples=30)
def test_every_picture_is_whole_on_a_sheet(sizes, caption):
    """Each is of its own grey, of which a sheet then has exactly as many pixels."""
    rows, grey = [], 100
    for side, count in sizes:
        rows.append(Row(caption, [Image.new("RGB", (side, side), (grey, 0, 0))] * count))
        grey += 1
    pixels = np.asarray(sheet(rows))
    for number, (side, count) in enumerate(sizes):
        found = (pixels == (100 + number, 0, 0)).all(-1).sum()
        assert found == side * side * count
