"""A chat reads as the published readers do, and again from a tape."""

import logging
from dataclasses import dataclass, field, replace

import pytest
from PIL import Image

from danqing.core.config import dump, parse
from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import Answer, Cassette
from danqing.scorers.readers import ChatReader, RapidReader, Reader, limited, readers

PICTURE = Image.new("RGB", (40, 30), "white")


@dataclass(frozen=True)
class Scribe:
    """Says the same of every picture, and remembers what it was asked."""

    said: Answer
    asked: list = field(default_factory=list)
    model: str = "scribe"

    @property
    def identity(self):
        return {"chat": self.model}

    def ask(self, questions):
        for question in questions:
            self.asked.append(question)
            yield replace(self.said, key=question.key)


def test_lines_keep_their_order_and_may_be_anywhere():
    chat = Scribe(Answer(None, "Zoo\n\n  ape \r\nbear"))
    lines = ChatReader(chat=chat).lines(PICTURE)
    assert [line.text for line in lines] == ["Zoo", "ape", "bear"]
    for line in lines:
        assert line.corners.tolist() == [[0, 0], [40, 0], [40, 30], [0, 30]]


def test_it_is_asked_once_with_the_picture_as_it_is():
    chat = Scribe(Answer(None, "open"))
    ChatReader(chat=chat, phrase="Read.", tokens=7).lines(PICTURE)
    (question,) = chat.asked
    assert (question.text, question.max_tokens, question.lossless) == ("Read.", 7, True)
    assert question.images == (PICTURE,)


def test_what_nobody_would_read_is_empty_and_said_and_what_was_lost_is_no_reading(caplog):
    with caplog.at_level(logging.WARNING):
        assert ChatReader(chat=Scribe(Answer(None, trouble="blocked"))).lines(PICTURE) == []
    assert "scribe would not read: blocked" in caplog.text
    lost = ChatReader(chat=Scribe(Answer(None, trouble="no line", lost=True)))
    with pytest.raises(DownloadError, match=r"scribe read nothing \(no line\); try again"):
        lost.lines(PICTURE)


def test_a_benchmark_limits_answers_unless_the_settings_do():
    free, bound = ChatReader(), ChatReader(tokens=9)
    assert limited(free, 128).tokens == 128
    assert limited(bound, 128) is bound
    assert limited(free, 128).identity != free.identity
    rapid = RapidReader()
    assert limited(rapid, 128) is rapid
    with pytest.raises(RecipeError, match="tokens must be at least 1, got 0"):
        ChatReader(tokens=0)


def test_what_was_read_is_read_again_from_a_tape(tmp_path):
    chat, tape = Scribe(Answer(None, "open")), tmp_path / "tape.jsonl"
    filling = ChatReader(chat=Cassette(path=tape, mode="fill", chat=chat))
    assert [[line.text for line in filling.lines(PICTURE)] for _ in "ab"] == [["open"], ["open"]]
    replay = ChatReader(chat=Cassette(path=tape))
    assert [line.text for line in replay.lines(PICTURE)] == ["open"]
    assert len(chat.asked) == 1
    assert replay.identity == filling.identity


def test_readers_are_named_and_set_like_other_parts():
    assert {"rapidocr", "chat"} <= set(readers)
    reader = parse(ChatReader, {"chat": {"name": "transformers", "model": "eyes"}, "tokens": 64})
    assert (reader.chat.model, reader.tokens) == ("eyes", 64)
    assert parse(ChatReader, dump(reader)) == reader
    assert isinstance(reader, Reader)
