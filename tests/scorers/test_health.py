"""A judge that sees, one that guesses and one that changes are told apart."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.scorers.chat import Answer, Question
from danqing.scorers.detector import ShapeDetector
from danqing.scorers.health import check, consistency, drift, golden_items, read_health
from danqing.scorers.judge import Judge
from danqing.scorers.relations import relations
from danqing.scorers.replies import yes

NAMES = {"三角形": "triangle", "五角星": "star", "心形": "heart", "十字": "cross"}


class Fake:
    """A chat that is a function."""

    def __init__(self, play, served="fake-1", **identity):
        self.model, self.play, self.served = "fake", play, served
        self.identity = {"model": "fake", **identity}
        self.asked = []

    def ask(self, questions):
        for question in questions:
            self.asked.append(question)
            yield Answer(question.key, self.play(question), served=self.served)


def seeing(question):
    """Answer by the detector of the small world, which knows nothing of golden items."""
    seen = ShapeDetector().look(question.images[0]).detections
    text = question.text
    if "图中有" in text:
        (wanted,) = [name for word, name in NAMES.items() if word in text]
        return "是" if any(thing.shape == wanted for thing in seen) else "否"
    if text.startswith("Is the "):
        relation = text.removeprefix("Is the red circle ").partition(" the blue")[0]
        (circle,) = [thing for thing in seen if thing.shape == "circle"]
        (square,) = [thing for thing in seen if thing.shape == "square"]
        return "Yes" if relation in relations(circle.box, square.box) else "No"
    color, shape = text.removeprefix("Is there a ").partition("?")[0].split()
    return "Yes" if any((t.color, t.shape) == (color, shape) for t in seen) else "No"


def test_golden_items_are_true_by_another_eye():
    items = golden_items()
    assert len({item.name for item in items}) == len(items) == 32
    assert sum(item.truth for item in items) == 16
    health = check(Judge(Fake(seeing)))
    assert health.wrong == []
    assert health.accuracy == health.sensitivity == health.specificity == 1
    assert health.served == ("fake-1",)


def test_who_always_says_yes_is_half_right():
    health = check(Judge(Fake(lambda q: "Yes")))
    assert (health.accuracy, health.sensitivity, health.specificity) == (0.5, 1.0, 0.0)
    silent = check(Judge(Fake(lambda q: "Hm."), tries=1))
    assert silent.accuracy == 0
    assert len(silent.wrong) == 32
    assert set(silent.said.values()) == {None}


def test_golden_items_are_asked_past_the_tape(tmp_path):
    fake = Fake(seeing)
    judge = Judge(fake, tmp_path / "tape.jsonl")
    check(judge)
    check(judge)
    assert len(fake.asked) == 64
    assert not (tmp_path / "tape.jsonl").exists()


def test_a_judge_that_changed_is_told(tmp_path):
    before = check(Judge(Fake(seeing)))
    assert drift(before, check(Judge(Fake(seeing)))) == []
    kept = read_health(json.loads(json.dumps(before.record())))
    assert kept == before
    other = check(Judge(Fake(lambda q: "Yes", served="fake-2", extra={"t": 1})))
    told = drift(kept, other)
    assert told[0] == "the judge's extra was None and is {'t': 1}"
    assert "fake-1 and is by fake-2" in told[1]
    assert "16 of 32 golden items" in told[2]
    fewer = replace(before, said=dict(list(before.said.items())[:9]))
    assert drift(fewer, before) == ["only 9 golden items are the same"]
    with pytest.raises(RecipeError, match="must have its fields"):
        read_health({"served": []})
    with pytest.raises(RecipeError, match="must have its fields"):
        read_health({})


def test_a_share_is_asked_twice(tmp_path):
    questions = [
        Question(text=f"{n}?", images=(Image.new("RGB", (4, 4), "red"),)) for n in range(60)
    ]

    def read(answer):
        return yes(answer.text)

    fake = Fake(lambda q: "Yes")
    judge = Judge(fake, tmp_path / "tape.jsonl")
    judge.judge(questions, read)
    assert len(fake.asked) == 60
    found = consistency(judge, questions, read, share=0.3)
    assert 5 < found.asked < 32
    assert found.same == found.asked
    assert len(fake.asked) == 60 + found.asked
    moody = Judge(Fake(lambda q: "No"), tmp_path / "tape.jsonl")
    assert consistency(moody, questions, read, share=0.3) == (found.asked, 0)
    assert consistency(judge, questions, read, share=0.0) == (0, 0)
    assert consistency(judge, questions, read, share=1.0).asked == 60
    with pytest.raises(RecipeError, match="share must be from 0 to 1"):
        consistency(judge, questions, read, share=2.0)
