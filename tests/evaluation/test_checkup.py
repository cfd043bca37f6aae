"""A judge is asked what is known whenever it is to say something new, and its changes are told."""

import json
import logging
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from PIL import Image

from danqing.core.errors import DownloadError
from danqing.evaluation.asking import said
from danqing.evaluation.benchmark import Ask, benchmarks
from danqing.evaluation.harness import run
from danqing.evaluation.table import Table, average
from danqing.scorers.base import Score
from danqing.scorers.chat import Answer, Cassette, Question, chats, live
from danqing.scorers.health import golden_items

TRUTH = {item.question.digest: item.truth for item in golden_items()}
STATE: dict[str, Any] = {}


@chats.register("weathercock")
@dataclass(frozen=True, kw_only=True)
class Weathercock:
    """Answers golden items as the day's state says, and all else with yes."""

    model: str = "cock"

    @property
    def identity(self):
        return {"chat": self.model}

    def ask(self, questions):
        for question in questions:
            truth = TRUTH.get(question.digest)
            if truth is None:
                yield Answer(question.key, "yes", served=STATE["served"])
                continue
            STATE["golden"] += 1
            says = {"right": truth, "yes": True}.get(STATE["says"])
            if says is None:
                yield Answer(question.key, trouble="gone", lost=True)
            else:
                yield Answer(question.key, "yes" if says else "no", served=STATE["served"])


@benchmarks.register("asked")
@dataclass(frozen=True, kw_only=True)
class Asked:
    """Asks a chat whether it likes grey pictures."""

    version: ClassVar = 1
    judge: Any
    mode: str = "fixed"
    count: int = 1

    @property
    def looker(self):
        return json.dumps(self.judge.identity)

    def asks(self):
        return [Ask(id=f"{n}", prompt=f"grey {n}", category="grey") for n in range(self.count)]

    def look(self, ask, image):
        return {"answers": said(self.judge, [Question(text="Nice?", images=(image,))])}

    def score(self, ask, seen):
        return [Score(1.0, "")] * len(seen)

    def fold(self, items):
        return Table([average("all", items)], "all")


class Painter:
    def identity(self):
        return {"name": "grey"}

    def paint(self, ask):
        return [Image.new("RGB", (4, 4), (int(ask.id),) * 3)]


@pytest.fixture(autouse=True)
def fair_weather():
    STATE.update(says="right", served="cock-1", golden=0)


def checks(folder):
    return json.loads((folder / "health.json").read_text())


def test_golden_items_are_asked_in_each_run_that_looks_at_something_new(tmp_path):
    first = run(Asked(judge=Weathercock()), Painter(), tmp_path)
    assert STATE["golden"] == 32
    assert first["health"]["accuracy"] == 1
    assert (first["health"]["wrong"], first["health"]["drift"]) == ([], [])
    again = run(Asked(judge=Weathercock()), Painter(), tmp_path)
    assert STATE["golden"] == 32
    assert again["health"] == first["health"]
    more = run(Asked(judge=Weathercock(), count=2), Painter(), tmp_path)
    assert STATE["golden"] == 64
    assert (more["health"]["checks"], more["health"]["drift"]) == (2, [])
    assert len(checks(tmp_path)) == 2
    assert "answers 100% of 32 golden items rightly" in (tmp_path / "index.html").read_text()


def test_what_has_changed_stays_in_the_results(tmp_path, caplog):
    run(Asked(judge=Weathercock()), Painter(), tmp_path)
    STATE.update(says="yes", served="cock-2")
    with caplog.at_level(logging.WARNING):
        changed = run(Asked(judge=Weathercock(), count=2), Painter(), tmp_path)
    health = changed["health"]
    assert (health["accuracy"], health["sensitivity"], health["specificity"]) == (0.5, 1, 0)
    assert len(health["wrong"]) == 16
    assert any("served by cock-1 and is by cock-2" in change for change in health["drift"])
    assert any("16 of 32 golden items" in change for change in health["drift"])
    assert "the judge has changed: it was served by cock-1" in caplog.text
    page = (tmp_path / "index.html").read_text()
    assert "<b>It has changed</b>: it was served by cock-1" in page
    assert "specificity 0.00" in page
    caplog.clear()
    # Pictures of both days are in the table, though it does not change any more.
    later = run(Asked(judge=Weathercock(), count=3), Painter(), tmp_path)
    assert later["health"]["drift"] == health["drift"]
    assert caplog.text == ""


def test_another_judge_in_the_folder_is_no_change(tmp_path):
    run(Asked(judge=Weathercock()), Painter(), tmp_path)
    STATE["says"] = "yes"
    other = run(Asked(judge=Weathercock(model="hen")), Painter(), tmp_path)
    assert (other["health"]["checks"], other["health"]["drift"]) == (1, [])
    STATE["says"] = "right"
    back = run(Asked(judge=Weathercock()), Painter(), tmp_path)
    assert back["health"]["accuracy"] == 1
    assert len(checks(tmp_path)) == 2


def test_a_replay_is_asked_nothing_and_a_tape_that_is_filled_holds_no_golden_items(tmp_path):
    tape = tmp_path / "tape.jsonl"
    filled = Cassette(path=tape, mode="fill", chat=Weathercock())
    live_run = run(Asked(judge=filled), Painter(), tmp_path / "live")
    assert live_run["health"]["accuracy"] == 1
    assert len(tape.read_text().splitlines()) == 1
    for replayed in (Cassette(path=tape), Cassette(path=tape, chat=Weathercock())):
        STATE["golden"] = 0
        result = run(Asked(judge=replayed), Painter(), tmp_path / "replayed")
        assert (STATE["golden"], result["health"], result["answers"]) == (0, None, {"read": 1})
    assert not (tmp_path / "replayed" / "health.json").exists()


def test_who_is_asked_stands_behind_all_tapes(tmp_path):
    cock, tape = Weathercock(), tmp_path / "tape.jsonl"
    assert live(cock) is cock
    inner = Cassette(path=tape, mode="record", chat=cock)
    assert live(Cassette(path=tape, mode="fill", chat=inner)) is cock
    assert live(Cassette(path=tape, mode="fill", chat=Cassette(path=tape, chat=cock))) is None
    assert live(Cassette(path=tape, chat=inner)) is None


def test_a_judge_that_is_not_there_is_told_before_anything_is_looked_at(tmp_path):
    STATE["says"] = "nothing"
    with pytest.raises(DownloadError, match="16 questions in a row"):
        run(Asked(judge=Weathercock()), Painter(), tmp_path)
    assert not (tmp_path / "seen.jsonl").exists()
    assert not (tmp_path / "health.json").exists()
