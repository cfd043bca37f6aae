"""What is read is what was written, and whatever else comes is refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.data.annotate.schema import JSON_SCHEMA, LONGEST, Annotation, Refusal, parse

GOOD = {
    "Caption": 'A red mug with the word "TEA" stands on a wooden table.',
    "Image Type": "photograph",
    "Image Style": "natural light",
    "Watermark List": ["© Ann"],
    "Abnormal Element": "yes",
}

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
texts = words.filter(lambda text: bool(text.strip())).map(str.strip)
settings = st.fixed_dictionaries(
    {
        "caption": texts,
        "image_type": texts,
        "image_style": texts,
        "watermarks": st.lists(texts, max_size=4).map(tuple),
        "abnormal": st.booleans(),
    }
)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)


@given(settings)
def test_an_annotation_is_read_as_it_was(settings):
    annotation = Annotation(**settings)
    assert parse(json.dumps(annotation.fields())) == annotation
    assert parse(json.dumps(annotation.fields(), ensure_ascii=False, indent=2)) == annotation


@given(settings, st.sampled_from(["```json\n%s\n```", "```\n%s```", "Sure! {here} is it: %s"]))
def test_fences_and_politeness_are_overlooked(settings, around):
    annotation = Annotation(**settings)
    text = around.replace("%s", json.dumps(annotation.fields()))
    assert parse(text + "\nI hope this helps {you}.") == annotation


@given(words | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_whatever_text_comes_is_refused_in_words(text):
    with pytest.raises(Refusal) as refused:
        parse(text)
    str(refused.value).encode()


@given(st.dictionaries(st.sampled_from([*GOOD, "Other"]), values), st.data())
def test_whatever_object_comes_is_read_or_refused(changes, data):
    text = json.dumps(GOOD | changes)
    cut = data.draw(st.integers(0, len(text)))
    for answer in (text, text[:cut], text + text[:cut], "{" * cut + text):
        found = parsed(answer)
        if isinstance(found, str):
            assert len(found.encode()) < 200
        else:
            assert parse(json.dumps(found.fields())) == found
            json.dumps(found.fields(), ensure_ascii=False).encode()


def parsed(answer):
    try:
        return parse(answer)
    except Refusal as refusal:
        return str(refusal)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no whole JSON object"),
        ("I cannot see it.", "no whole JSON object"),
        (json.dumps(GOOD)[:-2], "no whole JSON object"),
        (json.dumps([1, 2]), "no whole JSON object"),
        (json.dumps(GOOD) * 2, "more than one"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "Caption"}), "'Caption' is missing"),
        (json.dumps(GOOD | {"Mood": "calm"}), "'Mood' is not asked for"),
        (json.dumps(GOOD | {"Caption": 3}), "'Caption' must be text"),
        (json.dumps(GOOD | {"Caption": " "}), "'Caption' is empty"),
        (json.dumps(GOOD | {"Caption": "\ud800"}), "half a character"),
        (json.dumps(GOOD | {"Image Type": "x" * 121}), "121 characters, more than 120"),
        (json.dumps(GOOD | {"Watermark List": "none"}), "must be a list"),
        (json.dumps(GOOD | {"Watermark List": ["a", None]}), r"\[1\]' must be text"),
        (json.dumps(GOOD | {"Watermark List": ["a"] * 33}), "33 entries, more than 32"),
        (json.dumps(GOOD | {"Abnormal Element": True}), "must be 'yes' or 'no'"),
        (json.dumps(GOOD | {"Abnormal Element": "No"}), "must be 'yes' or 'no'"),
        (json.dumps(GOOD)[:-1] + ', "Caption": "b"}', "there twice"),
        ("x" * (LONGEST + 1), "characters, more than"),
        ('{"a":' * 6000, "no whole JSON object"),
        ('{"a":' + "9" * 5000 + "}", "no whole JSON object"),
    ],
)
def test_every_deviation_is_one_clear_reason(answer, reason):
    with pytest.raises(Refusal, match=reason):
        parse(answer)


def test_the_schema_for_endpoints_is_the_one_that_is_checked():
    assert set(JSON_SCHEMA["required"]) == set(JSON_SCHEMA["properties"]) == set(GOOD)
    assert parse(json.dumps(GOOD)).fields() == GOOD
