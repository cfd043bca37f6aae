"""Records of benchmarks, where this machine has them, and a chat that says what a test says."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from danqing.scorers.chat import Answer, Question, chats
from danqing.scorers.health import golden_items


@pytest.fixture
def records():
    """Return what gives the folder of a benchmark's own files, or skips."""
    data = os.environ.get("DANQING_DATA", Path(__file__).parents[3] / "shared" / "data")

    def folder(name: str) -> Path:
        place = Path(data) / "benchmarks" / name
        if not place.is_dir():
            pytest.skip(f"no files of {name} here; set DANQING_DATA to where benchmarks/{name} is")
        return place

    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))


_SAY: dict[str, Callable[[Question], str | Answer]] = {}


_GOLDEN = {item.question.digest: item.truth for item in golden_items()}


@chats.register("witness")
@dataclass(frozen=True, kw_only=True)
class Witness:
    """A chat that says what a function makes of a question; its answers may be whole.

    Golden items it knows, so that a function is asked nothing else.
    """

    model: str

    @property
    def identity(self):
        return {"chat": self.model}

    def ask(self, questions):
        for question in questions:
            truth = _GOLDEN.get(question.digest)
            said = _SAY[self.model](question) if truth is None else "yes" if truth else "no"
            yield (
                Answer(question.key, said)
                if isinstance(said, str)
                else replace(said, key=question.key)
            )


@pytest.fixture
def witness():
    """Return a chat that says what a function makes of a question."""

    def make(say):
        model = f"witness {len(_SAY)}"
        _SAY[model] = say
        return Witness(model=model)

    return make
