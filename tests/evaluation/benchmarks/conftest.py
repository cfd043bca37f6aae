"""A painter that does what a test says, and a listing of what to paint."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from danqing.evaluation.benchmark import Ask


@dataclass(frozen=True)
class Painter:
    """Gives, for each seed of an ask, what a function makes of it."""

    make: Callable[[Ask], object]
    name: str = "painter"

    def identity(self):
        return {"name": self.name}

    def paint(self, ask):
        return [self.make(ask) for _ in ask.seeds]


@pytest.fixture
def painter():
    return Painter


@pytest.fixture
def listed(tmp_path):
    """Write records as JSONL beside their files; return its path."""

    def write(*records):
        path = tmp_path / "data.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


@pytest.fixture
def cloned(records, tmp_path):
    """Return what copies a benchmark's own files beside a script, as they are in a clone."""

    def copy(name, script, text):
        place = shutil.copytree(records(name), tmp_path / name)
        (place / script).write_text(text)
        return place

    return copy


@pytest.fixture
def rows():
    """Return scores by the names of rows."""
    return lambda result: {row["name"]: row["score"] for row in result["table"]["rows"]}
