"""Chances of right answers, their two means, and what the script believes of first tokens."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.asking import places
from danqing.evaluation.benchmark import Ask
from danqing.evaluation.benchmarks.geneval2 import GenEval2
from danqing.evaluation.harness import run
from danqing.scorers.chat import Answer, Endpoint, Place

LINES = [
    {"prompt": "seven cows", "atom_count": 3, "skills": ["count", "object"],
     "vqa_list": [["How many cows?", "seven"], ["Any cows?", "Yes"]]},
    {"prompt": "a red cow", "atom_count": 4, "skills": ["attribute"],
     "vqa_list": [["Is it red?", "Yes"]]},
]  # fmt: skip
NOBODY = Endpoint(url="http://localhost:1/v1/chat/completions", model="nobody")


def at(token, **likely):
    return Place(token, {text.replace("_", " "): math.log(p) for text, p in likely.items()})


def said(*found, text="x"):
    return Answer(None, text, places=found)


SURE = {
    "How many cows?": said(at("seven", seven=0.5, Seven=0.2, _seven=0.1, eight=0.2)),
    "Any cows?": said(at("Yes", Yes=0.1, yes=0.1, No=0.8)),
    "Is it red?": said(at("Yes", Yes=0.75, _Yes=0.25)),
}


@pytest.fixture
def judge(witness):
    return witness(lambda question: SURE[question.text.removesuffix(" Answer in one word.")])


@pytest.fixture
def red(painter):
    return painter(lambda ask: Image.new("RGB", (2, 2)))


def test_am_is_of_atoms_and_gm_of_prompts(listed, judge, tmp_path, red, rows):
    for mode in ("official", "fixed"):
        result = run(GenEval2(data=listed(*LINES), judge=judge, mode=mode), red, tmp_path / "out")
        assert rows(result) == pytest.approx(
            {
                "attribute": 100,
                "count": 80,
                "object": 20,
                "atomicity 3": 40,
                "atomicity 4": 100,
                "Soft-TIFA AM": 75,
                "Soft-TIFA GM": 70,
            }
        )
        assert result["table"]["headline"] == "Soft-TIFA GM"


def test_both_modes_need_one_look(listed, judge, tmp_path, red, witness):
    told = {"data": listed(*LINES), "judge": judge}
    first = run(GenEval2(**told), red, tmp_path)
    lines = (tmp_path / "seen.jsonl").read_text()
    run(GenEval2(**told, mode="official"), red, tmp_path)
    assert (tmp_path / "seen.jsonl").read_text() == lines
    assert first["answers"] == {"read": 3}


def test_officially_first_tokens_are_believed(listed, witness):
    digits = said(at(" ", **{"_": 0.6, "seven": 0.4}), at("8", **{"8": 0.9, "7": 0.1}))

    @dataclass(frozen=True)
    class Splitting(type(witness(str))):
        """Tells, as `transformers` does, what its network's tokens are."""

        def first_token(self, text):
            return " " if text == " 7" else text

    judge = Splitting(model=witness(lambda question: digits).model)
    benchmark = GenEval2(data=listed(LINES[0] | {"vqa_list": LINES[0]["vqa_list"][:1],
                                                 "skills": ["count"]}), judge=judge)  # fmt: skip
    (ask,) = benchmark.asks()
    seen = benchmark.look(ask, Image.new("RGB", (2, 2)))
    official = GenEval2(data=benchmark.data, judge=judge, mode="official")
    # The script takes the space for " 7"; what was written is " 8".
    assert official.score(ask, [seen])[0].value == pytest.approx(1.0)
    assert benchmark.score(ask, [seen])[0].value == pytest.approx(0.4 + 0.6 * 0.1)
    # Of an endpoint's network nothing is known.
    assert official.score(ask, [seen | {"first": {}}])[0].value == pytest.approx(0.4)


def test_what_is_not_told_is_unsure(listed, witness):
    judge = witness(lambda question: said(at("Yes", Yes=0.7)))
    benchmark = GenEval2(data=listed(LINES[1]), judge=judge)
    (ask,) = benchmark.asks()
    (score,) = benchmark.score(ask, [benchmark.look(ask, Image.new("RGB", (2, 2)))])
    assert score.value == pytest.approx(0.7)
    assert score.details["unsure"] == pytest.approx(0.3)
    assert score.reason == "least sure of: Is it red? (0.70)"


def test_a_judge_without_log_probabilities_is_refused(listed, witness):
    benchmark = GenEval2(data=listed(*LINES), judge=witness(lambda question: "Yes"))
    with pytest.raises(RecipeError, match="judge must tell log-probabilities, got none from"):
        benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))


@pytest.mark.parametrize("mode", ["official", "fixed"])
def test_a_refusal_has_no_chance(listed, witness, tmp_path, red, rows, mode):
    judge = witness(lambda question: Answer(None, trouble="not this one"))
    result = run(GenEval2(data=listed(*LINES), judge=judge, mode=mode), red, tmp_path)
    assert rows(result)["Soft-TIFA GM"] == 0
    assert result["answers"] == {"refused": 3}


def test_a_missing_picture_counts_as_the_mode_says(listed, judge, tmp_path, painter, rows):
    one = painter(lambda ask: Image.new("RGB", (2, 2)) if ask.id == "00001" else "no lamp")
    told = {"data": listed(*LINES), "judge": judge}
    fixed = rows(run(GenEval2(**told), one, tmp_path / "out"))
    assert (fixed["Soft-TIFA GM"], fixed["Soft-TIFA AM"], fixed["count"]) == (50, 50, 0)
    official = rows(run(GenEval2(**told, mode="official"), one, tmp_path / "out"))
    assert (official["Soft-TIFA GM"], official["Soft-TIFA AM"]) == (100, 100)
    assert official["count"] is None


def test_the_script_is_asked_with_and_tokens_are_wanted(listed, witness):
    heard = []
    benchmark = GenEval2(
        data=listed(LINES[1]), judge=witness(lambda q: heard.append(q) or SURE["Is it red?"])
    )
    seen = benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))
    assert (heard[0].text, heard[0].top) == ("Is it red? Answer in one word.", 20)
    assert heard[0].lossless
    assert places(seen["answers"][0]) == list(SURE["Is it red?"].places)


@given(
    st.lists(st.floats(0.001, 1), min_size=1, max_size=6), st.sampled_from(["official", "fixed"])
)
def test_the_geometric_mean_is_never_the_larger(shares, mode):
    benchmark = GenEval2(data=Path(), judge=NOBODY, mode=mode)
    count = len(shares)
    told = {"questions": ["?"] * count, "answers": ["yes"] * count, "skills": ["object"] * count}
    answers = [
        {"text": "x", "places": [{"token": "Yes", "likely": {"Yes": math.log(p)}}]} for p in shares
    ]
    ask = Ask(id="", prompt="", category="", data=told)
    (score,) = benchmark.score(ask, [{"answers": answers, "first": {}}])
    assert score.details["chances"] == pytest.approx(shares)
    assert score.value <= score.details["AM"] + 1e-12
    assert score.value == pytest.approx(math.exp(math.fsum(map(math.log, shares)) / count))


def test_lines_of_another_kind_are_refused(listed, judge):
    for bad in ({"prompt": "x"}, LINES[0] | {"skills": ["count"]}, LINES[0] | {"vqa_list": []}):
        with pytest.raises(SourceError, match="lines must have a prompt, atom_count, and skills"):
            GenEval2(data=listed(bad), judge=judge).asks()


def test_the_benchmarks_own_prompts(records, judge):
    asks = GenEval2(data=records("geneval2") / "geneval2_data.jsonl", judge=judge).asks()
    assert Counter(ask.category for ask in asks) == {f"atomicity {n}": 100 for n in range(3, 11)}
    skills = Counter(skill for ask in asks for skill in ask.data["skills"])
    assert skills == {
        "count": 2025, "object": 2025, "attribute": 1214, "position": 662, "verb": 86
    }  # fmt: skip
    assert {len(ask.seeds) for ask in asks} == {1}
