"""Runs repeat nothing, lose nothing, and count what is missing as wrong."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask, benchmarks, seeds
from danqing.evaluation.harness import run, task
from danqing.evaluation.memory import Memory
from danqing.evaluation.table import Table, average, categories, macro, micro
from danqing.scorers.base import Score


@benchmarks.register("brightness")
@dataclass(frozen=True, kw_only=True)
class Brightness:
    """Asks for grey levels; 1 if the level is met."""

    version: ClassVar = 3
    mode: str = "fixed"
    count: int = 4
    looker: str = "mean of pixels"

    def asks(self):
        return [
            Ask(
                id=f"{n}",
                prompt=f"grey {40 * n}",
                category="even" if n % 2 == 0 else "odd",
                seeds=seeds("brightness", f"{n}", 2),
                data={"level": 40 * n},
            )
            for n in range(self.count)
        ]

    def look(self, ask, image):
        LOOKED.append(ask.id)
        return {"level": image.getpixel((0, 0))[0]}

    def score(self, ask, seen):
        if self.mode == "official":
            return [Score(None if s is None else 1.0, "there") for s in seen]
        return [
            Score(0.0, "missing")
            if s is None
            else Score(float(s["level"] == ask.data["level"]), "")
            for s in seen
        ]

    def fold(self, items):
        rows = categories(items, average)
        return Table([*rows, macro("all", items)], "all")


LOOKED: list[str] = []


class Painter:
    """Paints the grey asked for; fails where it is told to."""

    def __init__(self, name="painter", fails=(), stop=None):
        self.name = name
        self.fails, self.stop, self.painted = fails, stop, []

    def identity(self):
        return {"name": self.name}

    def paint(self, ask):
        if self.stop == len(self.painted):
            raise KeyboardInterrupt
        self.painted.append(ask.id)
        if ask.id in self.fails:
            return ["the lamp is broken"] * len(ask.seeds)
        level = ask.data["level"]
        images = [Image.new("RGB", (8, 8), (level,) * 3) for _ in ask.seeds]
        for image, seed in zip(images, ask.seeds, strict=True):
            image.putpixel((7, 7), (seed % 256, 0, 0))
        return images


@pytest.fixture(autouse=True)
def nothing_seen():
    LOOKED.clear()


def scores(result):
    return {row["name"]: row["score"] for row in result["table"]["rows"]}


def test_a_finished_run_paints_and_asks_nothing_again(tmp_path):
    first = run(Brightness(), Painter(), tmp_path)
    assert scores(first) == {"even": 1, "odd": 1, "all": 1}
    assert len(LOOKED) == 8
    again = Painter()
    second = run(Brightness(), again, tmp_path)
    assert (again.painted, len(LOOKED)) == ([], 8)
    assert second["table"] == first["table"]


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(Brightness(), Painter(stop=3), tmp_path)
    assert not (tmp_path / "result.json").exists()
    resumed = Painter()
    run(Brightness(), resumed, tmp_path)
    assert resumed.painted == ["3"]


def test_what_is_missing_is_wrong_and_listed_and_tried_again(tmp_path):
    result = run(Brightness(), Painter(fails=("2",)), tmp_path)
    assert scores(result) == {"even": 0.5, "odd": 1, "all": 0.75}
    assert [m["trouble"] for m in result["missing"]] == ["the lamp is broken"] * 2
    assert "pictures are missing" in (tmp_path / "index.html").read_text()
    whole = run(Brightness(), Painter(), tmp_path)
    assert (scores(whole)["all"], whole["missing"]) == (1, [])


def test_another_mode_or_rule_looks_at_nothing_again(tmp_path):
    painter = Painter(fails=("2",))
    run(Brightness(), painter, tmp_path)
    looked = len(LOOKED)
    official = run(Brightness(mode="official"), painter, tmp_path)
    assert len(LOOKED) == looked
    assert scores(official)["even"] == 1
    run(Brightness(looker="another eye"), painter, tmp_path)
    assert len(LOOKED) == 2 * looked


def test_another_generator_has_pictures_of_its_own(tmp_path):
    run(Brightness(), Painter(), tmp_path)
    other = Painter("another")
    run(Brightness(), other, tmp_path)
    assert len(other.painted) == 4
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 16
    record = json.loads(next((tmp_path / "pictures").glob("*.json")).read_text())
    assert record["generator"]["name"] in ("painter", "another")


def test_a_result_says_what_it_was_made_of(tmp_path):
    result = run(Brightness(), Painter(), tmp_path, hands=4)
    assert result["task"] == task(Brightness()) == "brightness@3, fixed"
    assert result["settings"] == {"mode": "fixed", "count": 4, "looker": "mean of pixels"}
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(result))
    lines = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    page = (tmp_path / "index.html").read_text()
    for line in lines:
        assert (tmp_path / line["file"]).exists()
        assert f'src="{line["file"]}"' in page


def test_nothing_to_ask_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="must ask for something"):
        run(Brightness(count=0), Painter(), tmp_path)


@pytest.mark.parametrize("torn", [b"", b'{"key": "b", "se', b"{"])
def test_memory_forgets_a_line_that_was_cut_short_and_nothing_else(tmp_path, torn):
    memory = Memory(tmp_path / "seen.jsonl")
    memory.put("a", {"said": "是"})
    with (tmp_path / "seen.jsonl").open("ab") as file:
        file.write(torn)
    again = Memory(tmp_path / "seen.jsonl")
    assert again.get("a") == {"said": "是"}
    assert again.get("b") is None
    again.put("b", {"said": 2})
    assert Memory(tmp_path / "seen.jsonl").get("b") == {"said": 2}


def test_memory_with_nothing_but_a_torn_line_is_empty(tmp_path):
    (tmp_path / "seen.jsonl").write_bytes(b'{"key"')
    memory = Memory(tmp_path / "seen.jsonl")
    memory.put("a", {})
    assert Memory(tmp_path / "seen.jsonl").get("a") == {}


def test_a_ratio_weighs_items_by_what_could_be_reached(tmp_path):
    run(Brightness(), Painter(), tmp_path)
    items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert len(items) == 8

    class Found:
        def __init__(self, part, whole, id):
            self.part, self.whole, self.ask = part, whole, Ask(id=id, prompt="", category="")

    found = [Found(1, 1, "a"), Found(0, 9, "b")]
    row = micro("words", found, lambda i: i.part, lambda i: i.whole)
    assert row.score == 0.1
    assert row.interval == (0, 1)
    assert micro("none", [], lambda i: 1.0, lambda i: 1.0).score is None


@benchmarks.register("beside_truth")
@dataclass(frozen=True, kw_only=True)
class BesideTruth(Brightness):
    """Compares pictures with a file."""

    truth: str = ""
    level: int = 40
    count: int = 1

    def asks(self):
        data, files = {"level": self.level}, (Path(self.truth),)
        return [replace(ask, prompt="grey", data=data, files=files) for ask in super().asks()]


def test_another_truth_or_record_is_looked_at_anew(tmp_path):
    truth = tmp_path / "truth"
    truth.write_text("a")
    first = run(BesideTruth(truth=str(truth)), Painter(), tmp_path)
    run(BesideTruth(truth=str(truth)), Painter(), tmp_path)
    assert len(LOOKED) == 2
    truth.write_text("b")
    second = run(BesideTruth(truth=str(truth)), Painter(), tmp_path)
    assert len(LOOKED) == 4
    assert first["asks_sha256"] != second["asks_sha256"]
    run(BesideTruth(truth=str(truth), level=41), Painter(), tmp_path)
    assert len(LOOKED) == 6
    truth.unlink()
    with pytest.raises(SourceError, match=r"must be there, got none at .*truth; check"):
        run(BesideTruth(truth=str(truth)), Painter(), tmp_path)
