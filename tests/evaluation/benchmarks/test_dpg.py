"""Questions that depend on each other, and the mistakes that are made officially."""

import csv
import json
from dataclasses import dataclass

import pytest
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmarks.dpg import DPG
from danqing.evaluation.harness import run
from danqing.scorers.chat import Cassette

HEAD = ["item_id", "text", "keywords", "proposition_id", "dependency", "category_broad",
        "category_detailed", "tuple", "question_natural_language"]  # fmt: skip


def question(item, number, parents, kind, text):
    broad, _, fine = kind.partition(" - ")
    return [item, "", "", number, parents, broad, fine, f"{kind} (x)", text]


ROWS = [
    question("vrd0", 1, "0", "entity - whole", "dog?"),
    question("vrd0", 2, "1", "attribute - color", "brown?"),
    question("vrd0", 3, "2", "attribute - size", "dark brown?"),
    question("12", 1, "0", "entity - whole", "cat?"),
    question("12", 2, "0", "entity - whole", "mat?"),
    question("12", 3, "1, 2", "relation - spatial", "cat on mat?"),
]


@pytest.fixture
def folder(tmp_path):
    def write(rows):
        folder = tmp_path / "dpg"
        (folder / "prompts").mkdir(parents=True, exist_ok=True)
        with (folder / "dpg_bench.csv").open("w", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        for name in ("vrd0", "12"):
            (folder / "prompts" / f"{name}.txt").write_text(f"prompt {name}\n")
        return folder

    return write


@pytest.fixture
def sees(witness):
    """Return a chat that says yes to all but some questions, for each level of red."""

    def judge(no=((), ()), word="yes"):
        def say(question):
            asked = question.text.partition(" Answer")[0]
            return "no" if asked in no[question.images[0].getpixel((0, 0))[0]] else word

        return witness(say)

    return judge


@dataclass(frozen=True)
class Levels:
    """Paints the number of each seed in red; some prompts it does not."""

    fails: tuple = ()

    def identity(self):
        return {"name": "levels", "fails": list(self.fails)}

    def paint(self, ask):
        if ask.id in self.fails:
            return ["no lamp"] * len(ask.seeds)
        return [Image.new("RGB", (2, 2), (n, 0, 0)) for n in range(len(ask.seeds))]


def test_fixed_heeds_parents_everywhere(folder, tmp_path, rows, sees):
    judge = sees(no=(("dog?",), ("mat?",)), word="Yes.")
    benchmark = DPG(folder=folder(ROWS), judge=judge, seeds=2)
    result = run(benchmark, Levels(), tmp_path)
    # vrd0: 0 and 1; 12: 1 and 1/3.
    assert rows(result) == {
        "attribute": 50,
        "entity": pytest.approx(100 * 4 / 6),
        "relation": 50,
        "attribute - color": 50,
        "attribute - size": 50,
        "entity - whole": pytest.approx(100 * 4 / 6),
        "relation - spatial": 50,
        "DPG": pytest.approx(100 * (0 + 1 + 1 + 1 / 3) / 4),
    }
    assert [ask.category for ask in benchmark.asks()] == ["vrd", "coco"]
    assert benchmark.asks()[1].prompt == "prompt 12"


def test_officially_categories_are_of_the_last_picture_and_heed_nobody(
    folder, tmp_path, rows, sees
):
    rows_ = [question("12", 9, "0", "other", "lost?"), *ROWS[3:]]
    judge = sees(no=(("cat?",), ("mat?",)))
    benchmark = DPG(folder=folder(rows_), judge=judge, seeds=2, mode="official")
    found = rows(run(benchmark, Levels(), tmp_path))
    assert found == {
        "entity": 50,
        "relation": 100,
        "entity - whole": 50,
        "relation - spatial": 100,
        "DPG": pytest.approx(100 / 3),
    }
    fixed = DPG(folder=folder(rows_), judge=judge, seeds=2)
    assert rows(run(fixed, Levels(), tmp_path))["other"] == 100


def test_officially_the_first_question_is_lost_and_whoever_depends_on_it(
    folder, tmp_path, rows, sees
):
    judge = sees(no=(("brown?",), ()))
    told = {"folder": folder(ROWS), "judge": judge, "seeds": 1}
    official = run(DPG(**told, mode="official"), Levels(), tmp_path)
    # "brown?" has a parent that is lost: its prompt leaves the mean.
    assert rows(official)["DPG"] == 100
    assert official["table"]["rows"][-1]["count"] == 1
    lines = (tmp_path / "items.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["reason"] == "question 1 is lost, on which others depend"
    assert rows(run(DPG(**told), Levels(), tmp_path))["DPG"] == pytest.approx(100 * 2 / 3)


def test_officially_only_one_spelling_is_yes(folder, tmp_path, rows, sees):
    rows_ = [question("12", 9, "0", "other", "lost?"), *ROWS[3:]]
    told = {"folder": folder(rows_), "judge": sees(word="Yes, it does."), "seeds": 1}
    assert rows(run(DPG(**told), Levels(), tmp_path))["DPG"] == 100
    assert rows(run(DPG(**told, mode="official"), Levels(), tmp_path))["DPG"] == 0


def test_what_is_missing_counts_as_the_mode_says(folder, tmp_path, rows, sees):
    rows_ = [question("x1", 1, "0", "other", "?"), *ROWS[3:]]
    told = {"folder": folder(rows_), "judge": sees(), "seeds": 2}
    (told["folder"] / "prompts" / "x1.txt").write_text("x")
    half = Levels(fails=("12",))
    found = rows(run(DPG(**told), half, tmp_path))
    assert (found["DPG"], found["entity"]) == (50, 0)
    official = rows(run(DPG(**told, mode="official"), half, tmp_path))
    assert official["DPG"] is None
    # One of two pictures is enough to lose the prompt.
    benchmark = DPG(**told, mode="official")
    scores = benchmark.score(
        benchmark.asks()[0], [{"answers": [{"text": "yes", "fate": "read", "tries": 1}] * 3}, None]
    )
    assert [score.value for score in scores] == [None, None]


def test_answers_on_a_tape_are_replayed(folder, tmp_path, rows, sees):
    tape = tmp_path / "tape.jsonl"
    told = {"folder": folder(ROWS[3:]), "seeds": 1}
    live = Cassette(path=tape, mode="fill", chat=sees(no=(("mat?",), ())))
    found = run(DPG(**told, judge=live), Levels(), tmp_path / "live")
    again = run(DPG(**told, judge=Cassette(path=tape)), Levels(), tmp_path / "again")
    assert rows(found) == rows(again)
    assert rows(again)["DPG"] == pytest.approx(100 / 3)
    assert again["answers"] == {"read": 3}


def test_a_question_stands_in_its_phrase(folder, tmp_path, witness):
    heard = []
    judge = witness(lambda question: heard.append(question.text) or "yes")
    told = {"folder": folder(ROWS[3:]), "judge": judge}
    run(DPG(**told, seeds=1, phrase="{question} Say yes."), Levels(), tmp_path)
    assert heard[0] == "cat? Say yes."
    with pytest.raises(RecipeError, match="phrase must have"):
        DPG(**told, phrase="?").look(DPG(**told).asks()[0], Image.new("RGB", (2, 2)))


def test_what_is_not_the_benchmark_is_refused(folder, tmp_path, sees):
    with pytest.raises(SourceError, match=r"must be the benchmark's dpg_bench.csv, got"):
        DPG(folder=tmp_path / "none", judge=sees()).asks()
    place = folder([question("vrd0", 1, "7", "other", "?")])
    with pytest.raises(SourceError, match=r"parents must be questions, got \[7\] in vrd0"):
        DPG(folder=place, judge=sees()).asks()
    (place / "prompts" / "vrd0.txt").unlink()
    place = folder([question("vrd1", 1, "0", "other", "?")])
    with pytest.raises(SourceError, match=r"must be text files, got .*vrd1.txt"):
        DPG(folder=place, judge=sees()).asks()
