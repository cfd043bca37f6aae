"""A judge's opinion is a mean over scores where it tells chances, and else what it wrote."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.config import dump, parse
from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import Answer, Endpoint, Place
from danqing.scorers.opinion import JudgeScorer, expectation, written
from danqing.scorers.world import Object, Scene

RED = Image.new("RGB", (8, 8), "red")


class Script:
    """Answers by a function of the question."""

    model = "script"
    identity = {"chat": "script"}  # noqa: RUF012  (a test's)

    def __init__(self, play):
        self.play, self.asked = play, []

    def ask(self, questions):
        for question in questions:
            self.asked.append(question)
            said = self.play(question)
            yield said(question.key) if callable(said) else Answer(question.key, said)


def places(**likely):
    logs = {token.strip("_"): math.log(chance) for token, chance in likely.items()}
    return (Place(max(logs, key=logs.get), logs), Place("<end>", {"<end>": 0.0}))


@given(st.lists(st.floats(0.01, 1), min_size=6, max_size=6))
def test_the_expected_score_is_the_mean_over_scores(weights):
    told = places(**{f"_{n}": weight / sum(weights) for n, weight in enumerate(weights)})
    mean = sum(n * weight for n, weight in enumerate(weights)) / sum(weights)
    assert expectation(told, 5) == pytest.approx(mean, abs=1e-6)


def test_an_expected_score_needs_chances_of_scores():
    assert expectation((), 5) is None
    assert expectation(places(_4=0.6, _5=0.2, The=0.2), 5) == pytest.approx(4.25)
    assert expectation(places(_four=0.5, _2=0.5), 5) == pytest.approx(3.0)
    assert expectation(places(The=0.7, _4=0.3), 5) is None
    assert expectation(places(_9=1.0), 5) is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("4", 4), (" **3.5** ", 3.5), ("4.", 4), ("score: 2", 2), ('{"score": 5}', 5),
        ("<think>5? no</think>1", 1), ("six", None), ("6", None), ("-1", None), ("about 4", None),
    ],
)  # fmt: skip
def test_a_written_score_is_a_bare_or_a_named_number(text, score):
    assert written(text, 5) == score


def test_pictures_are_judged_by_their_sentences():
    chat = Script(lambda q: "5" if "a {red} box" in q.text else "1")
    scorer = JudgeScorer(chat=chat)
    scene = Scene("colors", (Object("star", color="red"),))
    found = scorer.score([RED] * 3, ["a {red} box", scene, "a cat"])
    assert [one.value for one in found] == [1.0, None, 0.2]
    assert found[1].reason == "no sentence was asked for"
    assert "to 5 (" in chat.asked[0].text
    assert (chat.asked[0].top, chat.asked[0].max_tokens) == (20, 16)


def test_chances_are_preferred_to_what_was_written():
    told = places(_4=0.75, _0=0.25)
    scorer = JudgeScorer(chat=Script(lambda q: lambda key: Answer(key, "4", places=told)))
    assert scorer.score([RED], ["a box"])[0].value == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("play", "fate"),
    [
        (lambda q: "lovely", "unreadable"),
        (lambda q: "I cannot assist with that.", "refused"),
        (lambda q: lambda key: Answer(key, trouble="not allowed"), "refused"),
        (lambda q: lambda key: Answer(key, trouble="no line", lost=True), "lost"),
    ],
)
def test_what_has_no_answer_is_unscored_and_says_why(play, fate):
    (found,) = JudgeScorer(chat=Script(play), tries=1).score([RED], ["a box"])
    assert found.value is None
    assert found.details["fate"] == fate
    assert f"is {fate}: " in found.reason


def test_nobody_there_ends_it():
    lost = Script(lambda q: lambda key: Answer(key, trouble="no line", lost=True))
    with pytest.raises(DownloadError, match="16 questions in a row"):
        JudgeScorer(chat=lost).score([RED] * 16, ["a box"] * 16)


def test_nothing_is_paid_twice(tmp_path):
    for asked in (2, 0):
        chat = Script(lambda q: "3")
        scorer = JudgeScorer(chat=chat, tape=tmp_path / "tape.jsonl")
        assert [one.value for one in scorer.score([RED] * 2, ["a box", "a cat"])] == [0.6] * 2
        assert len(chat.asked) == asked


def test_an_unreadable_answer_is_asked_for_again():
    chat = Script(lambda q: "2" if "nothing else" in q.text.splitlines()[-1] and q.repeat else "?")
    assert JudgeScorer(chat=chat).score([RED], ["a box"])[0].value == 0.4


def test_an_endpoint_judges_and_a_recipe_says_which(endpoint):
    endpoint.play = lambda asked: endpoint.reply("4")
    told = {
        "chat": {"name": "endpoint", "url": endpoint.url, "model": "eyes"},
        "question": "{prompt}? 0 to {most}",
        "most": 8,
    }
    scorer = parse(JudgeScorer, told)
    assert isinstance(scorer.chat, Endpoint)
    assert [one.value for one in scorer.score([RED] * 3, ["a box", "b", "c"])] == [0.5] * 3
    assert {one.prompt for one in endpoint.asked} == {f"{w}? 0 to 8" for w in ("a box", "b", "c")}
    assert parse(JudgeScorer, dump(scorer)) == scorer


@pytest.mark.parametrize("wrong", [{"question": "good?"}, {"most": 0}, {"top": -1}, {"tries": 0}])
def test_settings_that_ask_nothing_are_refused(wrong):
    with pytest.raises(RecipeError, match=f"{next(iter(wrong))} must"):
        JudgeScorer(chat=Script(None), **wrong)
