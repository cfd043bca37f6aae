"""What was recorded is said again, and nothing else is; nothing that is on the tape is asked."""

import json
from dataclasses import dataclass, field, make_dataclass, replace

import pytest
from PIL import Image

from danqing.core.config import dump, parse
from danqing.core.errors import DownloadError, RecipeError, StorageError
from danqing.scorers.chat import Answer, AnyChat, Cassette, Chat, Endpoint, Place, Question, heard


@dataclass(frozen=True, kw_only=True)
class Parrot:
    """Says what it was asked, and remembers that it was."""

    model: str = "parrot"
    asked: list[str] = field(default_factory=list)
    refuses: str = ""
    loses: str = ""

    @property
    def identity(self):
        return {"chat": "parrot", "model": self.model}

    def ask(self, questions):
        for question in questions:
            self.asked.append(question.text)
            if question.text == self.loses:
                yield Answer(question.key, trouble="gone", lost=True)
            elif question.text == self.refuses:
                yield Answer(question.key, trouble="no!")
            else:
                places = (Place("a", {"a": -0.5, " b": -1.25}),) if question.top else ()
                yield Answer(
                    question.key, f"{question.text}!", read=7, written=2, served="parrot-1",
                    places=places,
                )  # fmt: skip


def questions(words="abc", **changes):
    image = Image.new("RGB", (8, 8), "red")
    return [Question(key=(w, 1), text=w, images=(image,), **changes) for w in words]


@pytest.fixture
def tape(tmp_path):
    return tmp_path / "run" / "answers.jsonl"


def ask(chat, asked):
    return sorted(chat.ask(asked), key=lambda answer: answer.key)


def test_a_tape_says_what_was_said_and_asks_nobody(tape):
    parrot = Parrot()
    first = ask(Cassette(path=tape, mode="record", chat=parrot), questions(top=2))
    assert first == ask(parrot, questions(top=2))
    parrot.asked.clear()
    replayed = Cassette(path=tape)
    assert ask(replayed, questions(top=2)) == first
    assert ask(Cassette(path=tape, mode="fill", chat=parrot), questions(top=2)) == first
    assert parrot.asked == []
    assert replayed.model == "parrot"
    assert replayed.identity == parrot.identity
    assert isinstance(replayed, Chat)


def test_only_what_is_missing_is_asked(tape):
    parrot = Parrot()
    fill = Cassette(path=tape, mode="fill", chat=parrot)
    ask(fill, questions("ac"))
    answers = ask(replace(fill), questions("abcd"))
    assert [answer.text for answer in answers] == ["a!", "b!", "c!", "d!"]
    assert parrot.asked == ["a", "c", "b", "d"]
    assert len(tape.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    "change", [{"repeat": 1}, {"max_tokens": 5}, {"system": "x"}, {"lossless": True}, {"top": 1}]
)
def test_another_question_is_another_answer(tape, change):
    parrot = Parrot()
    fill = Cassette(path=tape, mode="fill", chat=parrot)
    ask(fill, questions("a"))
    ask(fill, questions("a", **change))
    assert parrot.asked == ["a", "a"]
    ask(replace(fill, chat=replace(parrot, model="crow")), questions("a"))
    assert len(parrot.asked) == 3


def test_recording_asks_anew_and_the_last_word_counts(tape):
    parrot = Parrot()
    record = Cassette(path=tape, mode="record", chat=parrot)
    ask(record, questions("a"))
    ask(record, questions("a"))
    assert parrot.asked == ["a", "a"]
    assert len(ask(Cassette(path=tape), questions("a"))) == 1


def test_the_lost_are_not_kept_and_the_refused_are_asked_again(tape):
    fill = Cassette(path=tape, mode="fill", chat=Parrot(refuses="a", loses="b"))
    assert [answer.trouble for answer in ask(fill, questions("ab"))] == ["no!", "gone"]
    assert [json.loads(line)["trouble"] for line in tape.read_text().splitlines()] == ["no!"]
    (refused,) = ask(Cassette(path=tape), questions("a"))
    assert (refused.trouble, refused.lost) == ("no!", False)
    mended = Parrot()
    assert [a.text for a in ask(replace(fill, chat=mended), questions("ab"))] == ["a!", "b!"]
    assert mended.asked == ["a", "b"]


def test_what_is_not_on_the_tape_is_said(tape):
    ask(Cassette(path=tape, mode="fill", chat=Parrot()), questions("a"))
    with pytest.raises(RecipeError, match="must hold an answer to 'b', got none by parrot"):
        ask(Cassette(path=tape), questions("b"))
    ask(Cassette(path=tape, mode="fill", chat=Parrot(model="crow")), questions("a"))
    with pytest.raises(RecipeError, match="answers of one chat, got 2"):
        ask(Cassette(path=tape), questions("a"))
    crow = Cassette(path=tape, chat=Parrot(model="crow"))
    assert ask(crow, questions("a"))[0].text == "a!"
    with pytest.raises(RecipeError, match="got 0"):
        ask(Cassette(path=tape.parent / "none.jsonl"), questions("a"))
    with pytest.raises(RecipeError, match="chat must be given"):
        Cassette(path=tape, mode="fill")


def test_what_a_kill_left_is_dropped_and_damage_is_said_with_its_line(tape):
    fill = Cassette(path=tape, mode="fill", chat=Parrot())
    ask(fill, questions("ab"))
    whole = tape.read_bytes()
    tape.write_bytes(whole[:-20])
    parrot = Parrot()
    ask(replace(fill, chat=parrot), questions("ab"))
    assert parrot.asked == ["b"]
    assert tape.read_bytes() == whole
    line = json.loads(whole.splitlines()[0])
    places = [{"token": "a", "likely": {"a": "x"}}]
    for values in (7, {}, line | {"read": None}, line | {"places": places}, line | {"who": 3}):
        tape.write_text(json.dumps(values) + "\n")
        with pytest.raises(StorageError, match=r"line 1 of .* take that line out"):
            ask(Cassette(path=tape), questions("a"))
    tape.write_text("not JSON\n")
    with pytest.raises(StorageError, match="line 1"):
        ask(Cassette(path=tape), questions("a"))


def test_no_more_is_taken_than_is_worked_on(tape):
    taken = []

    def stream():
        for question in questions("abcd"):
            taken.append(question.text)
            yield question

    answers = Cassette(path=tape, mode="fill", chat=Parrot()).ask(stream())
    next(answers)
    assert taken == ["a"]
    answers.close()
    assert len(tape.read_text().splitlines()) == 1


def test_a_cassette_around_an_endpoint_is_read_from_a_recipe(endpoint, tape):
    chat = Endpoint(url=endpoint.url, model="eyes")
    cassette = Cassette(path=tape, mode="fill", chat=chat)
    holder = make_dataclass("Holder", [("chat", AnyChat)], frozen=True)
    assert parse(holder, dump(holder(cassette))).chat == cassette
    ask(cassette, questions("ab"))
    moved = replace(cassette, chat=replace(chat, url="http://127.0.0.1:9/v1"))
    assert len(ask(moved, questions("ab"))) == 2
    assert len(endpoint.asked) == 2


def test_when_nobody_is_there_it_is_said():
    answers = [Answer(0, "x"), *[Answer(i, trouble="gone", lost=True) for i in range(20)]]
    with pytest.raises(DownloadError, match="parrot left 16 questions in a row"):
        list(heard(answers, "parrot"))
    mixed = [Answer(i, lost=i % 2 == 0) for i in range(50)]
    assert list(heard(mixed, "parrot")) == mixed
