"""Checklists of twelve dimensions, and answers that are read by their letters."""

import json
from collections import Counter

import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks.corebench import DIMENSIONS, CoReBench
from danqing.evaluation.harness import run
from danqing.scorers.chat import Answer

SCRIPT = 'TEMPLATE = """\nLook closely.\n**Ambiguity equals no.**\n"""\n'


def prompt(text, *questions):
    return {"Prompt": text, "Checklist": [{"question": question} for question in questions]}


@pytest.fixture
def folder(tmp_path):
    """Return a folder like the benchmark's repository: a prompt a dimension, one more in two."""
    place = tmp_path / "T2I-CoReBench"
    (place / "data").mkdir(parents=True)
    for name in DIMENSIONS:
        told = {f"{name}-001": prompt(f"{name} one", "a:yes", "b:no")}
        if name in ("C-MI", "R-RR"):
            told[f"{name}-002"] = prompt(f"{name} two", "a:yes")
        (place / "data" / f"{name}.json").write_text(json.dumps(told))
    (place / "evaluate.py").write_text(SCRIPT)
    return place


@pytest.fixture
def parrot(witness):
    """Answers with what follows the colon of a question."""
    return witness(lambda question: question.text.rpartition(":")[2].rstrip('"'))


@pytest.fixture
def red(painter):
    return painter(lambda ask: Image.new("RGB", (2, 2)))


@pytest.mark.parametrize("mode", ["official", "fixed"])
def test_pictures_then_dimensions_weigh_the_same(folder, parrot, tmp_path, red, rows, mode):
    benchmark = CoReBench(folder=folder, judge=parrot, seeds=1, mode=mode)
    found = rows(run(benchmark, red, tmp_path / "out"))
    assert (found["C-MI"], found["C-MA"]) == (75, 50)
    assert found["composition"] == pytest.approx((75 + 3 * 50) / 4)
    assert found["reasoning"] == pytest.approx((75 + 7 * 50) / 8)
    assert found["overall"] == pytest.approx((2 * 75 + 10 * 50) / 12)


def said(*words):
    return {"answers": [{"text": word, "fate": "read", "tries": 1} for word in words]}


def scored(folder, judge, *words):
    """Return the scores of one picture by both modes."""
    told = {"folder": folder, "judge": judge}
    ask = CoReBench(**told).asks()[0]
    return [
        CoReBench(**told, mode=mode).score(ask, [said(*words)])[0] for mode in ("official", "fixed")
    ]


@pytest.mark.parametrize(
    ("word", "official", "fixed"),
    [
        ("yes", 1, 1),
        ("no", 0.5, 0.5),
        # Capitals are not seen, and what is not seen is left out.
        ("No.", 1, 0.5),
        ("Yes, there is.", 1, 1),
        ("no, but one could say yes", 1, 0.5),
        ("<think>yes or no?</think>\n\nno", 0.5, 0.5),
        ("a riddle", 1, 0.5),
        ("", 1, 0.5),
    ],
)
def test_officially_small_letters_anywhere_count(folder, parrot, word, official, fixed):
    scores = scored(folder, parrot, "yes", word)
    assert [score.value for score in scores] == [official, fixed]


def test_officially_a_picture_without_answers_is_left_out(folder, parrot):
    official, fixed = scored(folder, parrot, "Yes", "NO")
    assert (official.value, official.reason) == (None, "no question has an answer")
    assert fixed.value == 0.5
    official, fixed = scored(folder, parrot, "yes", "hm")
    assert official.details["unread"] == fixed.details["unread"] == 1
    assert official.details["questions"] == 1


def test_what_is_empty_is_asked_again_and_refusals_are_counted(folder, witness, tmp_path, red):
    said_ = {"a:yes": ["", "", "yes"], "b:no": ["", "", "", "never"]}
    words = {
        f'Prompt: "{name} {number}"\nQuestion: "{question}"': list(answers)
        for name in DIMENSIONS
        for number in ("one", "two")
        for question, answers in said_.items()
    }
    judge = witness(lambda question: words[question.text].pop(0))
    result = run(CoReBench(folder=folder, judge=judge, seeds=1), red, tmp_path / "out")
    assert result["answers"] == {"read": 14, "unreadable": 12, "asked again": 14 * 2 + 12 * 2}
    shy = witness(lambda question: Answer(None, trouble="not this one"))
    for mode, score in (("official", None), ("fixed", 0)):
        benchmark = CoReBench(folder=folder, judge=shy, seeds=1, mode=mode)
        refused = run(benchmark, red, tmp_path / "shy")
        assert refused["answers"] == {"refused": 26}
        assert refused["table"]["rows"][-1]["score"] == score


def test_a_missing_picture_counts_as_the_mode_says(folder, parrot, tmp_path, painter, rows):
    half = painter(lambda ask: "no lamp" if ask.id == "C-MI-002" else Image.new("RGB", (2, 2)))
    told = {"folder": folder, "judge": parrot, "seeds": 1}
    assert rows(run(CoReBench(**told), half, tmp_path / "out"))["C-MI"] == 25
    official = CoReBench(**told, mode="official")
    assert rows(run(official, half, tmp_path / "out"))["C-MI"] == 50


def test_the_judge_is_told_the_benchmarks_own_rules(folder, witness):
    heard = []
    benchmark = CoReBench(folder=folder, judge=witness(lambda q: heard.append(q) or "yes"))
    before = benchmark.asks()[0]
    benchmark.look(before, Image.new("RGB", (2, 2)))
    assert heard[0].system == "\nLook closely.\n**Ambiguity equals no.**\n"
    assert heard[0].text == 'Prompt: "C-MI one"\nQuestion: "a:yes"'
    assert heard[0].lossless
    (folder / "evaluate.py").write_text(SCRIPT.replace("closely", "away"))
    # Other rules are another ask, so that nothing that was seen by these is taken for theirs.
    assert CoReBench(folder=folder, judge=benchmark.judge).asks()[0] != before
    (folder / "evaluate.py").unlink()
    with pytest.raises(SourceError, match=r"must have one evaluate\.py in it, got 0"):
        CoReBench(folder=folder, judge=benchmark.judge).asks()


def test_prompts_of_another_kind_are_refused(folder, parrot):
    for bad in ({"Prompt": "y"}, prompt("y")):
        (folder / "data" / "C-MI.json").write_text(json.dumps({"x": bad}))
        with pytest.raises(SourceError, match="must have a Prompt and a Checklist, got"):
            CoReBench(folder=folder, judge=parrot).asks()


def test_the_benchmarks_own_prompts(cloned, parrot):
    asks = CoReBench(folder=cloned("t2i_corebench", "evaluate.py", SCRIPT), judge=parrot).asks()
    assert Counter(ask.category for ask in asks) == dict.fromkeys(DIMENSIONS, 90)
    assert sum(len(ask.data["questions"]) for ask in asks) == 13536
    assert {len(ask.seeds) for ask in asks} == {4}
