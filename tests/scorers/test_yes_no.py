"""Answers are kept as they were said; their first word says what they mean."""

import json

import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.scorers.recording import fingerprint
from danqing.scorers.yes_no import RecordedAnswers, answerers, means_yes


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ("yes", True),
        ("Yes.", True),
        ("  **YES**, there is.", True),
        ("No, yes would be wrong", False),
        ("no", False),
        ("maybe yes", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_first_word_decides(answer, means):
    assert means_yes(answer) is means


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
