"""Votes to leaderboards: what was measured here, and apart from it what others claim.

People and each judging model have boards of their own, and so have languages and categories:
votes of different judges are answers to different questions.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.evaluation.arena.gold import careless
from danqing.evaluation.arena.ratings import Ratings, Vote, rate
from danqing.evaluation.arena.records import PEOPLE, Cast
from danqing.evaluation.arena.store import Store
from danqing.evaluation.stats import Interval

EVERYTHING: Final = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant as it was measured here."""

    rank: tuple[int, int]
    """Best and worst place that the votes leave possible."""
    name: str
    elo: float
    by_prompt: Interval
    by_voter: Interval
    votes: int
    judge: str
    date: str
    """Day of its last vote, in UTC."""
    commit: str
    """What painted its pictures: a commit, or else a version; empty: nobody said."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A rating that somebody else published. It has another zero and other rivals."""

    name: str
    value: float
    source: str
    """Where it is published."""
    date: str


@dataclass(frozen=True, slots=True)
class Board:
    """Ratings by one judge on some of the prompts."""

    title: str
    """`all`, or the language or category of the prompts."""
    rows: tuple[Row, ...]
    """Best first."""
    ratings: Ratings


@dataclass(frozen=True, slots=True)
class Boards:
    """Everything that a leaderboard says."""

    judge: str
    boards: tuple[Board, ...]
    """That of all votes first."""
    left_out: int
    """Votes of careless voters, which count nowhere."""
    careless: int
    """How many such voters there are."""
    claims: tuple[Claim, ...]


def votes_of(casts: Iterable[Cast]) -> list[Vote]:
    """Return what ratings need of votes; gold pairs rate nobody."""
    return [
        Vote(cast.a, cast.b, cast.score, cast.prompt, cast.voter)
        for cast in casts
        if cast.gold is None and cast.a is not None and cast.b is not None
    ]


def build(
    store: Store,
    judge: str = PEOPLE,
    claims: Sequence[Claim] = (),
    *,
    resamples: int = 1_000,
    seed: int = 0,
) -> Boards:
    """Rate an arena's contestants: on all prompts, and by language and category.

    Args:
        store: The arena.
        judge: `people`, or the name of a model that voted.
        claims: What others say, to stand apart.
        resamples: Draws of the bootstrap.
        seed: Same seed, same intervals.

    Raises:
        RecipeError: Nobody of this name voted.
    """
    everything = store.votes()
    casts = [cast for cast in everything if cast.judge == judge]
    if not votes_of(casts):
        known = ", ".join(sorted({cast.judge for cast in everything})) or "nobody"
        raise RecipeError(f"judge must be one who voted, got {judge!r}; so far that is {known}.")
    bad = careless(casts)
    good = [cast for cast in casts if cast.voter not in bad]
    about = store.contestants()
    parts = {EVERYTHING: good}
    for kind in ("language", "category"):
        values = sorted({value for cast in good if (value := getattr(cast, kind)) is not None})
        if len(values) > 1:
            parts |= {v: [cast for cast in good if getattr(cast, kind) == v] for v in values}
    boards: list[Board] = []
    for title, some in parts.items():
        names = list(about) if title == EVERYTHING else ()
        if names or votes_of(some):
            ratings = rate(votes_of(some), names, resamples=resamples, seed=seed)
            boards.append(Board(title, _rows(ratings, some, judge, about), ratings))
    return Boards(judge, tuple(boards), len(casts) - len(good), len(bad), tuple(claims))


def read_claims(path: Path) -> list[Claim]:
    """Read claims from lines of JSON with `name`, `value`, `source` and `date`.

    Raises:
        RecipeError: There is no such file, or a line says something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"claims must be a file of lines of JSON, got {path}: {error}."
        ) from error
    if wrong := [record for record in records if not isinstance(record, dict)]:
        raise RecipeError(f"a claim must be a JSON object, got {wrong[0]!r}; see {path}.")
    return [parse(Claim, record, f"line {n} of {path}") for n, record in enumerate(records, 1)]


def as_json(boards: Boards) -> dict[str, Any]:
    """Return leaderboards as plain data; claims have a place of their own."""
    return {
        "judge": boards.judge,
        "careless": {"voters": boards.careless, "votes_left_out": boards.left_out},
        "measured": {
            board.title: {
                "votes": board.ratings.votes,
                "linked": board.ratings.linked,
                "rows": [
                    {name: getattr(row, name) for name in Row.__slots__} for row in board.rows
                ],
                "wins": [[*pair, won] for pair, won in board.ratings.wins.items()],
            }
            for board in boards.boards
        },
        "claimed": [{name: getattr(c, name) for name in Claim.__slots__} for c in boards.claims],
    }


def as_csv(boards: Boards) -> str:
    """Return the measured rows, and only those, as a table."""
    head = (
        "prompts", "rank_best", "rank_worst", "name", "elo", "low_by_prompt", "high_by_prompt",
        "low_by_voter", "high_by_voter", "votes", "judge", "date", "commit",
    )  # fmt: skip
    return table(
        head,
        (
            (
                board.title,
                *row.rank,
                row.name,
                *(f"{value:.1f}" for value in (row.elo, *row.by_prompt, *row.by_voter)),
                row.votes,
                row.judge,
                row.date,
                row.commit,
            )
            for board in boards.boards
            for row in board.rows
        ),
    )


def votes_csv(casts: Iterable[Cast]) -> str:
    """Return votes as a table, one a line, with the answers to gold pairs."""
    head = (
        "pair", "judge", "voter", "prompt", "category", "language", "a", "b", "choice", "reasons",
        "gold", "right", "seconds", "time",
    )  # fmt: skip
    return table(
        head,
        (
            (
                c.pair, c.judge, c.voter, c.prompt, c.category, c.language, c.a, c.b, c.choice,
                ";".join(c.reasons), c.gold, c.right, f"{c.voted - c.asked:.1f}",
                datetime.fromtimestamp(c.voted, UTC).isoformat(timespec="seconds"),
            )
            for c in casts
        ),
    )  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return comma-separated values."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()


def _rows(
    ratings: Ratings, casts: Sequence[Cast], judge: str, about: dict[str, dict[str, Any]]
) -> tuple[Row, ...]:
    last: dict[str | None, float] = {}
    for cast in casts:
        if cast.gold is None:
            last |= {name: max(cast.voted, last.get(name, 0.0)) for name in (cast.a, cast.b)}
    return tuple(
        Row(
            rank=rating.rank,
            name=rating.name,
            elo=rating.elo,
            by_prompt=rating.by_prompt,
            by_voter=rating.by_voter,
            votes=rating.votes,
            judge=judge,
            date=_day(last.get(rating.name)),
            commit=_origin(about.get(rating.name, {})),
        )
        for rating in ratings.rows
    )


def _day(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _origin(about: dict[str, Any]) -> str:
    version = about.get("versions", {}).get("danqing")
    return str(about.get("commit") or (f"danqing {version}" if version else ""))
