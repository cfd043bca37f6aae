"""Benchmarks that read take a chat for their reader, and limit it as their own code does."""

from PIL import Image

from danqing.evaluation.benchmark import Ask
from danqing.evaluation.benchmarks.cvtg import Cvtg
from danqing.evaluation.benchmarks.longtext import LongText
from danqing.evaluation.benchmarks.oneig_text import OneIGText
from danqing.scorers.readers import ChatReader

PICTURE = Image.new("RGB", (40, 30), "white")


def ask(**data):
    return Ask(id="0", prompt="", category="", data=data)


def test_each_benchmark_has_its_own_limits(witness):
    asked = []
    chat = witness(lambda question: asked.append(question.max_tokens) or "open")
    reader = ChatReader(chat=chat)
    LongText(reader=reader).look(ask(text=["open"], length="short"), PICTURE)
    for words in (60, 61):
        OneIGText(reader=reader).look(ask(printed=str(["a"] * words)), PICTURE)
    Cvtg(reader=reader).look(ask(texts=["open"]), PICTURE)
    assert asked == [1024, 128, 256, None]
    LongText(reader=ChatReader(chat=chat, tokens=5)).look(ask(text=[], length=""), PICTURE)
    assert asked[-1] == 5


def test_lines_are_scored_in_the_order_in_which_they_were_said(witness):
    reader = ChatReader(chat=witness(lambda question: "zebra\nape"))
    benchmark, asked = OneIGText(reader=reader, mode="fixed"), ask(printed="['zebra', 'ape']")
    (score,) = benchmark.score(asked, [benchmark.look(asked, PICTURE)])
    assert (score.value, score.details["read"]) == (1, "zebra ape")
