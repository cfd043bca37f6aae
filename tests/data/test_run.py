"""A run can be killed at any moment and run again; cuts can move without measuring."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("daft", reason="filtering needs the extra `data`")
pytest.importorskip("lance", reason="filtering needs the extra `data`")

from pyarrow import parquet

from danqing.core import config
from danqing.data.corpus import Corpus
from danqing.data.filters import filters
from danqing.data.run import Recipe, run
from danqing.data.sources.planted import PLANTS
from danqing.data.stages import steps

ROWS = 120
FILTERS = {
    "initial": [
        "broken",
        "file_size",
        "bytes_per_pixel",
        "resolution",
        "aspect_ratio",
        "duplicate",
    ],
    "quality": ["rotation", "clarity", "luma", "saturation", "entropy", "texture"],
    "alignment": ["token_length", "invalid_caption"],
}


MADE = {
    "name": "planted",
    "rows": ROWS,
    "side": 288,
    "filters": [name for stage in FILTERS.values() for name in stage],
}


def recipe(folder, **changes):
    return config.parse(
        Recipe,
        {
            "corpus": str(folder),
            "sources": {"made": MADE},
            "stages": {
                name: {"filters": {label: label for label in labels}}
                for name, labels in FILTERS.items()
            },
            "span": 16,
            **changes,
        },
    )


def outcome(folder):
    columns = Corpus(folder).columns
    table = Corpus(folder).read(sorted(columns))
    # As text, because NaN is not equal to itself.
    return repr(table.to_pydict()), (folder / "drops.parquet").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "corpus"
    run(recipe(folder))
    return folder


def test_every_row_is_kept_or_dropped_with_a_reason(whole):
    manifest = json.loads((whole / "manifest.json").read_text())
    drops = parquet.read_table(whole / "drops.parquet").to_pylist()
    assert manifest["rows"] == ROWS == len(Corpus(whole))
    assert manifest["kept"] + len(drops) == ROWS
    assert all(drop["reason"] for drop in drops)
    dropped = sum(n for stage in manifest["dropped"].values() for n in stage.values())
    assert dropped == len(drops)


def test_planted_faults_are_dropped_by_their_filters(whole):
    for drop in parquet.read_table(whole / "drops.parquet").to_pylist():
        plant = PLANTS[drop["key"].partition("/")[2].partition("-")[2]]
        # Of a picture and its copy either may be the one that goes.
        assert drop["filter"] in (plant.filter or "duplicate", *plant.also), drop


def test_a_second_run_changes_and_measures_nothing(whole, monkeypatch):
    before = outcome(whole)
    monkeypatch.setattr("danqing.data.run.hand_out", None)
    run(recipe(whole))
    assert outcome(whole) == before


def test_how_many_pictures_are_read_together_changes_nothing(tmp_path, whole, monkeypatch):
    monkeypatch.setattr("danqing.data.run.PIECE_ROWS", 5)
    run(recipe(tmp_path / "corpus", span=23, workers=1))
    assert outcome(tmp_path / "corpus") == outcome(whole)


def test_moving_a_cut_measures_only_what_now_comes_further(tmp_path):
    made = recipe(tmp_path / "corpus")
    run(made)
    kept = json.loads((tmp_path / "corpus" / "manifest.json").read_text())["kept"]
    wider = config.dump(made)
    wider["stages"]["quality"]["filters"]["clarity"]["cut"] = {"low": 0.0}
    manifest = run(config.parse(Recipe, wider))
    assert manifest["kept"] > kept
    assert manifest["dropped"]["quality"]["clarity"] == 0
    # and back again: the same as before
    assert run(made)["kept"] == kept


def test_new_pictures_are_added_and_old_ones_stay(tmp_path):
    folder = tmp_path / "corpus"
    run(recipe(folder))
    before = Corpus(folder).read(["key", "score_luma_256"]).to_pylist()
    more = MADE | {"rows": 20, "seed": 1}
    grown = recipe(folder)
    text = config.dump(grown)
    text["sources"]["more"] = more
    manifest = run(config.parse(Recipe, text))
    assert manifest["added"] == {"made": 0, "more": 20}
    after = Corpus(folder).read(["key", "score_luma_256"]).to_pylist()
    assert repr(after[:ROWS]) == repr(before)
    assert len(after) == ROWS + 20


@pytest.mark.parametrize("seconds", [0.6, 1.2, 1.8, 2.6])
def test_killed_and_run_again_it_gives_the_same_bytes(tmp_path, whole, seconds):
    folder = tmp_path / "corpus"
    path = tmp_path / "recipe.toml"
    config.write(recipe(folder), path)
    command = [sys.executable, "-m", "danqing", "filter", "run", str(path)]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    deadline = time.monotonic() + 60
    while not folder.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(seconds - 0.6)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run(recipe(folder))
    assert outcome(folder) == outcome(whole)


def test_nothing_to_filter_is_said(tmp_path):
    from danqing.core.errors import RecipeError

    with pytest.raises(RecipeError, match="name a source"):
        run(Recipe(corpus=tmp_path / "none"))


RECIPES = sorted((Path(__file__).parents[2] / "recipes/filter").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads(path):
    found = config.load(Recipe, path)
    assert len({step.column for step in steps(found.stages)}) >= 5


def test_every_filter_is_in_a_recipe():
    found = {path.stem: config.load(Recipe, path).stages for path in RECIPES}
    assert len(found["seven_stages"]) == 7
    used = {filters.name_of(step.filter) for stages in found.values() for step in steps(stages)}
    # Two are for those who ask for more: a bound on characters, and copies of no pixels.
    assert used >= set(filters) - {"characters", "semantic_duplicate"}
