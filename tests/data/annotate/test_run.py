"""However a run ends and begins again, every row is annotated once and nothing is paid twice."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from danqing.cli.annotate import annotate
from danqing.core.config import dump, load, write
from danqing.core.errors import DownloadError, RecipeError, StorageError, UnknownName
from danqing.core.registry import Registry
from danqing.data.annotate.columns import COLUMNS
from danqing.data.annotate.instruction import INSTRUCTIONS
from danqing.data.annotate.prices import Prices
from danqing.data.annotate.run import Recipe, run
from danqing.data.corpus import Corpus
from danqing.data.sources.folder import Folder
from danqing.scorers.chat import Endpoint

ROWS = 24
EVEN = re.compile(r"[02468]\.$")
KEY = "sk-Very-Secret_0123456789"


@pytest.fixture
def corpus(make_corpus):
    return make_corpus(ROWS)


@pytest.fixture
def recipe(endpoint, corpus):
    annotator = Endpoint(
        url=endpoint.url, model="eyes", key="ENDPOINT_KEY", concurrency=4, retries=1, backoff=0.01
    )
    return Recipe(corpus=corpus.folder, annotator=annotator, side=64)


def columns(corpus):
    return corpus.read(COLUMNS).to_pydict()


def annotations(corpus):
    return [json.loads(text) if text else None for text in columns(corpus)["annotation"]]


def stubborn(endpoint):
    """Make every third row need a second answer, and every seventh never give one of use."""
    play = endpoint.play

    def answer(asked):
        reply = play(asked)
        again = "Your last answer was refused" in asked.prompt
        if asked.row % 7 == 5 or (asked.row % 3 == 1 and not again):
            return replace(reply, text="I think it is a square.")
        return reply

    endpoint.play = answer


def test_all_rows_are_annotated_in_three_columns(endpoint, corpus, recipe):
    seen = []
    manifest = run(recipe, lambda done, total: seen.append((done, total)))
    for row, found in enumerate(annotations(corpus)):
        assert f"square number {row}." in found["Caption"]
        assert found["Watermark List"] == []
        assert found["instruction"] == INSTRUCTIONS["en"].digest
        assert found["annotator"] == "eyes"
    assert columns(corpus)["annotation_note"] == [None] * ROWS
    assert manifest["rows"] == {
        "wanted": ROWS, "annotated": ROWS, "given up": 0, "unreadable": 0, "open": 0,
    }  # fmt: skip
    assert manifest["tokens"] == {"read": 1000 * ROWS, "written": 100 * ROWS}
    assert manifest["stopped"] is None
    assert seen[0] == (0, ROWS)
    assert seen[-1] == (ROWS, ROWS)
    assert seen == sorted(seen)
    text = (corpus.folder / "annotations.json").read_text()
    assert json.loads(text) == manifest
    assert all(KEY not in file.read_text() for file in corpus.folder.glob("annotations.*"))


def test_run_again_nothing_is_asked_and_nothing_changes(endpoint, corpus, recipe):
    stubborn(endpoint)
    run(recipe)
    asked, before, version = len(endpoint.asked), columns(corpus), corpus._open().version
    manifest = run(recipe)
    assert len(endpoint.asked) == asked
    assert manifest["asked"] == 0
    assert columns(corpus) == before
    assert corpus._open().version == version


def test_answers_of_no_use_are_asked_again_with_the_reason_and_then_given_up(
    endpoint, corpus, recipe
):
    stubborn(endpoint)
    manifest = run(recipe)
    times = Counter(asked.row for asked in endpoint.asked)
    for row in range(ROWS):
        assert times[row] == (3 if row % 7 == 5 else 2 if row % 3 == 1 else 1)
    again = [a.prompt for a in endpoint.asked if a.row == 5][1]
    assert "because it holds no whole JSON object" in again
    notes = columns(corpus)["annotation_note"]
    never = [row for row in range(ROWS) if row % 7 == 5]
    assert [row for row, note in enumerate(notes) if note] == never
    assert notes[5] == "schema: it holds no whole JSON object"
    assert [row for row, found in enumerate(annotations(corpus)) if found is None] == never
    assert manifest["rows"]["given up"] == len(never)
    assert manifest["refused answers"] == {"schema": sum(times.values()) - ROWS + len(never)}


def test_rows_that_were_given_up_are_asked_again_when_told(endpoint, corpus, recipe):
    play = endpoint.play
    stubborn(endpoint)
    run(recipe)
    endpoint.play = play
    endpoint.asked.clear()
    run(replace(recipe, tries=4))
    assert sorted(a.row for a in endpoint.asked) == [r for r in range(ROWS) if r % 7 == 5]
    assert None not in annotations(corpus)
    assert columns(corpus)["annotation_note"] == [None] * ROWS


class Killed(Exception):
    pass


def test_killed_anywhere_it_goes_on_and_ends_the_same(endpoint, make_corpus, recipe):
    stubborn(endpoint)
    run(recipe)
    whole = columns(Corpus(recipe.corpus))
    once = Counter(asked.row for asked in endpoint.asked)
    endpoint.asked.clear()
    corpus = make_corpus(ROWS, "killed")
    recipe = replace(recipe, corpus=corpus.folder)
    chance = random.Random(0)
    kills = 0
    while True:
        left = chance.randrange(1, 9)

        def kill(done, total):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        try:
            run(recipe, kill)
        except Killed:
            kills += 1
        else:
            break
    assert kills > 3
    assert columns(corpus) == whole
    times = Counter(asked.row for asked in endpoint.asked)
    assert all(times[row] >= once[row] for row in range(ROWS))
    # Only what was being answered at a kill is asked once more.
    assert times.total() - once.total() <= kills * recipe.annotator.concurrency
    lines = (corpus.folder / "annotations.jsonl").read_text().splitlines()
    assert Counter(int(json.loads(line)["key"][5:8]) for line in lines) == once


def test_killed_by_the_system_it_goes_on_and_ends_the_same(endpoint, make_corpus, recipe, tmp_path):
    stubborn(endpoint)
    run(recipe)
    whole = columns(Corpus(recipe.corpus))
    once = Counter(asked.row for asked in endpoint.asked)
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), delay=0.05)
    endpoint.asked.clear()
    corpus = make_corpus(ROWS, "killed")
    recipe = replace(recipe, corpus=corpus.folder)
    write(recipe, tmp_path / "recipe.toml")
    code = (
        "import sys; from danqing.core.config import load;"
        "from danqing.data.annotate.run import Recipe, run; run(load(Recipe, sys.argv[1]))"
    )
    for more in (5, 11):
        wanted = len(endpoint.asked) + more
        process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "recipe.toml"])
        while len(endpoint.asked) < wanted:
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    # What a kill in the middle of a line leaves behind:
    journal = corpus.folder / "annotations.jsonl"
    lines = journal.read_bytes()
    journal.write_bytes(lines[: lines.rfind(b"\n", 0, -1) + 20])
    run(recipe)
    assert columns(corpus) == whole
    times = Counter(asked.row for asked in endpoint.asked)
    assert all(times[row] >= once[row] for row in range(ROWS))
    assert times.total() - once.total() <= 2 * recipe.annotator.concurrency + 1


def test_columns_that_a_kill_left_half_replaced_are_finished(corpus, recipe):
    run(recipe)
    before = columns(corpus)
    corpus._open().alter_columns({"path": "recaption", "name": "new_recaption"})
    run(recipe)
    assert columns(corpus) == before
    assert "new_recaption" not in corpus.columns


@pytest.mark.parametrize("mode", ["missing", "all", "none"])
def test_recaptions_are_filled_only_where_asked(endpoint, corpus, recipe, mode):
    before = corpus.read(["recaption"])["recaption"].to_pylist()
    run(replace(recipe, recaption=mode))
    captions = [found["Caption"] for found in annotations(corpus)]
    wanted = {
        "missing": [old or new for old, new in zip(before, captions, strict=True)],
        "all": captions,
        "none": before,
    }
    assert columns(corpus)["recaption"] == wanted[mode]


def test_with_other_rules_old_answers_are_judged_anew(endpoint, corpus, recipe):
    play = endpoint.play
    vague = "The image shows a beautiful scene with a plain grey square in it."

    def gush(asked):
        found = json.loads(play(asked).text)
        text = json.dumps(found | {"Caption": vague}) if asked.row == 2 else json.dumps(found)
        return replace(play(asked), text=text)

    endpoint.play = gush
    free = replace(recipe, skip=("generality",))
    run(free)
    assert annotations(corpus)[2]["Caption"] == vague
    assert columns(corpus)["recaption"][2] == vague
    endpoint.asked.clear()
    endpoint.play = play
    run(replace(recipe, tries=2))
    assert [asked.row for asked in endpoint.asked] == [2]
    assert "true of almost any picture" in endpoint.asked[0].prompt
    assert "square number 2." in annotations(corpus)[2]["Caption"]
    assert "square number 2." in columns(corpus)["recaption"][2]


def test_what_is_of_no_use_by_other_rules_leaves_the_columns(endpoint, corpus, recipe):
    run(recipe)
    captions = columns(corpus)["recaption"]
    strict = Registry("rule")

    @strict.register("odd")
    def odd(annotation, context):
        return "it is even" if EVEN.search(annotation.caption) else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("danqing.data.annotate.rules.rules", strict)
        patch.setattr("danqing.data.annotate.run.rules", strict)
        run(replace(recipe, tries=1))
    for row in range(ROWS):
        good = row % 2 == 1
        assert (annotations(corpus)[row] is not None) == good
        assert (columns(corpus)["annotation_note"][row] is None) == good
        kept = good or row % 3 == 0  # somebody's own words are not ours to take away
        assert columns(corpus)["recaption"][row] == (captions[row] if kept else None)


def test_another_language_is_another_instruction(endpoint, corpus, recipe):
    run(recipe)
    endpoint.asked.clear()
    play = endpoint.play
    text = "灰色方块占满整个画面，颜色均匀，没有别的物体。"

    def chinese(asked):
        found = json.loads(play(asked).text)
        return replace(play(asked), text=json.dumps(found | {"Caption": text}))

    endpoint.play = chinese
    run(replace(recipe, chinese=0.5))
    asked = sorted(asked.row for asked in endpoint.asked)
    assert 4 < len(asked) < 20
    assert all(a.prompt == INSTRUCTIONS["zh"].task for a in endpoint.asked)
    found = annotations(corpus)
    assert [row for row in range(ROWS) if found[row]["Caption"] == text] == asked
    assert {found[row]["instruction"] for row in asked} == {INSTRUCTIONS["zh"].digest}


def test_columns_are_believed_without_the_journal(endpoint, corpus, recipe):
    run(recipe)
    (corpus.folder / "annotations.jsonl").unlink()
    before = columns(corpus)
    endpoint.asked.clear()
    manifest = run(recipe)
    assert endpoint.asked == []
    assert manifest["rows"]["annotated"] == ROWS
    assert columns(corpus) == before


def test_the_journal_is_believed_of_a_corpus_made_anew(endpoint, corpus, recipe, tmp_path):
    run(recipe)
    shutil.rmtree(corpus.uri)
    names = sorted((tmp_path / "corpus-pictures").glob("*.png"))
    names[0].unlink()  # now all rows have other numbers
    corpus.add("test", Folder(path=tmp_path / "corpus-pictures"))
    endpoint.asked.clear()
    run(recipe)
    assert endpoint.asked == []
    found = annotations(corpus)
    assert ["square number 1." in f["Caption"] for f in found] == [True] + [False] * (ROWS - 2)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_budget_is_exceeded_by_no_more_than_what_was_being_answered(
    endpoint, corpus, recipe, concurrency
):
    each = 1000 * 2e-6 + 100 * 8e-6
    prices = Prices(input=2.0, output=8.0, budget=7.5 * each)
    recipe = replace(
        recipe, prices=prices, annotator=replace(recipe.annotator, concurrency=concurrency)
    )
    manifest = run(recipe)
    assert manifest["stopped"] == "the budget is used up"
    assert manifest["cost"] == pytest.approx(len(endpoint.asked) * each)
    assert 8 <= len(endpoint.asked) <= 8 + concurrency - 1
    assert manifest["rows"]["annotated"] == len(endpoint.asked)
    # It is for all runs together.
    asked = len(endpoint.asked)
    run(recipe)
    assert len(endpoint.asked) == asked
    manifest = run(replace(recipe, prices=replace(prices, budget=1.0)))
    assert manifest["rows"]["annotated"] == ROWS
    assert len(endpoint.asked) == ROWS


def test_a_few_rows_can_be_tried_first(endpoint, corpus, recipe):
    manifest = run(replace(recipe, most=5))
    assert sorted(asked.row for asked in endpoint.asked) == list(range(5))
    assert manifest["rows"]["open"] == ROWS - 5
    assert manifest["stopped"] == "5 rows asked"


def test_only_rows_that_passed_a_stage_are_asked(endpoint, corpus, recipe):
    with pytest.raises(RecipeError, match="filtered"):
        run(replace(recipe, stage="quality"))
    passed = [row % 4 for row in range(ROWS)]
    corpus.fill({"passed": pa.array(passed, pa.int32())})
    stages = {"recipe": {"stages": {"initial": {}, "quality": {}}}}
    (corpus.folder / "manifest.json").write_text(json.dumps(stages))
    run(replace(recipe, stage="quality"))
    assert sorted(asked.row for asked in endpoint.asked) == [r for r in range(ROWS) if r % 4 == 3]
    with pytest.raises(RecipeError, match="unknown stage"):
        run(replace(recipe, stage="qualty"))


def test_pictures_that_cannot_be_shown_are_not_asked_about(endpoint, corpus, recipe):
    images = corpus.read(["image"])["image"].to_pylist()
    images[3] = images[3][:40]
    corpus.fill({"image": pa.array(images, pa.large_binary())})
    manifest = run(recipe)
    assert 3 not in [asked.row for asked in endpoint.asked]
    assert columns(corpus)["annotation_note"][3].startswith("picture: it cannot be decoded")
    assert manifest["rows"]["unreadable"] == 1
    assert manifest["rows"]["annotated"] == ROWS - 1


def test_questions_without_an_answer_are_no_tries(endpoint, corpus, recipe):
    play = endpoint.play
    endpoint.play = lambda asked: (
        replace(play(asked), status=500) if asked.row in (3, 9) else play(asked)
    )
    manifest = run(replace(recipe, tries=1))
    assert manifest["rows"]["open"] == 2
    assert manifest["stopped"] == "2 questions without an answer"
    endpoint.play = play
    assert run(replace(recipe, tries=1))["rows"]["annotated"] == ROWS


def test_when_nobody_is_there_it_stops(endpoint, corpus, recipe):
    play = endpoint.play
    endpoint.play = lambda asked: replace(play(asked), status=503)
    recipe = replace(recipe, annotator=replace(recipe.annotator, retries=0))
    with pytest.raises(DownloadError, match="16 questions in a row without an answer"):
        run(recipe)
    assert len(endpoint.asked) < ROWS
    endpoint.play = play
    assert run(recipe)["rows"]["annotated"] == ROWS


def test_wrong_settings_are_no_fault_of_the_rows(endpoint, corpus, recipe):
    play = endpoint.play
    raw = b'{"error": {"message": "unknown parameter: temperature"}}'
    endpoint.play = lambda asked: replace(play(asked), status=400, text=None, raw=raw)
    for chosen in (replace(recipe, most=3), recipe):
        with pytest.raises(DownloadError, match=r"refuses every question .*unknown parameter"):
            run(chosen)
    endpoint.play = play
    manifest = run(replace(recipe, tries=1))
    assert manifest["rows"]["annotated"] == ROWS


def test_pictures_that_are_refused_are_given_up(endpoint, corpus, recipe):
    play = endpoint.play
    raw = b'{"error": {"message": "indecent"}}'

    def prude(asked):
        indecent = asked.row in (4, 8)
        return replace(play(asked), status=400, text=None, raw=raw) if indecent else play(asked)

    endpoint.play = prude
    manifest = run(recipe)
    assert manifest["rows"]["given up"] == 2
    assert manifest["refused answers"] == {"no answer": 6}
    assert columns(corpus)["annotation_note"][4] == "no answer: status 400, 'indecent'"
    assert {asked.prompt for asked in endpoint.asked} == {INSTRUCTIONS["en"].task}


def test_a_damaged_journal_is_said_with_its_line(corpus, recipe):
    (corpus.folder / "annotations.jsonl").write_text('{"row": 1}\n')
    with pytest.raises(StorageError, match=r"line 1 of .* take that line out"):
        run(recipe)


def test_settings_that_cannot_be_are_refused(tmp_path, recipe):
    with pytest.raises(RecipeError, match="must hold pictures"):
        run(replace(recipe, corpus=tmp_path / "nothing"))
    with pytest.raises(UnknownName, match="Did you mean 'markup'"):
        replace(recipe, skip=("markdup",))
    with pytest.raises(RecipeError, match="chinese must be from 0 to 1"):
        replace(recipe, chinese=1.5)
    for setting in ({"tries": 0}, {"most": 0}, {"side": 20}):
        with pytest.raises(RecipeError, match="at least"):
            replace(recipe, **setting)


ENDPOINT = """
corpus = "corpus"
stage = "alignment"
chinese = 0.5

[annotator]
name = "endpoint"
url = "https://api.example.com/v1/chat/completions"
model = "some-vision-model"
key = "EXAMPLE_API_KEY"
structured = true
concurrency = 16
requests_a_minute = 600
tokens_a_minute = 1_000_000

[prices]
input = 0.40
output = 1.20
budget = 20
"""

LOCAL = """
corpus = "corpus"
annotator = { name = "transformers", model = "Qwen/Qwen2.5-VL-7B-Instruct", batch = 8 }
"""


@pytest.mark.parametrize("text", [ENDPOINT, LOCAL], ids=["endpoint", "transformers"])
def test_the_recipes_of_the_documents_are_read(text, tmp_path):
    (tmp_path / "recipe.toml").write_text(text)
    assert load(Recipe, tmp_path / "recipe.toml").corpus == Path("corpus")


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[3] / "recipes/annotate").glob("*.toml")),
    ids=lambda path: path.stem,
)
def test_every_recipe_loads(path):
    assert load(Recipe, path).annotator


def test_a_recipe_is_read_as_it_was_written(recipe, tmp_path):
    recipe = replace(
        recipe, prices=Prices(input=1.0, output=2.0, budget=3.0), stage="quality", most=7
    )
    write(recipe, tmp_path / "recipe.toml")
    assert load(Recipe, tmp_path / "recipe.toml") == recipe
    assert dump(load(Recipe, tmp_path / "recipe.toml")) == dump(recipe)


def test_the_command_annotates_and_counts(endpoint, corpus, recipe, tmp_path, capsys):
    stubborn(endpoint)
    write(replace(recipe, prices=Prices(input=1.0, output=2.0)), tmp_path / "recipe.toml")
    annotate(tmp_path / "recipe.toml", set=("most=9",))
    out = capsys.readouterr().out
    assert "answers refused: schema" in out
    assert "8 of 24 annotated, 1 given up, 15 open" in out
    assert "stopped: 9 rows asked; run it again to go on" in out
