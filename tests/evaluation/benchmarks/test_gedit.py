"""Edits that are judged twice, and what counts of what a judge says."""

import io
import json
from collections import Counter
from math import sqrt

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmarks.gedit import GEdit
from danqing.evaluation.harness import run
from danqing.evaluation.viescore import OWN, PLACE
from danqing.scorers.chat import Answer

SIZE = (6, 4)


def edit(key, group="color_alter", language="en", shared=True):
    return {"task_type": group, "key": key, "instruction": f"make it {key}",
            "instruction_language": language, "Intersection_exist": shared,
            "input_image": "source.png"}  # fmt: skip


EDITS = [
    edit("a"),
    edit("b", shared=False),
    edit("c", "style_change"),
    edit("a", language="cn"),
]


@pytest.fixture
def data(listed, tmp_path):
    Image.new("RGB", SIZE, (9, 9, 9)).save(tmp_path / "source.png")
    return listed(*EDITS)


@pytest.fixture
def rubric(tmp_path):
    path = tmp_path / "vie_prompts.py"
    path.write_text(
        '_context_no_delimit = "You judge."\n_prompts_0shot_two_image_edit_rule = "Two."\n'
        f'_prompts_0shot_tie_rule_SC = "Edit: {PLACE}"\n_prompts_0shot_rule_PQ = "One."\n'
    )
    return path


@pytest.fixture
def editor(painter):
    """Return a painter of grey pictures, larger than their sources."""
    return painter(lambda ask: Image.new("RGB", (12, 8), (200, 200, 200)))


def told(*numbers):
    return json.dumps({"score": numbers, "reasoning": "so"})


def saying(witness, edits, look=(10, 10)):
    """Return a judge that says something of each edit, and of all looks the same."""

    def say(question):
        if len(question.images) == 1:
            return look if isinstance(look, str) else told(*look)
        said = next(said for key, said in edits.items() if f"make it {key}" in question.text)
        return said if isinstance(said, str | Answer) else told(*said)

    return witness(say)


def test_groups_weigh_the_same_and_the_lesser_numbers_count(data, editor, tmp_path, rows, witness):
    judge = saying(witness, {"a": (9, 4), "b": (1, 7), "c": (9, 10)}, look=(10, 4))
    found = rows(run(GEdit(data=data, judge=judge), editor, tmp_path / "run"))
    assert found == pytest.approx(
        {
            "color_alter": (4 + 2) / 2,
            "style_change": 6,
            "overall": 4.5,
            "overall, semantics": (2.5 + 9) / 2,
            "overall, quality": 4,
            "intersection": 5,
        }
    )


def test_the_judge_sees_the_edit_in_the_size_of_its_source(data, editor, tmp_path, witness):
    asked = []

    def say(question):
        asked.append(question)
        return told(5, 5)

    run(GEdit(data=data, judge=witness(say)), editor, tmp_path / "run")
    first, second = asked[:2]
    assert [image.size for image in (*first.images, *second.images)] == [SIZE] * 3
    assert [image.getpixel((0, 0))[0] for image in first.images] == [9, 200]
    assert first.text == OWN.edit.replace(PLACE, "make it a")
    assert second.text == OWN.look
    assert first.text_first
    run(GEdit(data=data, judge=witness(say), text_first=False), editor, tmp_path / "run")
    assert not asked[-1].text_first


def test_official_questions_come_from_the_benchmark(data, rubric, editor, tmp_path, witness):
    asked = []
    judge = witness(lambda question: asked.append(question.text) or told(5, 5))
    for mode in ("official", "fixed"):
        run(GEdit(data=data, judge=judge, rubric=rubric, mode=mode), editor, tmp_path / "run")
        # The other mode asks nothing again.
        assert len(asked) == 6
    assert asked[:2] == ["You judge.\nTwo.\nEdit: make it a", "You judge.\nOne."]


def test_more_fewer_and_larger_numbers_count_officially(
    data, rubric, editor, tmp_path, rows, witness
):
    judge = saying(witness, {"a": (4,), "b": (40, 90), "c": (5, 8)})
    settings = {"data": data, "judge": judge, "rubric": rubric}
    official = rows(run(GEdit(**settings, mode="official"), editor, tmp_path / "run"))
    assert official["color_alter"] == pytest.approx((sqrt(40) + sqrt(400)) / 2)
    fixed = rows(run(GEdit(**settings), editor, tmp_path / "run"))
    assert fixed["color_alter"] == 0
    assert fixed["style_change"] == official["style_change"] == pytest.approx(sqrt(50))


def test_what_cannot_be_read_is_asked_again_and_then_drawn_or_left_out(
    data, rubric, editor, tmp_path, rows, witness
):
    said = {"a": "A fine hat.", "b": '{"score": [4, "}', "c": Answer(None, trouble="unsafe")}
    settings = {"data": data, "judge": saying(witness, said), "rubric": rubric}
    result = run(GEdit(**settings), editor, tmp_path / "run")
    assert rows(result)["overall"] == 0
    assert result["answers"] == {"read": 3, "unreadable": 2, "refused": 1, "asked again": 2}
    for _ in range(2):
        result = run(GEdit(**settings, mode="official"), editor, tmp_path / "run")
        lines = (tmp_path / "run" / "items.jsonl").read_text().splitlines()
        first, second, third = map(json.loads, lines)
        # The same is drawn each time, a refusal being a text without words.
        assert first["value"] == pytest.approx(sqrt(10 * first["details"]["semantics"]))
        assert first["details"]["semantics"] in range(11)
        assert third["details"]["unread"] == 1
        assert second["value"] is None
        assert "again without end" in second["reason"]
        assert result["table"]["rows"][0]["count"] == 1


def test_missing_pictures_are_left_out_or_worth_nothing(
    data, rubric, painter, tmp_path, rows, witness
):
    half = painter(lambda ask: Image.new("RGB", SIZE) if ask.prompt != "make it a" else "no lamp")
    judge = saying(witness, {"b": (8, 8), "c": (8, 8)}, look=(8, 8))
    settings = {"data": data, "judge": judge, "rubric": rubric}
    official = rows(run(GEdit(**settings, mode="official"), half, tmp_path / "run"))
    assert (official["color_alter"], official["overall"], official["intersection"]) == (8, 8, 8)
    fixed = rows(run(GEdit(**settings), half, tmp_path / "run"))
    assert (fixed["color_alter"], fixed["overall"], fixed["intersection"]) == (4, 6, 4)
    assert (fixed["overall, semantics"], fixed["overall, quality"]) == (6, 6)


def test_parquet_files_of_the_hub_are_read_as_they_are(tmp_path, witness):
    picture = io.BytesIO()
    Image.new("RGB", SIZE, (1, 2, 3)).save(picture, format="PNG")
    cell = {"bytes": picture.getvalue(), "path": "a.png"}
    table = pa.Table.from_pylist([{**row, "input_image": cell, "other": 1} for row in EDITS])
    parquet.write_table(table, tmp_path / "train-00000.parquet")
    asks = GEdit(data=tmp_path, judge=witness(str)).asks()
    assert [ask.id for ask in asks] == [
        "color_alter/en/a", "color_alter/en/b", "style_change/en/c"
    ]  # fmt: skip
    assert [ask.data["intersection"] for ask in asks] == [True, False, True]
    with Image.open(asks[0].sources[0]) as source:
        assert (source.size, source.getpixel((0, 0))) == (SIZE, (1, 2, 3))
    chinese = GEdit(data=tmp_path / "train-00000.parquet", judge=witness(str), language="zh").asks()
    assert [(ask.id, ask.language) for ask in chinese] == [("color_alter/cn/a", "zh")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_benchmark_has_as_many_edits_of_each_group(language, records, witness):
    folder = records("gedit")
    if not list(folder.rglob("*.parquet")):
        pytest.skip(
            "no parquet files of gedit here; they are on the hub, as stepfun-ai/GEdit-Bench"
        )
    asks = GEdit(data=folder, judge=witness(str), language=language).asks()
    assert Counter(ask.category for ask in asks) == {
        "background_change": 40, "color_alter": 40, "material_alter": 40, "motion_change": 40,
        "ps_human": 70, "style_change": 60, "subject-add": 60, "subject-remove": 57,
        "subject-replace": 60, "text_change": 99, "tone_transfer": 40,
    }  # fmt: skip


def test_what_is_not_the_data_set_is_refused(tmp_path, listed, witness):
    def asks(data, **settings):
        return GEdit(data=data, judge=witness(str), **settings).asks()

    with pytest.raises(SourceError, match=r"must hold parquet files, got none in"):
        asks(tmp_path)
    (tmp_path / "bad.parquet").write_bytes(b"PAR0")
    with pytest.raises(SourceError, match=r"must be parquet files, got .*bad.parquet"):
        asks(tmp_path)
    for row, said in (
        ({"key": "a"}, r"bad.parquet must have the column 'Intersection_exist', got key"),
        ({**EDITS[0], "input_image": 3}, r"rows of bad.parquet must hold pictures, got '3'"),
        ({**EDITS[0], "input_image": b"GIF?"}, r"must hold pictures, got \"b'GIF\?'\""),
    ):
        parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "bad.parquet")
        with pytest.raises(SourceError, match=said):
            asks(tmp_path)
    with pytest.raises(SourceError, match=r"lines of data.jsonl must have a task_type, got"):
        asks(listed({"input_image": "a.png"}))
    with pytest.raises(SourceError, match=r"must have instructions in cn, got none in"):
        asks(listed(EDITS[0]), language="zh")


def test_official_rules_need_the_official_questions(data, witness):
    with pytest.raises(RecipeError, match=r"vie_prompts.py where mode is official, got none; say"):
        GEdit(data=data, judge=witness(str), mode="official")
