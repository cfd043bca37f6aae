"""Every recipe for training or for producers runs: as it is written, but with small numbers.

A recipe finds what it trains on where it says it lies, below an empty folder that is made for it.
So a new one is tested as soon as it is there.
"""

import dataclasses
import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from danqing.core.config import load, parse
from danqing.data.run import Recipe as Filtering
from danqing.data.run import run as filter_pictures
from danqing.data.synthesis import Synthesis
from danqing.models.conditioner.config import ConditionerConfig, EyesConfig
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.save import save
from danqing.testing import MMDIT, VAE_, ToyEdits, toy, toy_conditioner, toy_mmdit, toy_vae
from danqing.training.parallel.world import device, world
from danqing.training.prefer import FILE
from danqing.training.produce import Production, begin
from danqing.training.recipe import Recipe, prepare, run
from danqing.training.sources.corpus import CorpusLatents
from danqing.training.sources.edits import streams
from danqing.training.sources.folder import FolderLatents
from danqing.training.sources.pairs import PairLatents
from danqing.training.sources.spool import SpoolLatents

if "edits" not in streams:
    streams.register("edits")(ToyEdits)

# Tests are no package.
pretend = runpy.run_path(str(Path(__file__).parents[1] / "pretend.py"))["pretend"]

ROOT = Path(__file__).parents[2] / "recipes"
RECIPES = sorted((ROOT / "train").rglob("*.toml"))
PRODUCTIONS = sorted((ROOT / "produce").rglob("*.toml"))

SIZES = ("64x64", "96x64")
SMALL = {
    "steps": 2,
    "batch": 2,
    "batches": 2,
    "pool": 4,
    "group": 2,
    "draws": 1,
    "measured": 2,
    "every": 2,
    "count": 2,
    "prompts": 1,
    "seeds": 2,
    "window": 1,
    "size": (64, 64),
    "compile": False,
}
"""Settings that make a run long, wherever in a recipe they stand, and what they are made."""


def shrunk(part: Any) -> Any:
    """Return a part of a recipe with its numbers made small."""
    if isinstance(part, tuple):
        return tuple(map(shrunk, part))
    if isinstance(part, dict):
        return {key: shrunk(value) for key, value in part.items()}
    if not dataclasses.is_dataclass(part):
        return part
    values: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name == "sizes" and isinstance(value, dict):
            values["sizes"] = dict.fromkeys(SIZES, 1.0) if value else value
        elif field.name == "sizes" and isinstance(value[0], str):
            values["sizes"] = SIZES
        elif field.name in SMALL and type(value) is type(SMALL[field.name]):
            values[field.name] = SMALL[field.name]
        elif field.init:
            values[field.name] = shrunk(value)
    return replace(part, **values)


def tiny(folder: Path) -> Pipeline:
    """A pipeline in the place of one in a folder, with latents of the shape that recipes have."""
    eyes = EyesConfig(width=32, depth=1, heads=2, mlp=48) if "edit" in folder.name else None
    small = toy()
    vae = replace(
        VAE_, latent_channels=16, patch=8, latents_mean=(0.0,) * 16, latents_std=(1.0,) * 16
    )
    return Pipeline(
        toy_mmdit(config=replace(MMDIT, in_channels=64, out_channels=16)),
        toy_vae(config=vae),
        toy_conditioner(
            config=ConditionerConfig(width=32, depth=1, heads=2, kv_heads=1, mlp=48, eyes=eyes)
        ),
        small.schedule,
        small.defaults,
        small.identity,
    )


def production(path: Path) -> Production:
    return shrunk(load(Production, path))


def provide(source: Any) -> None:
    """Put what a source reads where it looks for it."""
    drawn = [Synthesis(size=(96, 64), categories={"colors": 1.0}).sample(n) for n in range(4)]
    match source:
        case FolderLatents():
            source.path.mkdir(parents=True)
            for number, sample in enumerate(drawn):
                sample.image.save(source.path / f"{number}.png")
                (source.path / f"{number}.txt").write_text(sample.caption)
        case PairLatents():
            source.path.parent.mkdir(parents=True)
            for number, sample in enumerate(drawn):
                sample.image.save(source.path.parent / f"{number}.png")
            line = {"caption": drawn[0].caption, "chosen": "0.png", "rejected": "1.png"}
            (source.path.parent / FILE).write_text(json.dumps(line) + "\n")
        case CorpusLatents():
            world = {"name": "small_world", "count": 8, "sizes": dict.fromkeys(SIZES, 1.0)}
            told = {"corpus": str(source.corpus), "sources": {"world": world}, "stages": {}}
            filter_pictures(parse(Filtering, told))
        case SpoolLatents():
            (recipe,) = (r for r in map(production, PRODUCTIONS) if r.spool == source.path)
            begin(recipe).turn()
        case _:
            pass


def test_there_are_recipes():
    assert {path.stem for path in RECIPES} >= {"0_vae", "1_singles"}
    assert PRODUCTIONS


@pytest.mark.parametrize("path", PRODUCTIONS, ids=lambda path: path.stem)
def test_every_production_makes_a_shard(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = production(path)
    save(tiny(recipe.model), recipe.model)
    provide(recipe.source)
    assert begin(recipe).turn() == 0
    batches = SpoolLatents(path=recipe.spool).open(recipe.model, 0)
    assert batches[1].latents.shape[:2] == (2, 16)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_recipe_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = shrunk(load(Recipe, path))
    save(tiny(recipe.model), recipe.model)
    provide(recipe.source)
    run(recipe)
    assert json.loads((recipe.run / "state/progress.json").read_text())["step"] == 2
    *_, last = (recipe.run / "metrics.jsonl").read_text().splitlines()
    assert json.loads(last)["loss"] is not None


KINDS = ("0_vae", "10_edits", "13_edits_on_gpu", "9_few_steps", "nano/dpo")
"""Recipes that differ in what is trained, how, and on what."""


@pytest.mark.parametrize("name", KINDS)
def test_a_gpu_learns_what_a_cpu_does(name, tmp_path, monkeypatch):
    """One that is not there: what meets on two devices fails, and losses are the CPU's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("danqing.training.recipe.export", lambda *_: None)
    (path,) = (path for path in RECIPES if str(path.with_suffix("")).endswith(f"/{name}"))
    # In bfloat16 a CPU has other ways to reckon.
    recipe = replace(shrunk(load(Recipe, path)), dtype="float32")
    save(tiny(recipe.model), recipe.model)
    provide(recipe.source)
    if isinstance(recipe.source, SpoolLatents):
        recipe = replace(recipe, source=replace(recipe.source, keep=True))
    there = replace(recipe, run=Path("there"))
    with sdpa_kernel(SDPBackend.MATH):
        run(recipe)
        with pretend((7, 5)), world("cuda"):
            assert device() == torch.device("cuda", 0)
            run(there)
            assert {weight.device for weight in prepare(there).weights.masters.values()} == {
                device()
            }
    told = [(each.run / "metrics.jsonl").read_text().splitlines() for each in (recipe, there)]
    losses = [[json.loads(line)["loss"] for line in lines] for lines in told]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
