"""What judges say in words: the benchmarks' own readings, and ours, which never guesses."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.scorers.replies import (
    TwiceError,
    choice,
    digit_lines,
    fields,
    number,
    objects,
    refusal,
    score_list,
    scores,
    spoken,
    yes,
    yes_lines,
)


@pytest.mark.parametrize(
    ("text", "official", "fixed"),
    [
        ("Yes", True, True),
        ("Yes.", False, True),
        (" yes", False, True),
        ("**Yes**, it is.", False, True),
        ("YES!", False, True),
        ("Ｙｅｓ", False, True),
        ("Answer: yes", False, True),
        ("The answer is: No", False, False),
        ("No", False, False),
        ("no, there is none", False, False),
        ("是的，图中有。", False, True),
        ("是", False, True),
        ("答案：否", False, False),
        ("没有。", False, False),
        ("是否有红色很难说", False, None),
        ("Not really", False, None),
        ("None", False, None),
        ("Yesterday", False, None),
        ("I think yes", False, None),
        ("", False, None),
        ("42", False, None),
        ("<think>Yes? No.</think>\nYes", False, True),
        ("<think>Yes", False, None),
        ("<thinking>no</thinking> No", False, False),
    ],
)
def test_yes_and_no(text, official, fixed):
    assert yes(text, "official") is official
    assert yes(text) is fixed


def test_the_exact_text_is_the_benchmark_s():
    assert yes("yes", "official", exact="yes") is True
    assert yes("Yes", "official", exact="yes") is False


def test_lines_of_answers_must_be_as_many_as_questions():
    text = "yes, it is red\nNo, none\n\nso far.\nYES"
    assert yes_lines(text, 3, "official") == [True, False, True]
    assert yes_lines(text, 3) == [True, False, True]
    assert yes_lines(text, 2) is None
    assert yes_lines(text, 4, "official") is None
    numbered = "1. Yes\n2) **No**: no\nQ3: yes\n- 是"
    assert yes_lines(numbered, 4) == [True, False, True, True]
    assert yes_lines(numbered, 4, "official") is None


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.sampled_from(["", "{}. ", "**{}:** "]))
def test_lines_are_read_in_order(answers, form):
    lines = [form.format(i + 1) + ("Yes, so" if a else "no") for i, a in enumerate(answers)]
    assert yes_lines("\n".join(lines), len(answers)) == answers


def test_one_object_is_found_whatever_stands_around_it():
    assert fields('```json\n{"a": {"b": 1}}\n```') == {"a": {"b": 1}}
    assert fields('<think>{}</think> so: {"a": 1} done') == {"a": 1}
    assert fields('{"a": 1} {"a": 1}') is None
    assert fields('{"a": 1, "a": 2}') is None
    assert fields('{"a": 1') is None
    assert fields("[" * 100_000) is None
    assert fields("{" * 100_000) is None
    assert fields('{"a":' * 50_000) is None
    with pytest.raises(TwiceError):
        list(objects('{"a": 1, "a": 2}'))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (3, 3.0), (3.5, 3.5), ("7", 7.0), (" 7.5 ", 7.5), (0, 0.0), (10, 10.0), (10.1, None),
        (-1, None), (True, None), (None, None), ("seven", None), ("1e1", None), ("nan", None),
        (math.nan, None), (math.inf, None), (10**400, None), ("9" * 5000, None), ([3], None),
    ],
)  # fmt: skip
def test_a_number_is_finite_and_in_range(value, wanted):
    assert number(value, 0.0, 10.0) == wanted


def test_lists_of_scores():
    assert score_list('{"score": [8, "7"], "reasoning": "fine"}', 2, 0.0, 10.0) == [8, 7]
    bad = ("[8]", "[8, 11]", "8", "[8, NaN]", "[8, true]", "[1e999, 1]", "[8, null]", "{}")
    for text in ("8, 7", '{"x": [1, 2]}', *(f'{{"score": {value}}}' for value in bad)):
        assert score_list(text, 2, 0.0, 10.0) is None


NAMES = ("Prompt Compliance", "Visual Naturalness")


@pytest.mark.parametrize(
    "text",
    [
        "Brief reasoning: fine.\nPrompt Compliance: 4\nVisual Naturalness: 5",
        "**Prompt Compliance:** 4/5\n- visual_naturalness: 5.",
        '{"prompt_compliance": 4, "Visual Naturalness": "5", "other": []}',
        '{"Prompt Compliance": {"score": 4, "reason": "x"}, "Visual Naturalness": 5}',
        "1. Prompt Compliance： 4\n2. Visual Naturalness： 5",
    ],
)
def test_named_scores_are_read_from_lines_and_objects(text):
    assert scores(text, NAMES, 1.0, 5.0) == {"Prompt Compliance": 4, "Visual Naturalness": 5}


@pytest.mark.parametrize(
    "text",
    [
        "Prompt Compliance: 4",
        "Prompt Compliance: 4\nVisual Naturalness: 6",
        "Prompt Compliance: 4\nPrompt Compliance: 5\nVisual Naturalness: 5",
        "Prompt Compliance: four\nVisual Naturalness: 5",
        "Prompt Compliance: 4 or 5\nVisual Naturalness: 5",
        "",
    ],
)
def test_scores_that_are_not_clear_are_none(text):
    assert scores(text, NAMES, 1.0, 5.0) is None


def test_imgedit_s_own_reading_takes_any_line():
    text = "Brief: x\nPrompt Compliance: 4\nanything: 12\nPhysical: 5.\n a: b: 3"
    assert digit_lines(text) == [4, 12]
    assert digit_lines("x: ²\ny: " + "9" * 5000) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A", "first"), ("B.", "second"), ("**Image B**", "second"), ("tie", "tie"),
        ("[[A]] no, [[B]]", "second"), ("so [[C]]", "tie"), ('{"winner": "A"}', "first"),
        ('{"winner": "Image 2", "why": "x"}', "second"), ("The second image is better.", "second"),
        ("The better image is the first one", "first"), ("Image 1", "first"),
        ("A is better than B", None), ("both are fine, I think", None), ("", None),
        ('{"winner": 3}', None), ("[[D]]", None), ("<think>A</think>B", "second"),
    ],
)  # fmt: skip
def test_choices(text, wanted):
    assert choice(text) == wanted


def test_a_judge_may_say_that_both_are_bad_where_it_is_asked():
    for text in ("bad", "**Bad.**", "[[D]]", '{"winner": "bad"}'):
        assert choice(text, bad=True) == "bad"
        assert choice(text) is None
    for text in ("A", "tie", "neither"):
        assert choice(text, bad=True) == choice(text)


def test_refusals_and_thoughts():
    assert refusal("I'm sorry, I cannot do that")
    assert refusal("抱歉，我不能回答")
    assert refusal("Yes") is None
    assert spoken("<think>a</think>b<think>c</think>") == "b<think>c</think>"
    assert spoken("<THINK>a") == ""


@given(st.text(max_size=300) | st.from_regex(r'[{}\[\]":, 0-9eE+\-.a-z\n<>/*]{0,200}'))
def test_whatever_is_said_has_a_reading_or_none(text):
    assert yes(text) in (True, False, None)
    assert yes(text, "official") in (True, False)
    assert choice(text) in ("first", "second", "tie", None)
    assert choice(text, bad=True) in ("first", "second", "tie", "bad", None)
    for found in (yes_lines(text, 2), yes_lines(text, 2, "official")):
        assert found is None or len(found) == 2
    for found in (scores(text, ("a", "b"), 0.0, 9.0), score_list(text, 2, 0.0, 9.0)):
        values = found.values() if isinstance(found, dict) else found or ()
        assert all(0 <= value <= 9 for value in values)
    assert all(value >= 0 for value in digit_lines(text))
    assert refusal(text) is None or refusal(text) in text


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9), min_size=2))
def test_an_object_is_read_as_it_was_written(table):
    names = list(table)
    assert scores(json.dumps(table), names, 0.0, 9.0) == table
    assert scores("\n".join(f"{k}: {v}" for k, v in table.items()), names, 0.0, 9.0) == table
