"""Pipelines under the harness, and the command that puts both together, with a toy model."""

import json
from dataclasses import replace

import pytest
from PIL import Image, ImageChops

from danqing.cli.evaluate import compare, evaluate
from danqing.core.errors import RecipeError
from danqing.evaluation.benchmark import Ask
from danqing.evaluation.generators import Model
from danqing.evaluation.painter import painter, round_trip
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.testing import toy


@pytest.fixture(scope="module")
def pipeline():
    return toy()


def test_each_prompt_is_painted_with_its_own_seed_in_the_order_given(pipeline):
    prompts = ["a red circle", "a red circle", "a blue square", "a red circle"]
    seeds = [4, 5, 6, 9]
    images = painter(pipeline)(prompts, seeds)
    for image, prompt, seed in zip(images, prompts, seeds, strict=True):
        (alone,) = pipeline.paint(Request(prompt, seed=seed)).pictures
        worst = max(high for _, high in ImageChops.difference(image, alone.image).getextrema())
        assert worst <= 1  # batches may round differently


def test_seeds_in_a_row_of_one_prompt_are_painted_together(pipeline, monkeypatch):
    batches = []
    paint = pipeline.paint

    def counted(request):
        batches.append((request.prompt, request.seed, request.batch))
        return paint(request)

    monkeypatch.setattr(pipeline, "paint", counted)
    painter(pipeline, steps=1)(["a", "a", "b", "b", "b"], [1, 2, 3, 4, 9])
    assert batches == [("a", 1, 2), ("b", 3, 2), ("b", 9, 1)]


def test_settings_reach_the_pipeline(pipeline):
    (small,) = painter(pipeline, size="16x48", steps=1, guidance=1.0)(["a circle"], [0])
    assert small.size == (16, 48)


def test_a_round_trip_is_what_the_vae_makes_of_a_picture(pipeline):
    through = round_trip(pipeline.vae)
    picture = Image.linear_gradient("L").resize((32, 48)).convert("RGB")
    kept = through(picture)
    assert (kept.size, kept.mode) == (picture.size, "RGB")
    assert kept.tobytes() == through(picture).tobytes() != picture.tobytes()


def test_the_command_paints_judges_and_prints_a_table(tmp_path, capsys):
    save(toy(), tmp_path / "toy")
    told = ("per_category=1", "seeds=2", "categories=['colors', 'counting']", "language=en")
    settings = {"out": tmp_path / "out", "set": told}
    evaluate(str(tmp_path / "toy"), **settings)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[1:3]] == ["colors", "counting"]
    assert printed[-1] == str(tmp_path / "out" / "index.html")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["table"]["rows"][0]["count"] == 2
    assert "guidance" in result["generator"]
    assert "prompt" not in result["generator"]
    assert len(list((tmp_path / "out" / "pictures").glob("*.png"))) == 4

    evaluate(str(tmp_path / "toy"), **settings | {"steps": 1})
    assert len(list((tmp_path / "out" / "pictures").glob("*.png"))) == 8


def test_a_category_that_is_not_there_is_refused_before_a_model_is_loaded(tmp_path):
    with pytest.raises(RecipeError, match="stars"):
        evaluate("no-such-model", out=tmp_path, set=("categories=['stars']",))


def test_runs_of_two_models_stand_side_by_side(tmp_path, capsys):
    save(toy(), tmp_path / "toy")
    told = ("per_category=1", "seeds=1", "categories=['colors']")
    for name, steps in (("one", 1), ("two", 2)):
        evaluate(str(tmp_path / "toy"), out=tmp_path / name, set=told, steps=steps)
    both = (tmp_path / "one", tmp_path / "two")
    compare(both, out=tmp_path / "page" / "both.html", over="generator.steps")
    page = (tmp_path / "page" / "both.html").read_text()
    assert f"{both[1]} against {both[0]}\n  colors" in capsys.readouterr().out
    assert "<th>p (Holm)</th>" in page
    for name in ("one", "two"):
        (file,) = (tmp_path / name / "pictures").glob("*.png")
        assert f'src="../{name}/pictures/{file.name}"' in page
    assert page.count("<circle") == 2
    with pytest.raises(RecipeError, match=r"unknown number 'generator.step'. Did you mean 'gen"):
        compare(both, out=tmp_path / "page.html", over="generator.step")
    with pytest.raises(RecipeError, match="two or more"):
        compare((tmp_path / "one",), out=tmp_path / "page.html")
    evaluate(str(tmp_path / "toy"), out=tmp_path / "three", set=(*told, "split=dev"), steps=1)
    with pytest.raises(RecipeError, match="must ask for the same things"):
        compare((tmp_path / "one", tmp_path / "three"), out=tmp_path / "page.html")


def test_an_ask_with_pictures_is_an_edit_and_one_that_cannot_be_is_a_reason(tmp_path):
    save(toy(edits=True), tmp_path / "editor")
    Image.new("RGB", (33, 21), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"nothing")
    model = Model(model=str(tmp_path / "editor"), steps=1)
    ask = Ask(
        id="1", prompt="a blue square", category="all", seeds=(3, 4), sources=(tmp_path / "a.png",)
    )
    images = model.paint(ask)
    assert [image.size for image in images] == [(33, 21)] * 2
    (why, _) = model.paint(replace(ask, sources=(tmp_path / "b.png",)))
    assert "must be a JPEG" in why
