"""Solids from another side, painted by the renderer instead of a model."""

from random import Random

import pytest
from PIL import Image

from danqing.core.cache import cache_folder
from danqing.core.errors import RecipeError
from danqing.data.synthesis.solids import draw_solid, turn
from danqing.evaluation.benchmarks.solids import Solids
from danqing.evaluation.harness import digest, run

SMALL = Solids(per_category=3)


def truth(ask):
    wanted = turn(ask.data)
    return draw_solid(wanted.outcome, wanted.ground, Random(ask.id))


def unchanged(ask):
    with Image.open(ask.sources[0]) as source:
        return source.convert("RGB")


def test_the_true_view_scores_one_and_the_source_itself_nothing(tmp_path, painter, rows):
    found = run(SMALL, painter(truth), tmp_path / "true")
    assert rows(found) == dict.fromkeys(("left", "right", "behind", "below", "macro average"), 1)
    assert found["table"]["rows"][0]["more"]["soft"] > 0.9
    copied = run(SMALL, painter(unchanged, "copier"), tmp_path / "copied")
    assert set(rows(copied).values()) == {0}


def test_what_is_described_needs_no_source(tmp_path, painter, rows):
    words = Solids(categories=("described",), per_category=3)
    assert all(not ask.sources for ask in words.asks())
    assert rows(run(words, painter(truth), tmp_path))["described"] == 1


def test_a_picture_that_is_not_there_is_wrong(tmp_path, painter, rows):
    found = run(SMALL, painter(lambda ask: "no lamp"), tmp_path)
    assert rows(found)["macro average"] == 0
    assert len(found["missing"]) == 12


def test_references_tell_truth_luck_and_ceiling_apart():
    for row in SMALL.references(lambda image: Image.new("RGB", image.size, "gray")).values():
        assert row == {"oracle": 1, "floor": 0, "ceiling": 0}


def test_sources_lie_in_the_cache_and_are_made_once(monkeypatch, tmp_path):
    first = digest(SMALL.asks())
    files = {path: path.stat().st_mtime_ns for path in cache_folder("solids").iterdir()}
    assert len(files) == 12
    assert digest(SMALL.asks()) == first
    assert {p: p.stat().st_mtime_ns for p in cache_folder("solids").iterdir()} == files
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "elsewhere"))
    assert digest(SMALL.asks()) == first
    with Image.open(Solids(size=(320, 192), per_category=1).asks()[0].sources[0]) as wide:
        assert wide.size == (320, 192)


@pytest.mark.parametrize("wrong", ["seeds", "per_category"])
def test_numbers_below_one_are_refused_in_one_line(wrong):
    with pytest.raises(RecipeError, match="must be at least 1, got 0; raise it"):
        Solids(**{wrong: 0})


def test_the_usual_prompts_are_different():
    asks = Solids().asks()
    assert len({ask.id for ask in asks}) == len(asks) == 80
