"""Lines of yes and no, right by the benchmark's list, and means of means of kinds."""

import json
from collections import Counter

import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks.tiif import SYSTEM, Tiif
from danqing.evaluation.harness import run
from danqing.evaluation.tiif import GROUPS
from danqing.scorers.chat import Answer

SCRIPT = "raw_prompt = '''Look.\n##YNQuestions##\n'''\nraw_prompt_1 = '''See.\n##YNQuestions##'''\n"
KINDS = [kind for kinds in GROUPS.values() for kind in kinds]


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def asked(*pairs):
    questions, answers = zip(*pairs, strict=True)
    return {"yn_question_list": questions, "yn_answer_list": answers}


@pytest.fixture
def folder(tmp_path):
    """Return a folder like the benchmark's repository: a prompt a kind, but two of `negation`."""
    place = tmp_path / "TIIF-Bench"
    for name in ("data/testmini_prompts", "data/testmini_eval_prompts", "eval"):
        (place / name).mkdir(parents=True)
    one = asked(("a cat? ", "yes"), ("a dog?", "Yes"))
    for kind in KINDS:
        prompts = [{"short_description": f"{kind} short", "long_description": f"{kind} long"}]
        questions = [one]
        if kind == "negation":
            prompts *= 2
            questions = [asked(("a hat?", "no")), asked(*[("a bat?", "yes")] * 3)]
        lines(place / "data" / "testmini_prompts" / f"{kind}_prompts.jsonl", *prompts)
        lines(place / "data" / "testmini_eval_prompts" / f"{kind}_eval_prompts.jsonl", *questions)
    (place / "eval" / "eval_with_vlm.py").write_text(SCRIPT)
    return place


@pytest.fixture
def painter_of_all(painter):
    return painter(lambda ask: Image.new("RGB", (2, 2)))


@pytest.fixture
def dogless(witness):
    """Sees everything but dogs."""
    return witness(
        lambda question: "\n".join(
            "No, none." if "dog" in line else "yes, there"
            for line in question.text.splitlines()
            if line.endswith("?")
        )
    )


@pytest.mark.parametrize("mode", ["official", "fixed"])
def test_kinds_pool_questions_and_groups_weigh_the_same(
    folder, dogless, tmp_path, painter_of_all, rows, mode
):
    benchmark = Tiif(folder=folder, judge=dogless, mode=mode)
    result = run(benchmark, painter_of_all, tmp_path / "out")
    found = rows(result)
    # Of negation's four questions the three about bats are right.
    reasoning = (3 * 0.5 + 0.75) / 4
    for length in ("short", "long"):
        assert found[f"attribute, {length}"] == found[f"text, {length}"] == 0.5
        assert found[f"reasoning, {length}"] == pytest.approx(reasoning)
        assert found[f"basic, {length}"] == pytest.approx((11 * 0.5 + 0.75) / 12)
        assert found[f"advanced, {length}"] == found[f"real world, {length}"] == 0.5
        assert found[f"overall, {length}"] == pytest.approx((8 * 0.5 + reasoning) / 9)
    assert len(found) == 24
    row = next(row for row in result["table"]["rows"] if row["name"] == "overall, short")
    assert row["count"] == 40
    low, high = row["interval"]
    # Some draws have no picture of a kind; it is left out of its group's mean then.
    assert 0.45 < low <= row["score"] <= high < 0.6


def test_a_right_answer_may_be_no(folder, dogless):
    benchmark = Tiif(folder=folder, judge=dogless)
    ask = next(ask for ask in benchmark.asks() if ask.id == "negation/0/short")
    for text, value in (("No.", 1), ("yes", 0)):
        seen = {"answers": [{"text": text, "fate": "read", "tries": 1}]}
        (score,) = benchmark.score(ask, [seen])
        assert score.value == value
    assert score.reason == "not so: a hat?"


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("yes, a cat\nno dog", 0.5, 0.5),
        ("Here you are:\nYES\n\nYes - two", 1, 1),
        ("1. Yes\n2. No", None, 0.5),
        ("**Yes**\n**Yes**", None, 1),
        ("yes", None, 0),
        ("yes\nno\nno", None, 0),
        ("", None, 0),
    ],
)
def test_lines_are_read(folder, dogless, text, official, fixed):
    for mode, value in (("official", official), ("fixed", fixed)):
        benchmark = Tiif(folder=folder, judge=dogless, mode=mode)
        seen = {"answers": [{"text": text, "fate": "read", "tries": 1}]}
        (score,) = benchmark.score(benchmark.asks()[0], [seen])
        assert score.value == value
    assert score.details["questions"] == 2


def test_a_wrong_count_is_asked_for_three_times(folder, witness):
    words = ["yes", "1. yes\n2. no", "yes\nno", "no\nno"]
    benchmark = Tiif(folder=folder, judge=witness(lambda question: words.pop(0)))
    (answer,) = benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))["answers"]
    assert (answer["text"], answer["tries"]) == ("yes\nno", 3)


def test_missing_and_refused_pictures_count_as_the_mode_says(
    folder, dogless, witness, tmp_path, painter, painter_of_all, rows
):
    none = painter(
        lambda ask: "no lamp" if ask.data["kind"] == "style" else Image.new("RGB", (2, 2))
    )
    told = {"folder": folder, "judge": dogless}
    assert rows(run(Tiif(**told), none, tmp_path / "out"))["style, short"] == 0
    official = rows(run(Tiif(**told, mode="official"), none, tmp_path / "out"))
    assert official["style, short"] is None
    # What is left out leaves eight groups.
    assert official["overall, short"] == pytest.approx((7 * 0.5 + (3 * 0.5 + 0.75) / 4) / 8)
    shy = witness(lambda question: Answer(None, trouble="not this one"))
    for mode, score in (("official", None), ("fixed", 0)):
        refused = run(Tiif(folder=folder, judge=shy, mode=mode), painter_of_all, tmp_path / "shy")
        assert rows(refused)["overall, long"] == score
        assert refused["answers"] == {"refused": 80}


def test_the_judge_is_asked_everything_at_once_by_the_first_template(folder, witness):
    heard = []
    benchmark = Tiif(folder=folder, judge=witness(lambda q: heard.append(q) or "yes\nyes"))
    benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))
    (question,) = heard
    assert question.text == "Look.\na cat?\na dog?\n"
    assert (question.system, question.text_first, question.lossless) == (SYSTEM, True, True)


def test_files_that_do_not_fit_are_refused(folder, dogless):
    path = folder / "data" / "testmini_eval_prompts" / "style_eval_prompts.jsonl"
    none, one = {"yn_question_list": [], "yn_answer_list": []}, {"yn_question_list": ["?"]}
    for bad in ([], [asked(("?", "maybe"))], [none], [one], [none | one]):
        lines(path, *bad)
        with pytest.raises(SourceError, match="prompts of style must be short and long"):
            Tiif(folder=folder, judge=dogless).asks()
    with pytest.raises(SourceError, match="must have one test_prompts in it, got 0"):
        Tiif(folder=folder, judge=dogless, split="test").asks()


@pytest.mark.parametrize(
    ("split", "prompts", "questions", "no"),
    [("testmini", 277, 1446, 34), ("test", 2538, 12160, 329)],
)
def test_the_benchmarks_own_prompts(cloned, dogless, split, prompts, questions, no):
    folder = cloned("tiif", "eval_with_vlm.py", SCRIPT)
    asks = Tiif(folder=folder, judge=dogless, split=split).asks()
    assert len({ask.data["kind"] for ask in asks}) == 39
    for length in ("short", "long"):
        mine = [ask for ask in asks if ask.data["length"] == length]
        assert len(mine) == prompts
        assert sum(len(ask.data["questions"]) for ask in mine) == questions
        right = Counter(answer for ask in mine for answer in ask.data["answers"])
        assert right[False] == no
