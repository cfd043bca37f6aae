"""Bent words, painted by the renderer instead of a model."""

from random import Random

import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis.arches import draw_arch
from danqing.evaluation.benchmarks.curved_text import CurvedText
from danqing.evaluation.harness import run
from danqing.scorers.arch import ArchedText

SMALL = CurvedText(per_category=2, seeds=1)


def arch(ask):
    return draw_arch(ArchedText(**ask.data), Random(ask.id))


def straight(ask):
    return draw_arch(ArchedText(**ask.data), Random(ask.id), sagitta=0.002)


def test_true_words_score_one_and_straight_ones_nothing_though_they_read(tmp_path, painter, rows):
    found = run(SMALL, painter(arch), tmp_path / "bent")
    kinds = ("up_en", "up_zh", "down_en", "down_zh", "macro average")
    assert rows(found) == dict.fromkeys(kinds, 1)
    assert found["references"]["up_en"] == {"oracle": 1, "floor": 0}
    assert "<del>" not in (tmp_path / "bent" / "index.html").read_text()
    unbent = run(SMALL, painter(straight, "straight"), tmp_path / "straight")
    assert set(rows(unbent).values()) == {0}
    more = unbent["table"]["rows"][0]["more"]
    assert (more["exact_line"], more["bent"]) == (1, 0)


def test_blank_and_missing_pictures_are_wrong(tmp_path, painter, rows):
    blank = painter(lambda ask: Image.new("RGB", (256, 256), "gray"))
    assert rows(run(SMALL, blank, tmp_path / "blank"))["macro average"] == 0
    found = run(SMALL, painter(lambda ask: "no lamp", "none"), tmp_path / "none")
    assert rows(found)["macro average"] == 0
    assert len(found["missing"]) == 8


def test_a_vae_that_keeps_nothing_has_no_ceiling():
    found = SMALL.references(lambda image: Image.new("RGB", image.size, "gray"))
    assert {row["ceiling"] for row in found.values()} == {0}


@pytest.mark.parametrize("wrong", ["seeds", "per_category"])
def test_numbers_below_one_are_refused_in_one_line(wrong):
    with pytest.raises(RecipeError, match="must be at least 1, got 0; raise it"):
        CurvedText(**{wrong: 0})


def test_the_usual_prompts_are_different_and_each_has_its_own_seeds():
    asks = CurvedText().asks()
    assert len({ask.prompt for ask in asks}) == len({ask.id for ask in asks}) == 80
    assert len({seed for ask in asks for seed in ask.seeds}) == 160
