"""What goes into the log goes to the sinks too; fakes play packages that are not installed here."""

import json
import sys
from types import ModuleType

import pytest
import torch

from danqing.core.config import dump, load, parse, write
from danqing.core.errors import MissingPackage, UnknownName
from danqing.pipelines.save import save
from danqing.testing import toy
from danqing.training.recipe import Recipe, run
from danqing.training.sinks import opened, sinks


class Writer:
    """As much of TensorBoard's SummaryWriter as is used: it purges steps that come again."""

    files: dict = {}  # noqa: RUF012

    def __init__(self, log_dir=None, *, purge_step=None):
        self.lines = self.files.setdefault(str(log_dir), {})
        for key in [key for key in self.lines if key[0] >= purge_step]:
            del self.lines[key]

    def add_scalar(self, tag, scalar_value, global_step=None):
        assert (global_step, tag) not in self.lines, "a step came twice"
        self.lines[global_step, tag] = scalar_value

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True


class Live:
    """As much of a W&B run as is used: by its id, it goes on, and drops steps of before."""

    runs: dict = {}  # noqa: RUF012

    def __init__(self, **settings):
        self.settings = settings
        self.lines = self.runs.setdefault(settings["id"], {})

    def log(self, data, step=None):
        if step > max(self.lines, default=0):
            self.lines[step] = data

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


@pytest.fixture
def fakes(monkeypatch):
    tensorboard, wandb = ModuleType("torch.utils.tensorboard"), ModuleType("wandb")
    tensorboard.SummaryWriter, wandb.init = Writer, Live
    monkeypatch.setattr(Writer, "files", {})
    monkeypatch.setattr(Live, "runs", {})
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", tensorboard)
    monkeypatch.setattr(torch.utils, "tensorboard", tensorboard, raising=False)
    monkeypatch.setitem(sys.modules, "wandb", wandb)


@pytest.fixture
def recipe(tmp_path):
    save(toy(), tmp_path / "model")
    told = {
        "model": str(tmp_path / "model"),
        "run": str(tmp_path / "run"),
        "trainee": {"name": "text_to_image", "start": "model"},
        "objective": "flow_matching",
        "source": {
            "name": "synthesis_latents",
            "batch": 2,
            "pool": 4,
            "pictures": {"size": [64, 64], "categories": {"colors": 1.0}},
        },
        "steps": 4,
        "log_every": 1,
        "save_every": 2,
        "log": ["tensorboard", {"name": "wandb", "project": "mine"}],
    }
    return parse(Recipe, told)


def test_every_sink_gets_every_line_once_however_often_a_run_is_resumed(recipe, fakes):
    class Killed(Exception):
        pass

    def kill(step):
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(recipe, kill)
    run(recipe)
    written = [json.loads(line) for line in (recipe.run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in written] == [1, 2, 3, 3, 4]
    lines = {line.pop("step"): line for line in written}
    (folder, board), (live,) = *Writer.files.items(), Live.runs.values()
    assert folder == str(recipe.run / "tensorboard")
    assert board == {(step, tag): v for step, line in lines.items() for tag, v in line.items()}
    assert {step: line["loss"] for step, line in live.items()} == {
        step: line["loss"] for step, line in lines.items()
    }


def test_wandb_is_told_where_and_how(tmp_path, fakes, monkeypatch):
    told = []
    monkeypatch.setattr(Live, "__init__", lambda self, **settings: told.append(settings))
    for _ in range(2):
        with opened([sinks["wandb"](project="mine")], tmp_path, 0):
            pass
    first, second = told
    assert first == second
    assert (first["project"], first["mode"], first["dir"]) == ("mine", "offline", tmp_path)
    assert first["resume"] == "allow"


def test_a_recipe_names_sinks_or_gives_them_tables(recipe, tmp_path):
    write(recipe, tmp_path / "recipe.toml")
    assert load(Recipe, tmp_path / "recipe.toml") == recipe
    assert dump(recipe)["log"][1] == {"name": "wandb", "project": "mine", "mode": "offline"}
    with pytest.raises(UnknownName, match="Did you mean 'wandb'"):
        parse(Recipe, dump(recipe) | {"log": ["wanb"]})


@pytest.mark.parametrize("name", list(sinks))
def test_a_package_that_is_not_there_is_named(name, tmp_path, monkeypatch):
    for module in ("torch.utils.tensorboard", "tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackage, match=f"{name} must be installed .* pip install {name}"):
        opened([sinks[name]()], tmp_path, 0).__enter__()
