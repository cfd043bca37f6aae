"""Leaderboards say what was measured, and keep apart what was not."""

import csv
import io
import json
from random import Random

import pytest

from danqing.core.errors import RecipeError
from danqing.evaluation.arena.board import as_csv, as_json, build, read_claims, votes_csv
from danqing.evaluation.arena.board_page import page
from danqing.evaluation.arena.judged import vote
from danqing.evaluation.arena.pairs import next_pair
from danqing.scorers.judge import Judge

from .conftest import MODELS
from .test_judged import darker
from .test_pairs import honest, play

CLAIM = {"name": "zeppelin-xl", "value": 4321, "source": "a <b>page</b>", "date": "2026-04"}


@pytest.fixture
def voted(store, witness):
    """An arena with one honest voter, one careless voter and one model's votes."""
    play(store, store.voter(store.join()), 60, honest, gold=0.3)
    play(store, store.voter(store.join()), 60, lambda *_: "a", gold=0.3)
    vote(store, Judge(witness(darker)), "darker", 20, gold=0.0)
    return store


@pytest.fixture
def boards(voted, tmp_path):
    (tmp_path / "claims.jsonl").write_text(json.dumps(CLAIM) + "\n\n")
    return build(voted, claims=read_claims(tmp_path / "claims.jsonl"), resamples=50)


def test_there_are_boards_for_all_and_by_language_and_category(boards):
    assert [board.title for board in boards.boards] == ["all", "en", "zh", "even", "odd"]
    assert boards.boards[0].ratings.votes == 42
    assert sum(board.ratings.votes for board in boards.boards[1:3]) == 42
    for row in boards.boards[0].rows:
        assert row.name in MODELS
        assert (row.judge, row.commit) == ("people", "c0ffee" * 6)
        assert row.date.startswith("20")
        assert row.by_prompt.low <= row.elo <= row.by_prompt.high


def test_careless_voters_count_nowhere_and_it_is_said(boards):
    assert boards.careless == 1
    assert boards.left_out > 42
    assert [row.name for row in boards.boards[0].rows] == list(MODELS)
    assert f"{boards.left_out} votes of 1 voters are left out" in page(boards)


def test_people_and_models_have_boards_of_their_own(voted):
    judged = build(voted, "darker", resamples=20)
    assert judged.boards[0].ratings.votes == 20
    assert {row.judge for row in judged.boards[0].rows} == {"darker"}
    with pytest.raises(RecipeError, match="judge must be one who voted, got 'nobody'; so far that"):
        build(voted, "nobody")


def test_claims_are_in_a_place_of_their_own(boards):
    plain = json.loads(json.dumps(as_json(boards)))
    assert plain["claimed"] == [CLAIM]
    assert "4321" not in json.dumps(plain["measured"])
    assert "4321" not in as_csv(boards)
    measured, _, claimed = page(boards).partition("Claimed elsewhere, not measured here")
    assert "4321" in claimed
    assert "4321" not in measured
    assert "a &lt;b&gt;page&lt;/b&gt;" in claimed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "claims must be a file of lines of JSON"),
        ("3", "a claim must be a JSON object, got 3"),
        ('{"name": "x"}', "missing setting"),
        ('{"name": "x", "value": 1, "source": "s", "date": "d", "elo": 1}', "unknown setting"),
    ],
)
def test_what_is_wrong_with_a_claim_is_said(tmp_path, text, said):
    (tmp_path / "claims.jsonl").write_text(text)
    with pytest.raises(RecipeError, match=said):
        read_claims(tmp_path / "claims.jsonl")


def test_tables_hold_every_row_and_every_vote(boards, voted):
    rows = list(csv.DictReader(io.StringIO(as_csv(boards))))
    assert len(rows) == sum(len(board.rows) for board in boards.boards)
    votes = list(csv.DictReader(io.StringIO(votes_csv(voted.votes()))))
    assert len(votes) == len(voted.votes())
    assert {row["right"] for row in votes if row["gold"]} == {"True", "False"}
    assert {row["judge"] for row in votes} == {"people", "darker"}


def test_the_page_needs_no_network_and_draws_every_model(boards):
    told = page(boards)
    assert "http" not in told
    assert "src=" not in told
    assert told.count("<circle") == sum(len(board.rows) for board in boards.boards)


def test_a_board_after_one_vote_says_that_it_means_little(store):
    voter = store.voter(store.join())
    store.vote(voter, next_pair(store, voter, gold=0.0, draw=Random(0)).token, "a")
    told = page(build(store, resamples=20))
    assert "the order means little yet" in told
    assert all(model in told for model in MODELS)
