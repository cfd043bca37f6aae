"""Which numbers an answer has, officially and fixed; and where questions come from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.errors import SourceError
from danqing.evaluation.viescore import OWN, PLACE, braced, least, rubric

GRADES = st.integers(0, 10)


@given(st.lists(GRADES, min_size=2, max_size=2), st.text(max_size=20))
def test_the_lesser_of_two_numbers_counts_in_both_modes(pair, why):
    said = f"```json\n{json.dumps({'score': pair, 'reasoning': why}, indent=1)}\n```"
    assert least(said, "fixed") == min(pair)
    assert least(said, "official") == min(pair)


@pytest.mark.parametrize(
    ("said", "official", "fixed"),
    [
        ('{"score": [7]}', 7, None),
        ('{"score": 7, "reasoning": "good"}', 7, None),
        ('{"score": [9, 8, 3]}', 3, None),
        ('{"score": [11, 40]}', 11, None),
        ('{"score": [-1, 5]}', None, None),
        ('{"score": []}', None, None),
        ('{"score": ["7", "8"]}', None, 7),
        ('{"score": [7, 8]} or {"score": [1, 1]}', None, None),
        ('{"score": [7, 8], "reasoning": "a "hat""}', None, None),
        ('{"note": 3}', None, None),
        ("{" * 70_000, None, None),
        ("I would say [6, 4].", 4, None),
        ("[6, 4]", 4, None),
        ("[6,  4]", None, None),
        ("8", 8, None),
        ("11", None, None),
        ("7\n8", None, None),
        ("", None, None),
        ("I'm sorry, I cannot.", None, None),
    ],
)
def test_numbers_of_answers(said, official, fixed):
    assert least(said, "official") == official
    assert least(said, "fixed") == fixed


@given(st.text(alphabet='{}[]"score:, 0123456789.\n-', max_size=60))
def test_whatever_is_said_gives_a_number_or_none(said):
    assert (least(said, "official") or 0) >= 0
    assert 0 <= (least(said, "fixed") or 0) <= 10


def test_braces_are_there_or_not():
    assert braced("a {b} c")
    assert not braced("a {b")
    assert not braced("[1, 2]")


def test_official_questions_are_put_together_from_the_file_without_running_it(tmp_path):
    file = tmp_path / "vie_prompts.py"
    names = ("_context_no_delimit", "_prompts_0shot_two_image_edit_rule",
             "_prompts_0shot_tie_rule_SC", "_prompts_0shot_rule_PQ")  # fmt: skip
    file.write_text("".join(f'{name} = """{name}\n"""\n\n' for name in names))
    found = rubric(file)
    assert found.edit == "\n".join(f"{name}\n" for name in names[:3])
    assert found.look == f"{names[0]}\n\n{names[3]}\n"
    for text in ("import os\nos.abort()\n", "_context_no_delimit = 1", "(", "a = b"):
        file.write_text(text)
        with pytest.raises(SourceError, match=r"must be the vie_prompts.py of GEdit-Bench, got"):
            rubric(file)
    with pytest.raises(SourceError, match=r"got .*none.py; check its path"):
        rubric(tmp_path / "none.py")


def test_our_own_questions_name_the_edit_once():
    assert OWN.edit.count(PLACE) == 1
    assert PLACE not in OWN.look
