"""Whoever answers, answers are kept as they were said."""

import json
from typing import ClassVar

import pytest
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.scorers.chat import Answer
from danqing.scorers.recording import fingerprint
from danqing.scorers.yes_no import Asked, RecordedAnswers, answerers


class Parrot:
    """Says what it was asked, and how many pictures it saw."""

    model = "parrot"
    identity: ClassVar = {"chat": "parrot"}

    def ask(self, questions):
        for question in questions:
            yield Answer(question.key, f"{question.text} {len(question.images)}")


def test_a_chat_is_asked_in_the_words_of_the_benchmark():
    image = Image.new("RGB", (4, 4), "red")
    assert Asked(chat=Parrot()).yes_no(image, "Is it {red}?") == (
        "Is it {red}? Answer with yes or no. 1"
    )
    plain = Asked(chat=Parrot(), phrase="{question}")
    assert plain.yes_no(image, "Is it?") == "Is it? 1"
    assert plain.identity != Asked(chat=Parrot()).identity
    with pytest.raises(RecipeError, match="phrase must have"):
        Asked(chat=Parrot(), phrase="Is it?")


def test_a_recording_is_replayed(tmp_path):
    image = Image.new("RGB", (4, 4), "red")
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({fingerprint(image): {"Is it red?": "Yes."}}))
    judge = RecordedAnswers(path=path)
    assert judge.yes_no(image, "Is it red?") == "Yes."
    assert answerers["recorded"] is RecordedAnswers
    before = judge.identity
    path.write_text("{}")
    assert judge.identity != before
    for asked, question in ((image, "Is it blue?"), (image.resize((2, 2)), "Is it red?")):
        with pytest.raises(SourceError, match="must have been recorded, got none to 'Is it"):
            judge.yes_no(asked, question)
    with pytest.raises(SourceError, match="must be files of JSON"):
        _ = RecordedAnswers(path=tmp_path / "none").identity
