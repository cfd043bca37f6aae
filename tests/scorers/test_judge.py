"""However a chat answers, every failure is counted and none is a value."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image

from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import Answer, Endpoint, Question
from danqing.scorers.judge import Judge, Pair
from danqing.scorers.replies import choice, yes


@dataclass(frozen=True, kw_only=True)
class Script:
    """Answers by a function of the question, at most `hands` ahead."""

    play: Any
    model: str = "script"
    hands: int = 1
    asked: list[Question] = field(default_factory=list)

    @property
    def identity(self):
        return {"chat": "script", "model": self.model}

    def ask(self, questions):
        held = []
        for question in questions:
            self.asked.append(question)
            held.append(question)
            if len(held) == self.hands:
                yield self._answer(held.pop())
        while held:
            yield self._answer(held.pop())

    def _answer(self, question):
        said = self.play(question)
        if isinstance(said, Answer):
            return said
        return Answer(question.key, said, read=10, written=2, served="script-1")


def red(text="is it red?", key=None):
    return Question(text=text, images=(Image.new("RGB", (8, 8), "red"),), key=key)


def read(answer):
    return yes(answer.text)


@pytest.mark.parametrize("hands", [1, 3])
def test_verdicts_come_in_order_with_their_keys(hands):
    chat = Script(play=lambda q: "Yes" if "7" in q.text else "No.", hands=hands)
    verdicts = Judge(chat).judge((red(f"is it {n}?", key=f"k{n}") for n in range(10)), read)
    assert [v.key for v in verdicts] == [f"k{n}" for n in range(10)]
    assert [v.value for v in verdicts] == [n == 7 for n in range(10)]


@pytest.mark.parametrize("hands", [1, 4])
def test_what_cannot_be_read_is_asked_again_so_often(hands):
    said = {}

    def play(question):
        said[question.text] = said.get(question.text, 0) + 1
        return "Yes" if "good" in question.text or question.repeat == 2 else "Hm."

    judge = Judge(Script(play=play, hands=hands), tries=3)
    verdicts = judge.judge([red("good"), red("bad"), red("good too")], read)
    assert [v.value for v in verdicts] == [True, True, True]
    assert [v.tries for v in verdicts] == [1, 3, 1]
    assert judge.counts["asked again"] == 2
    judge = Judge(Script(play=lambda q: "Hm.", hands=hands), tries=2)
    (verdict,) = judge.judge([red()], read)
    assert (verdict.value, verdict.fate, verdict.text) == (None, "unreadable", "Hm.")
    assert judge.report()["counts"] == {
        "asked again": 1, "tokens read": 20, "tokens written": 4, "unreadable": 1,
    }  # fmt: skip


def test_a_reminder_is_for_those_who_did_not_listen():
    chat = Script(play=lambda q: "Yes" if "only" in q.text else "Hm.")
    judge = Judge(chat, tries=2, reminder="Say yes or no only.")
    (verdict,) = judge.judge([red("red?")], read)
    assert verdict.value is True
    assert [q.text for q in chat.asked] == ["red?", "red?\n\nSay yes or no only."]


def test_refusals_and_losses_have_no_value_and_are_counted():
    def play(question):
        if "silent" in question.text:
            return Answer(question.key, trouble="gone", lost=True)
        if "forbidden" in question.text:
            return Answer(question.key, trouble="indecent")
        return "I'm sorry, I can't." if "shy" in question.text else "No"

    judge = Judge(Script(play=play), tries=1)
    verdicts = judge.judge(map(red, ("silent", "forbidden", "shy", "plain")), read)
    assert [v.fate for v in verdicts] == ["lost", "refused", "refused", "read"]
    assert [v.value for v in verdicts] == [None, None, None, False]
    assert judge.counts["refused"] == 2
    assert judge.report()["served"] == {"script-1": 2}
    assert [v.trouble for v in verdicts] == ["gone", "indecent", None, None]
    with pytest.raises(DownloadError, match="16 questions in a row"):
        judge.judge([red("silent")] * 20, read)
    with pytest.raises(RecipeError, match="tries must be at least 1"):
        Judge(Script(play=play), tries=0)


def test_pictures_are_opened_as_they_are_asked_about():
    opened = []

    def questions():
        for n in range(9):
            opened.append(n)
            yield red(f"{n}")

    def play(question):
        assert len(opened) == int(question.text) + 1
        return "Yes"

    assert len(Judge(Script(play=play)).judge(questions(), read)) == 9


class Killed(Exception):
    pass


def test_a_tape_survives_a_kill_and_pays_nothing_twice(tmp_path):
    tape = tmp_path / "answers.jsonl"
    left = [4]

    def play(question):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return "Hm." if "3" in question.text and question.repeat == 0 else "Yes"

    questions = [red(f"{n}") for n in range(6)]
    with pytest.raises(Killed):
        Judge(Script(play=play), tape).judge(questions, read)
    left[0] = 100
    tape.write_bytes(tape.read_bytes()[:-9])  # a kill in the middle of a line
    chat = Script(play=play)
    verdicts = Judge(chat, tape).judge(questions, read)
    assert [v.value for v in verdicts] == [True] * 6
    assert [v.tries for v in verdicts] == [1, 1, 1, 2, 1, 1]
    assert [q.text for q in chat.asked] == ["3", "3", "4", "5"]
    asked = len(chat.asked)
    judge = Judge(chat, tape)
    assert judge.judge(questions, read) == verdicts
    assert len(chat.asked) == asked
    assert len(tape.read_text().splitlines()) == 7


def brightness(image):
    return image.getpixel((0, 0))[0]


def pairs():
    shades = [(10, 200), (200, 10), (50, 50)]
    for n, (a, b) in enumerate(shades):
        yield Pair(
            text="which is brighter?",
            first=Image.new("RGB", (4, 4), (a, a, a)),
            second=Image.new("RGB", (4, 4), (b, b, b)),
            before=(Image.new("RGB", (4, 4), "red"),),
            key=n,
        )


def test_pairs_are_seen_in_both_orders():
    def play(question):
        _, a, b = map(brightness, question.images)
        return "tie" if a == b else "A" if a > b else "[[B]]"

    judge = Judge(Script(play=play, hands=2))
    found = judge.compare(pairs())
    assert [(p.key, p.value, p.agreed) for p in found] == [
        (0, "second", True), (1, "first", True), (2, "tie", True),
    ]  # fmt: skip
    assert judge.counts["pairs"] == 3
    assert judge.counts["pairs by place"] == judge.counts["pairs in disagreement"] == 0


def test_who_prefers_a_place_prefers_nothing():
    judge = Judge(Script(play=lambda question: "A"))
    assert [(p.value, p.agreed) for p in judge.compare(pairs())] == [("tie", False)] * 3
    assert judge.counts["pairs by place"] == judge.counts["pairs in disagreement"] == 3


def test_both_are_bad_only_if_they_are_in_both_orders():
    def play(question):
        return "bad" if brightness(question.images[1]) != 10 else "A"

    judge = Judge(Script(play=play))
    found = judge.compare(pairs(), lambda answer: choice(answer.text, bad=True))
    assert [(p.value, p.agreed) for p in found] == [
        ("tie", False), ("tie", False), ("bad", True),
    ]  # fmt: skip
    assert (judge.counts["pairs in disagreement"], judge.counts["pairs by place"]) == (2, 0)


def test_an_order_without_an_answer_is_no_preference():
    judge = Judge(Script(play=lambda q: "A" if brightness(q.images[1]) == 10 else "Hm."), tries=1)
    found = judge.compare(pairs())
    assert [p.value for p in found] == [None] * 3
    assert [[v.fate for v in p.orders] for p in found[:2]] == [
        ["read", "unreadable"], ["unreadable", "read"],
    ]  # fmt: skip
    assert judge.counts["pairs"] == 0


def test_over_the_wire(endpoint, tmp_path):
    endpoint.play = lambda asked: endpoint.reply("Yes" if asked.row == 3 else "no")
    chat = Endpoint(url=endpoint.url, model="eyes", concurrency=4)
    judge = Judge(chat, tmp_path / "tape.jsonl")
    questions = [
        Question(text="is it 3?", images=(Image.new("RGB", (8, 8), (4 * n,) * 3),), lossless=True)
        for n in range(12)
    ]
    assert [v.value for v in judge.judge(questions, read)] == [n == 3 for n in range(12)]
    assert judge.report()["served"] == {"eyes-2026-01-01": 12}
    json.dumps(judge.report())
    assert len(endpoint.asked) == 12
