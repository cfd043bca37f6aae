"""One question a picture, whose answer is 1 or 0, and weights that are shares of prompts."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmark import Ask, Item
from danqing.evaluation.benchmarks.wise import CATEGORIES, FILES, SYSTEM, Wise
from danqing.evaluation.harness import run
from danqing.scorers.base import Score
from danqing.scorers.chat import Answer, Endpoint

SCRIPT = '''
def messages(prompt_data):
    return f"""Be strict.
PROMPT: "{prompt_data['Prompt']}"
EXPLANATION: "{prompt_data['Explanation']}"
"""
'''
SIZES = {"Cultural knowledge": 4, "time": 1, "Space": 1, "Biology": 1, "Physical Knowledge": 1,
         "Chemistry": 1}  # fmt: skip
NOBODYS = Wise(
    folder=Path(), judge=Endpoint(url="http://localhost:1/v1/chat/completions", model="nobody")
)


@pytest.fixture
def folder(tmp_path):
    """Return a folder like the benchmark's repository; each explanation is the answer."""
    place = tmp_path / "WISE"
    (place / "data_verified").mkdir(parents=True)
    kinds = [kind for kind, size in SIZES.items() for _ in range(size)]
    records = [
        {"prompt_id": n, "Prompt": f"p{n}", "Category": kind, "Explanation": f"Score: {n % 2}"}
        for n, kind in enumerate(kinds, 1)
    ]
    for name, some in zip(FILES, (records[:4], records[4:6], records[6:]), strict=True):
        (place / "data_verified" / f"{name}_verified.json").write_text(json.dumps(some))
    (place / "vllm_eval.py").write_text(SCRIPT)
    return place


@pytest.fixture
def parrot(witness):
    """Answers with the explanation."""
    return witness(lambda question: question.text.split('EXPLANATION: "')[1].split('"')[0])


@pytest.mark.parametrize("mode", ["official", "fixed"])
def test_scores_are_shares_of_right_pictures(folder, parrot, tmp_path, painter, rows, mode):
    red = painter(lambda ask: Image.new("RGB", (2, 2)))
    found = rows(run(Wise(folder=folder, judge=parrot, mode=mode), red, tmp_path / "out"))
    assert found == {
        "culture": 0.5, "time": 1, "space": 0, "biology": 1, "physics": 0, "chemistry": 1,
        "overall": pytest.approx(5 / 9),
    }  # fmt: skip


def both(folder, judge, text):
    told = {"folder": folder, "judge": judge}
    ask = Wise(**told).asks()[0]
    seen = {"answers": [{"text": text, "fate": "read", "tries": 1}]}
    return [Wise(**told, mode=mode).score(ask, [seen])[0].value for mode in ("official", "fixed")]


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("Score: 1", 1, 1),
        ("**score**: 0.", 0, 0),
        ("**Score:** 1", None, 1),
        ("It is a mooncake.\nScore 0", 0, 0),
        ("1\n", 1, 1),
        ("<think>Score: 0</think>\nScore: 1", 1, 1),
        ('{"score": 1}', None, 1),
        # What is between is no score.
        ("Score: 0.9", 0, None),
        ("Score: 10", None, None),
        ("I give 1", None, None),
        ("Score: 0 or Score: 1? I take Score: 1", 0, None),
        ("Score: 0\nScore: 1", 0, None),
        ("", None, None),
    ],
)
def test_what_is_read(folder, parrot, text, official, fixed):
    found = both(folder, parrot, text)
    assert found == [official, 0 if fixed is None else fixed]
    ask = Wise(folder=folder, judge=parrot).asks()[0]
    seen = {"answers": [{"text": text, "fate": "read", "tries": 1}]}
    (score,) = Wise(folder=folder, judge=parrot).score(ask, [seen])
    assert ("unread" in score.details) == (fixed is None)


def test_officially_one_without_a_score_is_enough_for_no_overall(
    folder, parrot, witness, tmp_path, painter, rows
):
    one = painter(lambda ask: "no lamp" if ask.id == "1" else Image.new("RGB", (2, 2)))
    told = {"folder": folder, "judge": parrot}
    fixed = rows(run(Wise(**told), one, tmp_path / "out"))
    assert (fixed["culture"], fixed["overall"]) == (0.25, pytest.approx(4 / 9))
    official = rows(run(Wise(**told, mode="official"), one, tmp_path / "out"))
    assert (official["culture"], official["overall"]) == (pytest.approx(1 / 3), None)
    shy = witness(lambda question: Answer(None, trouble="not this one"))
    for mode, score in (("official", None), ("fixed", 0)):
        refused = run(Wise(folder=folder, judge=shy, mode=mode), one, tmp_path / "shy")
        assert rows(refused)["overall"] == score
        assert refused["answers"] == {"refused": 8}


def test_what_cannot_be_read_is_asked_three_times(folder, witness):
    words = ["hm", "well", "Score: 1", "Score: 0"]
    benchmark = Wise(folder=folder, judge=witness(lambda question: words.pop(0)))
    (answer,) = benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))["answers"]
    assert (answer["text"], answer["tries"]) == ("Score: 1", 3)


def test_the_judge_is_told_the_benchmarks_own_rules(folder, witness):
    heard = []
    benchmark = Wise(folder=folder, judge=witness(lambda q: heard.append(q) or "Score: 1"))
    benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2)))
    (question,) = heard
    assert question.text == 'Be strict.\nPROMPT: "p1"\nEXPLANATION: "Score: 1"\n'
    assert (question.system, question.text_first, question.lossless) == (SYSTEM, True, True)


@given(st.lists(st.booleans(), min_size=9, max_size=9))
def test_the_mean_over_prompts_is_that_with_the_benchmarks_weights(right):
    kinds = [CATEGORIES[kind] for kind, size in SIZES.items() for _ in range(size)]
    items = [
        Item(Ask(id=str(n), prompt="", category=kind), 0, None, None, None, Score(float(value), ""))
        for n, (kind, value) in enumerate(zip(kinds, right, strict=True))
    ]
    table = NOBODYS.fold(items)
    weights = {
        kind: size / 9 for kind, size in zip(CATEGORIES.values(), SIZES.values(), strict=True)
    }
    weighted = sum(table.row(kind).score * weight for kind, weight in weights.items())
    assert table.row("overall").score == pytest.approx(weighted)


def test_prompts_of_another_kind_are_refused(folder, parrot):
    path = folder / "data_verified" / f"{FILES[0]}_verified.json"
    path.write_text('[{"prompt_id": 1, "Prompt": "x", "Explanation": "y", "Category": "z"}]')
    with pytest.raises(SourceError, match="one of the Categories of WISE_Verified, got"):
        Wise(folder=folder, judge=parrot).asks()


def test_the_benchmarks_own_prompts(cloned, parrot):
    asks = Wise(folder=cloned("wise", "vllm_eval.py", SCRIPT), judge=parrot).asks()
    assert [ask.id for ask in asks] == [str(number) for number in range(1, 1001)]
    # By these shares the mean over prompts is .40 of culture and .12 of each of the others.
    sizes = Counter(ask.category for ask in asks)
    assert sizes == dict.fromkeys(CATEGORIES.values(), 120) | {"culture": 400}
    # The script goes by numbers, the files by names: both are the same.
    edges = {asks[n - 1].category for n in (1, 400)}, {asks[n - 1].category for n in (401, 520)}
    assert edges == ({"culture"}, {"time"})
