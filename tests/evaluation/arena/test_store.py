"""Nothing that was acknowledged is lost, nothing counts twice, whoever asks at once."""

import json
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from PIL import Image

from danqing.core.errors import SourceError, StorageError
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.runs import plain, take_in
from danqing.evaluation.arena.store import Store

from .conftest import MODELS, PROMPTS, write_run

CAST = """
import sys
from pathlib import Path
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.store import Store

store = Store(Path(sys.argv[1]))
voter = store.voter(store.join())
while pair := next_pair(store, voter):
    if store.vote(voter, pair.token, "a"):
        print(pair.token, flush=True)
"""


def test_runs_are_taken_in_once(store, tmp_path):
    assert set(store.contestants()) == set(MODELS)
    assert store.contestants()[MODELS[0]]["commit"] == "c0ffee" * 6
    assert take_in(store, f"{MODELS[0]}={tmp_path / MODELS[0]}") == {MODELS[0]: 0}
    assert len(store.rows("SELECT 1 FROM pictures WHERE ruined IS NULL")) == 3 * PROMPTS
    assert len(store.rows("SELECT 1 FROM pictures WHERE ruined IS NOT NULL")) == 6
    row = store.rows("SELECT * FROM prompts WHERE text = 'thing number 1'")[0]
    assert (row["category"], row["language"]) == ("even", "zh")


def test_lines_of_json_name_their_models(tmp_path):
    for model in MODELS[:2]:
        write_run(tmp_path / model, model, prompts=2, samples=2)
    lines = [
        json.dumps(
            json.loads(line) | {"model": model, "file": f"{model}/{json.loads(line)['file']}"}
        )
        for model in MODELS[:2]
        for line in (tmp_path / model / "items.jsonl").read_text().splitlines()
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    with Store(tmp_path / "arena", create=True) as store:
        assert take_in(store, str(tmp_path / "all.jsonl")) == dict.fromkeys(MODELS[:2], 4)


def test_another_picture_under_the_same_name_is_refused_and_nothing_is_half_taken(store, tmp_path):
    run = write_run(tmp_path / "new", MODELS[1], prompts=PROMPTS + 2)
    with pytest.raises(SourceError, match="must be the one that quincunx-9b has"):
        take_in(store, f"{MODELS[0]}={run}")
    assert len(store.rows("SELECT 1 FROM pictures WHERE ruined IS NULL")) == 3 * PROMPTS


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "must have a line for each picture"),
        ("{", "line 1 of .* must be JSON"),
        ('{"prompt": "x"}', "line 1 of .* must have file in words"),
        ('{"prompt": "x", "file": null}', "must have a line for each picture"),
        ('{"prompt": "x", "file": "no.png"}', "no.png must be a picture"),
    ],
)
def test_what_is_wrong_with_a_run_is_said(tmp_path, line, said):
    (tmp_path / "items.jsonl").write_text(line)
    with Store(tmp_path / "arena", create=True) as store, pytest.raises(SourceError, match=said):
        take_in(store, f"model={tmp_path}")


def test_a_picture_is_kept_as_bare_pixels(store, tmp_path):
    painted = tmp_path / MODELS[0] / "pictures" / f"{MODELS[0]}-3-0.png"
    assert b"quincunx" in painted.read_bytes()
    data = plain(painted)
    assert b"quincunx" not in data
    (tmp_path / "plain.png").write_bytes(data)
    with Image.open(tmp_path / "plain.png") as bare, Image.open(painted) as full:
        assert bare.tobytes() == full.tobytes()
        assert bare.info == {}
    assert data in [file.read_bytes() for file in (store.folder / "pictures").iterdir()]


def test_a_missing_and_a_foreign_arena_are_refused(tmp_path):
    with pytest.raises(SourceError, match="arena must be a folder with"):
        Store(tmp_path)
    (tmp_path / "arena.sqlite").write_text("no database, only words " * 100)
    with pytest.raises(SourceError, match="must be an SQLite file"):
        Store(tmp_path)
    (tmp_path / "arena.sqlite").unlink()
    database = sqlite3.connect(tmp_path / "arena.sqlite")
    database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(SourceError, match="must be of version 1, got 7"):
        Store(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="a part of the path is a file"):
        Store(tmp_path / "file" / "arena", create=True)


def test_a_pair_is_assigned_until_it_is_voted_on(store, arena):
    voter = store.voter(store.join())
    pair = next_pair(store, voter)
    assert next_pair(store, voter) == pair
    with Store(arena) as again:
        assert next_pair(again, voter) == pair
    assert store.vote(voter, pair.token, "tie", ["text"])
    following = next_pair(store, voter)
    assert following.token != pair.token


def test_a_vote_counts_once_and_only_from_its_voter(store):
    voter, stranger = (store.voter(store.join()) for _ in range(2))
    pair = next_pair(store, voter)
    assert not store.vote(stranger, pair.token, "a")
    assert [store.vote(voter, pair.token, choice) for choice in ("b", "b", "a")] == [
        True,
        False,
        False,
    ]
    assert [(cast.choice, cast.voter) for cast in store.votes()] == [("b", voter)]


def test_only_those_who_know_a_voters_secret_are_that_voter(store, arena):
    secret = store.join()
    assert store.voter(secret) is not None
    assert store.voter(secret + "x") is None
    assert secret.encode() not in (arena / "arena.sqlite").read_bytes()


def test_votes_at_once_from_threads_all_count_once(store):
    voters = [store.voter(store.join()) for _ in range(4)]

    def cast(voter):
        draw, counted = Random(voter), 0
        for _ in range(20):
            pair = next_pair(store, voter, draw=draw)
            with ThreadPoolExecutor(2) as twice:
                done = [twice.submit(store.vote, voter, pair.token, choice) for choice in "ab"]
            counted += sum(future.result() for future in done)
        return counted

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(cast, voters)) == [20] * 4
    assert len(store.votes()) == 80
    assert [store.count(voter) for voter in voters] == [20] * 4


def test_no_acknowledged_vote_is_lost_when_processes_are_killed(store, arena):
    processes = [
        subprocess.Popen([sys.executable, "-c", CAST, arena], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = []
    for process in processes:
        told += [process.stdout.readline().strip() for _ in range(12)]
    for process in processes:
        process.send_signal(signal.SIGKILL)
        told += process.communicate()[0].split()
    counted = [row["token"] for row in store.rows("SELECT token FROM pairs WHERE choice NOT NULL")]
    assert len(told) >= 24
    # A vote may be written and its process killed before it could say so; never the other way.
    assert set(told) <= set(counted)
    assert len(counted) <= len(told) + 2
    assert store.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert next_pair(store, store.voter(store.join())) is not None
