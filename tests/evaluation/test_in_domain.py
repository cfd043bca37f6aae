"""The in-domain benchmark, painted by the renderer instead of a model."""

from random import Random

import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis import draw
from danqing.evaluation.benchmarks.in_domain import InDomain
from danqing.evaluation.harness import run
from danqing.evaluation.table import macro
from danqing.scorers.detector import ShapeDetector
from danqing.scorers.world import BACKGROUNDS, specification

SMALL = InDomain(categories=("single_object", "position"), per_category=4)


class Renderer:
    """Draws what a prompt's specification says; categories in `blank` get an empty ground."""

    def __init__(self, blank=()):
        self.blank = blank

    def identity(self):
        return {"name": "renderer", "blank": list(self.blank)}

    def paint(self, ask):
        if ask.category in self.blank:
            return [Image.new("RGB", (256, 256), BACKGROUNDS["gray"]) for _ in ask.seeds]
        return [draw(specification(ask.data), Random(seed)) for seed in ask.seeds]


def rows(result):
    return {row["name"]: row for row in result["table"]["rows"]}


def test_the_renderer_itself_scores_one_and_a_blank_picture_nothing(tmp_path):
    found = rows(run(SMALL, Renderer(["position"]), tmp_path))
    assert {name: row["score"] for name, row in found.items()} == {
        "single_object": 1,
        "position": 0,
        "macro average": 0.5,
    }
    assert found["single_object"]["interval"] == (1, 1)
    assert found["single_object"]["more"]["wilson"][0] == pytest.approx(0.676, abs=1e-3)


def test_two_judges_agree_and_layouts_differ_where_the_renderer_paints(tmp_path):
    more = rows(run(SMALL, Renderer(), tmp_path))["single_object"]["more"]
    assert more["disagree"] == 0
    assert 0 < more["place spread"] < 0.3
    assert 0 < more["size spread"] < 0.5
    (beside,) = InDomain(categories=("single_object",), per_category=4).references().values()
    assert beside["place spread"] == pytest.approx(more["place spread"], abs=0.15)

    class ByHeart(Renderer):
        def paint(self, ask):
            return [draw(specification(ask.data), Random(0)) for _ in ask.seeds]

    assert rows(run(SMALL, ByHeart(), tmp_path / "one"))["position"]["more"]["place spread"] == 0


def test_references_tell_truth_luck_and_ceiling_apart():
    gone = Image.new("RGB", (256, 256), BACKGROUNDS["gray"])
    for row in SMALL.references(lambda image: gone).values():
        assert row["oracle"] == 1
        assert row["floor"] <= 0.5
        assert row["ceiling"] == 0


def test_strings_are_judged_by_reading(tmp_path):
    words = InDomain(categories=("text_en", "text_zh"), per_category=1, seeds=1)
    found = rows(run(words, Renderer(), tmp_path))
    assert found["text_en"]["score"] == found["text_zh"]["score"] == 1
    assert found["text_en"]["more"]["disagree"] == 0
    assert found["macro average"]["score"] is None
    page = (tmp_path / "index.html").read_text()
    assert "<del>" not in page


def test_every_prompt_has_its_own_seeds_that_follow_each_other():
    asks = SMALL.asks()
    assert all(ask.seeds[1] == ask.seeds[0] + 1 for ask in asks)
    assert len({seed for ask in asks for seed in ask.seeds}) == 2 * len(asks)


@pytest.mark.parametrize("wrong", ["seeds", "per_category"])
def test_numbers_below_one_are_refused_in_one_line(wrong):
    with pytest.raises(RecipeError, match="must be at least 1, got 0; raise it"):
        InDomain(**{wrong: 0})


def test_the_usual_forty_prompts_exist_in_every_category():
    asks = InDomain().asks()
    assert len(asks) == 9 * 40
    assert len({ask.prompt for ask in asks}) == len(asks)


def test_another_detector_is_another_version_of_the_task():
    assert (InDomain.version, ShapeDetector().digest[:16]) == (2, "dd51763f577c0fcd")


def test_a_macro_average_of_nothing_is_no_score():
    assert macro("all", []).score is None
