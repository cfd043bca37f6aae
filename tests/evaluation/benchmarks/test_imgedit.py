"""Edits rated by rubrics, and the numbers that count of an answer."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmark import Ask
from danqing.evaluation.benchmarks.imgedit import ImgEdit
from danqing.evaluation.harness import run
from danqing.scorers.chat import Answer, Endpoint

NAMES = ("Compliance", "Seamlessness", "Physics & Detail")
RUBRIC = (
    "Rate {kind}.\n"
    + "".join(f"{name}: A number from 1 to 5.\n" for name in NAMES)
    + "The edit: <edit_prompt>."
)
EDITS = {
    "7": {"id": "cats/7.jpg", "prompt": "seven", "edit_type": "add"},
    "3": {"id": "cats/7.jpg", "prompt": "three", "edit_type": "add"},
    "5": {"id": "cats/7.jpg", "prompt": "five", "edit_type": "style"},
}
GRADES = st.integers(1, 5)
EYES = Endpoint(url="http://localhost:1/v1/chat/completions", model="eyes")


@pytest.fixture
def settings(tmp_path):
    """Write a benchmark of three edits; return where it is."""
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (6, 4), (9, 9, 9)).save(tmp_path / "cats" / "7.jpg")
    rubrics = {kind: RUBRIC.replace("{kind}", kind) for kind in ("add", "style")}
    (tmp_path / "edits.json").write_text(json.dumps(EDITS))
    (tmp_path / "prompts.json").write_text(json.dumps(rubrics))
    return {
        "data": tmp_path / "edits.json",
        "rubrics": tmp_path / "prompts.json",
        "images": tmp_path,
    }


@pytest.fixture
def editor(painter):
    return painter(lambda ask: Image.new("RGB", (12, 8), (200, 200, 200)))


def told(*numbers):
    lines = [f"{name}: {number}" for name, number in zip(NAMES, numbers, strict=True)]
    return "\n".join(["Brief reasoning: a hat.", *lines])


def saying(witness, said):
    return witness(
        lambda question: next(text for word, text in said.items() if f" {word}." in question.text)
    )


def test_types_weigh_the_same(settings, editor, tmp_path, rows, witness):
    said = {"seven": told(5, 4, 4), "three": told(1, 1, 1), "five": told(3, 3, 2)}
    judge = saying(witness, said)
    fixed = rows(run(ImgEdit(**settings, judge=judge), editor, tmp_path / "run"))
    assert fixed == pytest.approx({"add": (13 / 3 + 1) / 2, "style": 8 / 3, "overall": 8 / 3})
    official = ImgEdit(**settings, judge=judge, mode="official")
    found = rows(run(official, editor, tmp_path / "run"))
    # Each edit is rounded before the mean is taken.
    assert found == pytest.approx({"add": (4.33 + 1) / 2, "style": 2.67, "overall": 2.6675})


def test_the_judge_has_the_rubric_then_both_pictures(settings, editor, tmp_path, witness):
    asked = []
    judge = witness(lambda question: asked.append(question) or told(3, 3, 3))
    for mode in ("official", "fixed"):
        run(ImgEdit(**settings, judge=judge, mode=mode), editor, tmp_path / "run")
        assert len(asked) == 3
    assert asked[2].text == RUBRIC.replace("{kind}", "style").replace("<edit_prompt>", "five")
    assert [image.size for image in asked[0].images] == [(6, 4), (12, 8)]
    assert asked[0].text_first
    # Another rubric is asked about anew.
    text = settings["rubrics"].read_text().replace("Rate", "Grade")
    settings["rubrics"].write_text(text)
    run(ImgEdit(**settings, judge=judge), editor, tmp_path / "run")
    assert len(asked) == 6


@given(st.tuples(GRADES, GRADES, GRADES))
def test_no_number_counts_more_than_the_first(numbers):
    ask = Ask(id="7", prompt="", category="add", data={"rated": list(NAMES)})
    seen = [{"answers": [{"text": told(*numbers), "fate": "read", "tries": 1}]}]
    nowhere = {"data": Path(), "rubrics": Path(), "images": Path(), "judge": EYES}
    scores = {
        mode: ImgEdit(**nowhere, mode=mode).score(ask, seen)[0].value
        for mode in ("official", "fixed")
    }
    assert scores["official"] == round(sum(numbers) / 3, 2)
    assert scores["fixed"] == pytest.approx(sum(min(n, numbers[0]) for n in numbers) / 3)
    assert 1 <= scores["fixed"] <= numbers[0]


@pytest.mark.parametrize(
    ("said", "official", "fixed"),
    [
        ("Compliance: 4\nnote: 1", 2.5, 1),
        (told(4, 4, 4) + "\nObjects seen: 12", 6, 4),
        (told(9, 5, 4), 6, 1),
        ("**Compliance:** 4\n**Seamlessness:** 3\n**Physics & Detail:** 2", None, 3),
        (told("4/5", "4/5", "1/5"), None, 3),
        ("I would give it four.", None, 1),
        (Answer(None, trouble="unsafe"), None, 1),
    ],
)
def test_numbers_of_answers(said, official, fixed, settings, editor, tmp_path, rows, witness):
    said = {"seven": said, "three": told(2, 2, 2), "five": told(2, 2, 2)}
    judge = saying(witness, said)
    found = run(ImgEdit(**settings, judge=judge), editor, tmp_path / "run")
    assert rows(found)["add"] == (fixed + 2) / 2
    found = run(ImgEdit(**settings, judge=judge, mode="official"), editor, tmp_path / "run")
    assert rows(found)["add"] == (2 if official is None else (official + 2) / 2)
    assert found["table"]["rows"][0]["count"] == (1 if official is None else 2)


def test_what_is_unreadable_is_asked_again_once_and_counted(settings, editor, tmp_path, witness):
    said = {"seven": "four", "three": told(2, 2, 2), "five": Answer(None, trouble="unsafe")}
    found = run(ImgEdit(**settings, judge=saying(witness, said)), editor, tmp_path / "run")
    assert found["answers"] == {"read": 1, "unreadable": 1, "refused": 1, "asked again": 1}


def test_missing_pictures_are_left_out_or_the_worst(settings, painter, tmp_path, rows, witness):
    half = painter(lambda ask: Image.new("RGB", (6, 4)) if ask.id != "7" else "no lamp")
    judge = witness(lambda question: told(4, 4, 4))
    official = ImgEdit(**settings, judge=judge, mode="official")
    assert rows(run(official, half, tmp_path / "run"))["add"] == 4
    assert rows(run(ImgEdit(**settings, judge=judge), half, tmp_path / "run"))["add"] == 2.5


def test_the_benchmark_has_as_many_edits_of_each_type(records, witness):
    folder = records("imgedit")
    asks = ImgEdit(
        data=folder / "basic_edit.json",
        rubrics=folder / "judge_rubrics.json",
        images=folder,
        judge=witness(str),
    ).asks()
    assert Counter(ask.category for ask in asks) == {
        "extract": 117, "style": 100, "add": 95, "adjust": 94, "background": 94,
        "replace": 92, "remove": 86, "action": 36, "compose": 23,
    }  # fmt: skip
    assert len({ask.id for ask in asks}) == 737
    assert asks[0].data["rated"][0] == "Prompt Compliance"
    assert asks[0].sources[0].relative_to(folder).as_posix().endswith(".jpg")


def test_what_is_not_the_benchmark_is_refused(settings, tmp_path, witness):
    def asks(**changed):
        return ImgEdit(**{**settings, **changed}, judge=witness(str)).asks()

    with pytest.raises(SourceError, match=r"must be a file with a JSON object, got .*none.json"):
        asks(data=tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(SourceError, match=r"must be a file with a JSON object, got .*bad.json"):
        asks(rubrics=tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text(json.dumps({"add": "Rate it."}))
    with pytest.raises(SourceError, match=r"must name 3 numbers from 1 to 5 each, got .*'add': 0"):
        asks(rubrics=tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text(json.dumps({"1": {"id": "a", "edit_type": "add"}}))
    with pytest.raises(SourceError, match=r"edits must have an id, .*got none for 'prompt'; check"):
        asks(data=tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text(json.dumps({"1": {**EDITS["3"], "edit_type": "crop"}}))
    with pytest.raises(SourceError, match=r"edits must have .*got none for 'crop'; check"):
        asks(data=tmp_path / "bad.json")
