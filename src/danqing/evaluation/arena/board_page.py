"""The leaderboard as a page for people: ratings with their intervals, wins, and claims apart."""

from collections.abc import Iterator
from html import escape
from typing import Final

from danqing.core import html, plot
from danqing.core.plot import Mark
from danqing.evaluation.arena.board import Board, Boards
from danqing.evaluation.arena.ratings import Ratings
from danqing.evaluation.stats import Interval

_STYLE: Final = """\
  .claimed { border-left: 4px solid #ca4; padding-left: 1em; margin-top: 3em; }
"""


def page(boards: Boards) -> str:
    """Return an HTML page that needs no network."""
    return html.page(f"Arena: ratings by {boards.judge}", _body(boards), plot.STYLE + _STYLE)


def _body(boards: Boards) -> Iterator[str]:
    if boards.left_out:
        yield (
            f"<p>{boards.left_out} votes of {boards.careless} voters are left out: their answers "
            f"to pairs with a known answer were wrong too often.</p>\n"
        )
    for number, board in enumerate(boards.boards):
        yield from _board(board, whole=number == 0)
    if boards.claims:
        yield '<section class="claimed">\n<h2>Claimed elsewhere, not measured here</h2>\n'
        yield "<p>Other rivals and another zero: not to be compared with the ratings above.</p>\n"
        yield html.table(
            ("model", "rating", "source", "date"),
            (
                (escape(c.name), f"{c.value:g}", escape(c.source), escape(c.date))
                for c in boards.claims
            ),
        )
        yield "</section>\n"


def _board(board: Board, whole: bool) -> Iterator[str]:
    ratings = board.ratings
    heading = "Measured" if whole else f"Measured: {board.title}"
    yield f"<h2>{escape(heading)}, {ratings.votes:,} votes</h2>\n"
    if not ratings.linked:
        yield (
            "<p>Some model has only won or only lost, or has not been voted on, so every two were "
            "given half a tie more; the order means little yet.</p>\n"
        )
    elif ratings.unlinked_draws:
        yield (
            f"<p>In {ratings.unlinked_draws:.1%} of the draws behind the intervals some model only "
            f"won or only lost, and every two were given half a tie more.</p>\n"
        )
    yield plot.whiskers(
        [Mark(row.name, row.elo, (row.by_voter, row.by_prompt)) for row in board.rows],
        f"Elo of {len(board.rows)} models, with intervals",
    )
    yield (
        "<p>Elo: 100 points win 64 of 100. Intervals are for 95 %: dark, over other "
        "prompts; light, over other prompts and other voters of each.</p>\n"
    )
    yield html.table(
        ("model", "Elo", "by prompt", "and voter", "rank", "votes", "judge", "date", "made by"),
        (
            (
                escape(row.name),
                f"{row.elo:.0f}",
                _range(row.by_prompt),
                _range(row.by_voter),
                str(row.rank[0]) if row.rank[0] == row.rank[1] else "–".join(map(str, row.rank)),
                str(row.votes),
                escape(row.judge),
                row.date,
                escape(row.commit[:20]),
            )
            for row in board.rows
        ),
    )
    if whole:
        names = [row.name for row in board.rows]
        yield "<h3>Wins of the row over the column, a tie being half</h3>\n"
        yield html.table(
            ("", *names),
            ((escape(name), *(_won(ratings, name, other) for other in names)) for name in names),
        )


def _won(ratings: Ratings, name: str, other: str) -> str:
    won, lost = (ratings.wins.get(pair) for pair in ((name, other), (other, name)))
    if won is None or lost is None:
        return ""
    return f"{won / (won + lost):.0%} <span class='reason'>of {won + lost:g}</span>"


def _range(interval: Interval) -> str:
    return f"{interval.low:.0f} to {interval.high:.0f}"
