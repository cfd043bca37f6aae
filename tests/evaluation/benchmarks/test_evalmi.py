"""Prompts with questions; a share of yes."""

from collections import Counter

import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks import evalmi
from danqing.evaluation.benchmarks.evalmi import EvalMi
from danqing.evaluation.harness import run

HM = {"answers": [{"text": text, "fate": "read", "tries": 1} for text in ("yes", "yes", "hm")]}
QUESTIONS = [["a:yes"], ["a:Yes.", "b:no", "c:well, yes"]]


@pytest.fixture
def parrot(witness):
    """Answers with what follows the colon of a question."""
    return witness(lambda question: question.text.partition(":")[2].partition(" Answer")[0])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "Englishall.txt").write_text("a cow\ntwo red cows")
    (tmp_path / "Chineseall.txt").write_text("牛\n两头红牛\n")
    (tmp_path / "prompt_tasks.jsonl").write_text('{"tag": "face"}\n{"tag": "counting + color"}\n')
    rows = [{"prompt": "p", **{f"question_{i}": q for i, q in enumerate(some)}, "question_9": None}
            for some in QUESTIONS]  # fmt: skip
    monkeypatch.setattr(evalmi, "sheet", lambda path: rows)
    return tmp_path


def test_questions_weigh_the_same(folder, parrot, tmp_path, painter, rows):
    one = painter(lambda ask: Image.new("RGB", (4, 4)))
    result = run(EvalMi(folder=folder, judge=parrot), one, tmp_path / "out")
    assert rows(result) == {"face": 1, "complex": pytest.approx(1 / 3), "yes": 0.5}
    official = EvalMi(folder=folder, judge=parrot, mode="official")
    assert rows(run(official, one, tmp_path / "out"))["yes"] == 0.75
    (_, second) = official.asks()
    assert official.score(second, [HM])[0].details["unread"] == 0
    fixed = EvalMi(folder=folder, judge=parrot)
    assert fixed.score(second, [HM])[0].details["unread"] == 1


def test_a_missing_picture_counts_as_the_mode_says(folder, parrot, tmp_path, painter, rows):
    half = painter(lambda ask: Image.new("RGB", (4, 4)) if ask.id == "0001" else "no lamp")
    told = {"folder": folder, "judge": parrot}
    assert rows(run(EvalMi(**told), half, tmp_path / "out"))["yes"] == 0.25
    official = run(EvalMi(**told, mode="official"), half, tmp_path / "out")
    assert rows(official)["yes"] == 1


def test_prompts_have_two_languages_and_as_many_lines(folder, parrot):
    chinese = EvalMi(folder=folder, judge=parrot, language="zh").asks()
    assert [(ask.prompt, ask.language) for ask in chinese] == [("牛", "zh"), ("两头红牛", "zh")]
    (folder / "Englishall.txt").write_text("a cow\n")
    with pytest.raises(SourceError, match="as many prompts each, got 1, 2 and 2"):
        EvalMi(folder=folder, judge=parrot).asks()
    (folder / "Englishall.txt").unlink()
    with pytest.raises(SourceError, match="must be a file with one a line"):
        EvalMi(folder=folder, judge=parrot).asks()


def test_the_benchmarks_own_prompts(records, parrot):
    asks = EvalMi(folder=records("evalmi50k"), judge=parrot).asks()
    assert len(asks) == 2100
    assert {len(ask.data["questions"]) for ask in asks} == {1, 3, 4, 5}
    kinds = Counter(ask.category for ask in asks)
    assert (len(kinds), kinds["face"], kinds["OCR"]) == (21, 102, 40)
    assert asks[0].prompt == "a photo of a bench"
