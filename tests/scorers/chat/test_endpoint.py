"""The real client against an endpoint that behaves in all the ways endpoints do."""

import email.utils
import logging
import time
from contextlib import suppress
from dataclasses import make_dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from PIL import Image

from danqing.core.config import dump, parse
from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import AnyChat, Chat, Endpoint, Question, chats
from danqing.scorers.chat.wire import seconds

SCHEMA = {"type": "object", "properties": {"Caption": {"type": "string"}}}
KEY = "sk-Very-Secret_0123456789"


def picture(row):
    return Image.new("RGB", (64, 64), (4 * row,) * 3)


def questions(count):
    return [
        Question(key=row, images=(picture(row),), text=f"what is {row}?", schema=SCHEMA)
        for row in range(count)
    ]


@pytest.fixture
def client(endpoint):
    """The client with short waits."""
    return Endpoint(
        url=endpoint.url, model="eyes", key="ENDPOINT_KEY", timeout=5.0, retries=3, backoff=0.01
    )


def ask(client, count=1):
    return sorted(client.ask(questions(count)), key=lambda answer: answer.key)


def test_every_question_gets_its_own_answer_and_its_tokens(endpoint, client):
    answers = ask(client, 20)
    assert [answer.key for answer in answers] == list(range(20))
    for answer in answers:
        assert answer.text == f"I see {answer.key}."
        assert (answer.read, answer.written, answer.trouble) == (1000, 100, None)
    assert sorted(asked.row for asked in endpoint.asked) == list(range(20))
    assert {asked.prompt for asked in endpoint.asked} == {f"what is {row}?" for row in range(20)}
    body = endpoint.asked[0].body
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("eyes", 1536, 0)
    assert "response_format" not in body
    assert endpoint.asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_schema_goes_along_where_the_other_side_takes_one(endpoint, client):
    ask(replace(client, structured=True, extra={"seed": 3}, key=""))
    body = endpoint.asked[0].body
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["seed"] == 3
    assert "temperature" not in body
    assert "Authorization" not in endpoint.asked[0].headers


def test_no_more_is_asked_at_once_and_no_more_is_taken_than_is_asked(endpoint, client):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), delay=0.1)
    taken = 0

    def stream():
        nonlocal taken
        for question in questions(12):
            taken += 1
            yield question

    answers = replace(client, concurrency=3).ask(stream())
    got = 0
    for _ in answers:
        got += 1
        assert taken - got <= 3
    assert got == 12
    assert endpoint.busiest == 3


def test_a_slow_answer_holds_nobody_up(endpoint, client):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), delay=1.0 if asked.row == 0 else 0.0)
    rows = [answer.key for answer in replace(client, concurrency=2).ask(questions(10))]
    assert rows[-1] == 0


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_asked_again(endpoint, client, status):
    play = endpoint.play
    endpoint.play = lambda asked: (
        endpoint.reply(raw=b"busy", status=status) if len(endpoint.asked) < 3 else play(asked)
    )
    (answer,) = ask(client)
    assert answer.text
    assert len(endpoint.asked) == 3


def test_waits_double(endpoint, client):
    endpoint.play = lambda asked: endpoint.reply(raw=b"", status=500)
    (answer,) = ask(replace(client, backoff=0.1))
    assert answer.lost
    times = [asked.time for asked in endpoint.asked]
    waits = [after - before for before, after in pairwise(times)]
    assert len(waits) == 3
    for wait, expected in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert 0.7 * expected < wait < 1.3 * expected + 2


def test_when_the_other_side_says_how_long_everybody_waits(endpoint, client):
    play = endpoint.play

    def refuse_the_first(asked):
        if asked is endpoint.asked[0]:
            return endpoint.reply(raw=b"", status=429, headers={"Retry-After": "1"})
        return play(asked)

    endpoint.play = refuse_the_first
    answers = ask(replace(client, concurrency=1), 2)
    assert all(answer.text for answer in answers)
    times = [asked.time for asked in endpoint.asked]
    assert times[1] - times[0] > 0.95


def test_the_other_sides_time_is_read_in_both_forms():
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert seconds("12") == 12
    assert seconds(" 0.5 ") == 0.5
    assert seconds(email.utils.format_datetime(soon, usegmt=True)) == pytest.approx(30, abs=2)
    assert seconds("Fri, 01 Jan 1999 00:00:00 GMT") == 0
    for nonsense in ("", "soon", "-3", "9" * 400, "Fri, 99 Foo 9999999999 00:00:00 GMT"):
        assert seconds(nonsense) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"cut": 0},
        {"cut": 40},
        {"text": None, "raw": b"<html>a proxy's page</html>"},
        {"text": None, "raw": b'{"choices": []}'},
        {"text": None, "raw": b'{"error": {"message": "overloaded"}}'},
        {"text": None, "raw": b"[" * 100_000},
        {"delay": 1.0},
    ],
    ids=["dropped", "cut short", "page", "no choice", "error in 200", "nesting", "too slow"],
)
def test_broken_replies_are_asked_again_and_then_given_up(endpoint, client, changes):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), **changes)
    client = replace(client, retries=1, timeout=0.3)
    (answer,) = ask(client)
    assert answer.lost
    assert answer.trouble
    assert len(answer.trouble) < 300
    assert len(endpoint.asked) == 2


def test_a_drip_that_never_ends_is_ended(endpoint, client, monkeypatch):
    def drip(handler):
        endpoint.asked.append(None)
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    monkeypatch.setattr(endpoint, "serve", drip)
    started = time.monotonic()
    (answer,) = ask(replace(client, timeout=0.3, retries=0))
    assert answer.lost
    assert "timed out" in answer.trouble
    assert time.monotonic() - started < 2


def test_an_endless_reply_is_left(endpoint, client, monkeypatch):
    sent = 0

    def flood(handler):
        nonlocal sent
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while sent < 256 << 20:
                sent += handler.wfile.write(b" " * (1 << 16))
        handler.close_connection = True

    monkeypatch.setattr(endpoint, "serve", flood)
    (answer,) = ask(client)
    assert "bytes" in answer.trouble
    assert sent < 64 << 20  # what was on its way, at most


def test_a_huge_reply_costs_what_it_may_have_cost(endpoint, client):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), text=None, raw=b" " * (8 << 20))
    (answer,) = ask(client)
    assert not answer.lost
    assert "bytes" in answer.trouble
    assert answer.written == client.max_tokens  # it will be on the bill
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [400, 413, 422, 451])
def test_a_refused_picture_is_the_pictures_fault(endpoint, client, status):
    raw = b'{"error": {"message": "the picture\\nis indecent"}}'
    endpoint.play = lambda asked: endpoint.reply(raw=raw, status=status)
    (answer,) = ask(client)
    assert not answer.lost
    assert answer.trouble == f"status {status}, 'the picture is indecent'"
    assert len(endpoint.asked) == 1


def test_a_refusal_in_the_model_s_own_field_is_told(endpoint, client):
    play = endpoint.play
    raw = b'{"choices": [{"message": {"content": null, "refusal": "I will not."}}]}'
    endpoint.play = lambda asked: replace(play(asked), text=None, raw=raw)
    (answer,) = ask(client)
    assert (answer.trouble, answer.lost) == ("I will not.", False)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_mistake_of_ours_stops_everything_and_tells_no_key(endpoint, client, status):
    raw = f'{{"error": {{"message": "Incorrect key: {KEY}"}}}}'.encode()
    endpoint.play = lambda asked: endpoint.reply(raw=raw, status=status)
    with pytest.raises(DownloadError, match=rf"answers {status}: .*\[key\]") as caught:
        ask(client, 30)
    assert KEY not in str(caught.value)
    assert len(endpoint.asked) <= client.concurrency


def test_the_key_is_in_nothing_that_can_be_seen(endpoint, client, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), text=f"my key is {KEY}")
    (answer,) = ask(client)
    assert answer.text == "my key is [key]"
    endpoint.play = lambda asked: replace(play(asked), text=None, raw=KEY.encode(), status=400)
    (refused,) = ask(client)
    seen = [repr(client), str(dump(client)), repr(answer), repr(refused), caplog.text]
    assert not any(KEY in text for text in [*seen, *capfd.readouterr()])


def test_who_says_no_time_at_all_is_still_not_hurried(endpoint, client):
    headers = {"Retry-After": "0"}
    endpoint.play = lambda asked: endpoint.reply(raw=b"", status=429, headers=headers)
    started = time.monotonic()
    (answer,) = ask(replace(client, backoff=0.1))
    assert answer.lost
    assert time.monotonic() - started > 0.7 * (0.1 + 0.2 + 0.4)


def test_a_redirect_is_not_followed(endpoint, client):
    headers = {"Location": endpoint.url.replace("/v1/", "/elsewhere/")}
    endpoint.play = lambda asked: endpoint.reply(raw=b"", status=302, headers=headers)
    (answer,) = ask(client)
    assert "status 302" in answer.trouble
    assert len(endpoint.asked) == 1


def test_nobody_there_is_no_answer(client):
    nowhere = replace(client, url="http://127.0.0.1:9/v1/chat/completions", retries=1)
    (answer,) = ask(nowhere)
    assert answer.lost
    assert "no answer" in answer.trouble


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": -5}, {"prompt_tokens": "1000"}, {"prompt_tokens": 1e9}, 3]
)
def test_tokens_that_are_not_told_are_guessed(endpoint, client, usage):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), usage=usage)
    (answer,) = ask(client)
    assert 0 < answer.read < 1000
    assert 0 < answer.written < 1000


def test_requests_keep_to_their_pace(endpoint, client):
    ask(replace(client, requests_a_minute=1200.0), 10)
    times = [asked.time for asked in endpoint.asked]
    assert times[-1] - times[0] >= 9 * 0.05 - 0.2


def test_who_stops_listening_stops_the_questions(endpoint, client):
    answers = replace(client, concurrency=2, requests_a_minute=6.0).ask(questions(1000))
    next(answers)
    started = time.monotonic()
    answers.close()
    assert time.monotonic() - started < 5
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "file:///etc/passwd"}, "http or https"),
        ({"url": "ftp://example.com"}, "http or https"),
        ({"url": "http://"}, "http or https"),
        ({"url": "https://me:hush@example.com/v1"}, "without a password"),
        ({"url": "http://example.com/v1"}, "https where a key is sent"),
        ({"url": f"https://example.com/v1?api-key={KEY}"}, "no key in it"),
        ({"key": KEY}, "name of an environment variable"),
        ({"concurrency": 0}, "above 0"),
        ({"requests_a_minute": 0.0}, "above 0"),
        ({"tokens_a_minute": -1.0}, "above 0"),
        ({"retries": -1}, "at least 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_telling_secrets(client, changes, reason):
    with pytest.raises(RecipeError, match=reason) as caught:
        replace(client, **changes)
    assert KEY not in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", f"{KEY}\r\nX-Evil: 1", f"{KEY} {KEY}", "schlüssel"])
def test_a_key_that_is_none_is_refused_without_being_told(client, monkeypatch, value):
    monkeypatch.setenv("ENDPOINT_KEY", value)
    with pytest.raises(RecipeError, match="ENDPOINT_KEY must hold") as caught:
        ask(client)
    assert not value.strip() or value.strip() not in str(caught.value)


def test_it_is_a_chat_that_recipes_can_name(client):
    assert isinstance(client, Chat)
    assert set(chats) >= {"cassette", "endpoint", "transformers"}
    holder = make_dataclass("Holder", [("chat", AnyChat)], frozen=True)
    assert parse(holder, dump(holder(client))).chat == client


def test_who_serves_it_and_how_likely_words_are_come_along(endpoint, client):
    top = [{"token": "I", "logprob": -0.2}, {"token": "You", "logprob": -2.0}]
    content = [{"token": "I", "logprob": -0.2, "top_logprobs": top}]
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), logprobs={"content": content})
    (answer,) = client.ask([replace(questions(1)[0], top=2)])
    assert answer.served == "eyes-2026-01-01"
    assert answer.places[0].likely == {"I": -0.2, "You": -2.0}
    assert endpoint.asked[0].body["top_logprobs"] == 2


def test_no_key_is_in_a_version_or_in_tokens(endpoint, client):
    halves = [{"token": half, "logprob": -0.1} for half in (KEY[:7], KEY[7:])]
    play = endpoint.play
    endpoint.play = lambda asked: replace(
        play(asked), logprobs={"content": halves}, served=f"x{'y' * 110}{KEY}"
    )
    (answer,) = ask(client)
    assert answer.places == ()
    assert KEY[:7] not in answer.served


def test_where_it_runs_and_how_fast_is_no_part_of_who_it_is(client):
    same = replace(client, url="http://localhost:1/v1", concurrency=1, key="", timeout=1.0)
    assert same.identity == client.identity
    for change in ({"model": "x"}, {"revision": "x"}, {"extra": {}}, {"max_tokens": 1}):
        assert replace(client, **change).identity != client.identity
