"""The in-domain benchmark, painted by the renderer instead of a model."""

import json
from random import Random

import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis import digest, draw
from danqing.evaluation.in_domain import TASK, fold, prompts, references, run
from danqing.scorers.detector import ShapeDetector
from danqing.scorers.world import BACKGROUNDS

CATEGORIES = ("single_object", "position")
ASKED = prompts(CATEGORIES, per_category=4)


class Painter:
    """Draws what a prompt's specification says; prompts named in `blank` get an empty ground."""

    def __init__(self, blank=()):
        self.specs = {prompt.prompt: prompt.spec for prompt in ASKED}
        self.blank = blank
        self.calls = []

    def __call__(self, texts, seeds):
        self.calls.append((list(texts), list(seeds)))
        return [
            Image.new("RGB", (256, 256), BACKGROUNDS["gray"])
            if text in self.blank
            else draw(self.specs[text], Random(seed))
            for text, seed in zip(texts, seeds, strict=True)
        ]


def test_the_renderer_itself_scores_one_and_a_blank_picture_nothing(tmp_path):
    blank = [prompt.prompt for prompt in ASKED if prompt.spec.category == "position"]
    result = run(Painter(blank), tmp_path, model="renderer", asked=ASKED, seeds=2)
    scores = {name: row["score"] for name, row in result["categories"].items()}
    assert scores == {"single_object": 1, "position": 0}
    assert result["macro"]["score"] == 0.5
    assert result["categories"]["single_object"]["clustered"] == (1, 1)
    assert result["categories"]["single_object"]["wilson"].low == pytest.approx(0.676, abs=1e-3)


def test_a_result_says_what_it_was_made_of(tmp_path):
    result = run(Painter(), tmp_path, model="renderer", asked=ASKED, seeds=1)
    assert result["prompts_sha256"] == digest(ASKED)
    assert len(result["detector_sha256"]) == 64
    assert result["references"]["position"]["oracle"] == 1
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(result))
    lines = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert [line["prompt"] for line in lines] == [prompt.prompt for prompt in ASKED]
    page = (tmp_path / "index.html").read_text()
    for line in lines:
        assert (tmp_path / line["file"]).exists()
        assert f'src="{line["file"]}"' in page


def test_a_stopped_run_goes_on_where_it_was_and_a_finished_one_paints_nothing(tmp_path):
    class Stopped(Painter):
        def __call__(self, texts, seeds):
            if len(self.calls) == 3:
                raise KeyboardInterrupt
            return super().__call__(texts, seeds)

    with pytest.raises(KeyboardInterrupt):
        run(Stopped(), tmp_path, model="renderer", asked=ASKED, seeds=2)
    assert not (tmp_path / "result.json").exists()
    resumed, again, other = Painter(), Painter(), Painter()
    first = run(resumed, tmp_path, model="renderer", asked=ASKED, seeds=2)
    second = run(again, tmp_path, model="renderer", asked=ASKED, seeds=2)
    run(other, tmp_path, model="another", asked=ASKED, seeds=2)
    assert len(resumed.calls) == len(ASKED) - 3
    assert again.calls == []
    assert len(other.calls) == len(ASKED)
    assert first == second


def test_every_prompt_has_its_own_seeds_that_follow_each_other(tmp_path):
    painter = Painter()
    run(painter, tmp_path, model="renderer", asked=ASKED, seeds=2, batch=4)
    texts = [text for call in painter.calls for text in call[0]]
    seeds = [seed for call in painter.calls for seed in call[1]]
    assert [len(call[0]) for call in painter.calls] == [8, 8]
    assert texts == [prompt.prompt for prompt in ASKED for _ in range(2)]
    assert [b - a for a, b in zip(seeds[::2], seeds[1::2], strict=True)] == [1] * len(ASKED)
    assert len(set(seeds)) == len(seeds)


def test_references_tell_truth_luck_and_ceiling_apart():
    gone = Image.new("RGB", (256, 256), BACKGROUNDS["gray"])
    rows = references(ASKED, round_trip=lambda image: gone)
    for row in rows.values():
        assert row["oracle"] == 1
        assert row["floor"] <= 0.5
        assert row["ceiling"] == 0


def test_strings_are_judged_by_reading(tmp_path):
    asked = prompts(("text_en", "text_zh"), per_category=1)
    specs = {prompt.prompt: prompt.spec for prompt in asked}

    def paint(texts, seeds):
        return [draw(specs[text], Random(0)) for text in texts]

    result = run(paint, tmp_path, model="renderer", asked=asked, seeds=1)
    assert {row["score"] for row in result["categories"].values()} == {1}
    assert result["categories"]["text_en"]["disagree"] == 0
    assert result["macro"] == {"score": None, "clustered": None}


def test_nothing_to_fold_is_no_score():
    assert fold([]) == {"categories": {}, "macro": {"score": None, "clustered": None}}


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"batch": 0}, {"asked": []}])
def test_numbers_below_one_are_refused_in_one_line(tmp_path, wrong):
    with pytest.raises(RecipeError, match="must be at least 1, got 0; raise it"):
        run(Painter(), tmp_path, **({"model": "renderer", "asked": ASKED} | wrong))


def test_the_usual_forty_prompts_exist_in_every_category():
    usual = prompts()
    assert len(usual) == 8 * 40
    assert len({prompt.prompt for prompt in usual}) == len(usual)


def test_another_detector_is_another_version_of_the_task():
    assert (TASK, ShapeDetector().digest[:16]) == ("in_domain@1", "dd51763f577c0fcd")
