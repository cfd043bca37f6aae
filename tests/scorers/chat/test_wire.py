"""Requests say what was asked; of replies nothing is believed that cannot be."""

import base64
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.scorers.chat import Question
from danqing.scorers.chat.base import PLACES, digest
from danqing.scorers.chat.wire import guess, reply, request

SETTINGS = {"model": "eyes", "max_tokens": 9, "extra": {"temperature": 0}, "structured": True}


def noise(seed, size=(40, 30)):
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    )


def sent(question, **changes):
    return json.loads(request(question, **(SETTINGS | changes)))


def pixels(part):
    _, _, data = part["image_url"]["url"].partition(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_pictures_and_text_stand_in_the_order_that_was_asked_for():
    images = (noise(0), noise(1))
    question = Question(text="which?", images=images, system="Be brief.", lossless=True)
    system, user = sent(question)["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["image_url", "image_url", "text"]
    for part, image in zip(user["content"], images, strict=False):
        assert np.array_equal(pixels(part), np.asarray(image))
    first = Question(text="which?", images=images, text_first=True)
    (user,) = sent(first)["messages"]
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "image_url"]
    assert "image/jpeg" in user["content"][1]["image_url"]["url"]


def test_what_is_not_wanted_is_not_sent():
    body = sent(Question(text="what?"))
    assert set(body) == {"model", "max_tokens", "messages", "temperature"}
    assert body["max_tokens"] == 9
    body = sent(Question(text="what?", top=20, max_tokens=1, schema={"type": "object"}))
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, 1)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    plain = sent(Question(text="what?", schema={"type": "object"}), structured=False)
    assert "response_format" not in plain


def test_a_digest_names_all_that_shapes_an_answer_and_nothing_else():
    base = {"text": "what?", "images": (noise(0),)}
    changes = [
        {},
        {"text": "what"},
        {"images": (noise(1),)},
        {"images": (noise(0), noise(1))},
        {"images": (noise(1), noise(0))},
        {"system": "x"},
        {"text_first": True},
        {"max_tokens": 3},
        {"top": 3},
        {"lossless": True},
        {"schema": {}},
        {"repeat": 1},
    ]
    digests = [Question(**(base | change)).digest for change in changes]
    assert len(set(digests)) == len(digests)
    assert Question(**base, key=7).digest == digests[0]
    file = io.BytesIO()
    noise(0).save(file, "PNG")
    assert digest(Image.open(file)) == digest(noise(0))
    assert digest(noise(0, (30, 40))) != digest(noise(0, (40, 30)))


def body(logprobs=None, **changes):
    choice = {"message": {"content": "Yes"}, "logprobs": logprobs}
    found = {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}
    return json.dumps(found | changes).encode()


def place(token="Yes", logprob=-0.1, top=()):
    return {"token": token, "logprob": logprob, "top_logprobs": list(top)}


def test_log_probabilities_are_read_with_the_chosen_token_once():
    top = [{"token": "Yes", "logprob": -0.1}, {"token": "No", "logprob": -2.5}]
    said = reply(body({"content": [place(top=top), place(".", -0.01)]}, model="eyes-7"), 3)
    assert [p.token for p in said.places] == ["Yes", "."]
    assert said.places[0].likely == {"Yes": -0.1, "No": -2.5}
    assert (said.served, said.read, said.written) == ("eyes-7", 5, 1)


@pytest.mark.parametrize(
    "logprobs",
    [
        None, 7, [], "x", {"content": None}, {"content": "Yes"}, {"content": {}},
        {"content": [None]}, {"content": [7]}, {"content": [{}]}, {"content": [{"token": "Yes"}]},
        {"content": [place(logprob=math.nan)]}, {"content": [place(logprob=math.inf)]},
        {"content": [place(logprob=-math.inf)]}, {"content": [place(logprob=0.7)]},
        {"content": [place(logprob=True)]}, {"content": [place(logprob="-0.1")]},
        {"content": [place(logprob=10**400)]}, {"content": [place(logprob=-(10**400))]},
        {"content": [place(token=7)]}, {"content": [place(token="x" * 10_000)]},
        {"content": [place(top=[{"token": f"{i}", "logprob": -0.1} for i in range(9)])]},
    ],
)  # fmt: skip
def test_what_is_no_distribution_is_none(logprobs):
    said = reply(body(logprobs), 3)
    assert said.text == "Yes"
    assert said.places == ()


def test_alternatives_that_cannot_be_believed_are_left_out():
    top = [None, 3, {"token": "No", "logprob": math.nan}, {"token": "Y", "logprob": -3}]
    said = reply(body({"content": [place(top=top)]}), 3)
    assert said.places[0].likely == {"Yes": -0.1, "Y": -3.0}


def test_endless_lists_are_cut():
    top = [{"token": f"{i}", "logprob": -20} for i in range(3_000)]
    said = reply(body({"content": [place(top=top)] * (PLACES + 9)}), 3)
    assert len(said.places) == PLACES
    assert len(said.places[0].likely) < 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["token", "logprob", "top_logprobs", "content", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_whatever_stands_for_log_probabilities_they_are_a_distribution(value):
    for logprobs in (value, {"content": value}, {"content": [value]}):
        for found in reply(body(logprobs), 3).places:
            assert found.token in found.likely
            assert sum(map(math.exp, found.likely.values())) < 1.011
            assert all(-1e4 < v <= 0 for v in found.likely.values())


@given(json_values)
def test_whatever_comes_is_a_reply_or_none(value):
    for found in (
        value,
        {"choices": value},
        {"choices": [value]},
        {"choices": [{"message": value}]},
    ):
        said = reply(json.dumps(found).encode(), 3)
        assert said is None or (isinstance(said.text, str) and said.read == 3)


@given(st.binary(max_size=200))
def test_bytes_are_a_reply_or_none(data):
    assert reply(data, 3) is None


def test_a_guess_counts_words_and_pictures():
    question = Question(text="x" * 300, system="y" * 30, images=(noise(0, (280, 280)),) * 2)
    assert guess(question) == 110 + 200
