"""The leaderboard as a page for people: ratings with their intervals, wins, and claims apart."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from danqing.core import html
from danqing.evaluation.arena.board import Board, Boards, Row
from danqing.evaluation.arena.ratings import Ratings
from danqing.evaluation.stats import Interval

_STYLE: Final = """\
  svg text { font-size: 12px; fill: #333; }
  svg .grid { stroke: #ddd; }
  svg .voter { stroke: #9bc; stroke-width: 7; }
  svg .prompt { stroke: #246; stroke-width: 2.5; }
  svg circle { fill: #d43; }
  .claimed { border-left: 4px solid #ca4; padding-left: 1em; margin-top: 3em; }
"""
_NAMES, _WIDTH, _LINE = 210, 560, 26
"""Pixels: of the names, of the scale, of a row."""
_LETTERS: Final = 30
"""What fits into the room for a name."""


def page(boards: Boards) -> str:
    """Return an HTML page that needs no network."""
    return html.page(f"Arena: ratings by {boards.judge}", _body(boards), _STYLE)


def plot(rows: Sequence[Row]) -> str:
    """Return ratings with both intervals as an inline SVG, best on top."""
    ends = [end for row in rows for end in (*row.by_prompt, *row.by_voter, row.elo)]
    low, high = min(ends), max(ends)
    step = next((s for s in (5, 10, 25, 50, 100, 250, 500) if (high - low) / s <= 8), 1000)
    start, stop = low // step * step, -(-high // step) * step
    if start == stop:
        start, stop = start - step, stop + step

    def across(elo: float) -> str:
        return f"{_NAMES + (elo - start) / (stop - start) * _WIDTH:.1f}"

    height = len(rows) * _LINE
    parts: list[str] = []
    for tick in range(round(start), round(stop) + 1, step):
        x = across(float(tick))
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/>')
        parts.append(f'<text x="{x}" y="{height + 16}" text-anchor="middle">{tick}</text>')
    for place, row in enumerate(rows):
        y = (place + 0.5) * _LINE
        name = row.name if len(row.name) <= _LETTERS else row.name[: _LETTERS - 1] + "…"
        parts.append(f'<text x="0" y="{y + 4}">{escape(name)}</text>')
        for kind, (left, right) in (("voter", row.by_voter), ("prompt", row.by_prompt)):
            ends_at = f'x1="{across(left)}" x2="{across(right)}"'
            parts.append(f'<line class="{kind}" {ends_at} y1="{y}" y2="{y}"/>')
        parts.append(f'<circle cx="{across(row.elo)}" cy="{y}" r="4"/>')
    size = f'width="{_NAMES + _WIDTH + 30}" height="{height + 24}"'
    return f'<svg {size} role="img">{"".join(parts)}</svg>\n'


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
    yield plot(board.rows)
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
