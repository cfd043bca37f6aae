"""How scores go with something that runs differ in, such as sampling steps."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from danqing.core import plot
from danqing.core.errors import RecipeError, unknown
from danqing.core.plot import Mark

_FAR: Final = 20
"""The largest number over the smallest one, from which on ratios are plotted."""


def scaling(runs: Sequence[tuple[str, Mapping[str, Any]]], over: str) -> str:
    """Return a plot, as HTML, of the headline over a number; empty: no run has a score.

    Args:
        runs: The name and the result of each.
        over: The dotted path of a number in all results, such as `generator.steps`.

    Raises:
        RecipeError: a result has no such number.
    """
    headline = runs[0][1]["table"]["headline"]
    points: list[tuple[float, Mark]] = []
    for name, result in runs:
        known = dict(numbers(result))
        if over not in known:
            raise RecipeError(f"{unknown('number', over, known)} They are those of {name}.")
        row = next(row for row in result["table"]["rows"] if row["name"] == headline)
        if row["score"] is not None:
            ranges = [] if row["interval"] is None else [tuple(row["interval"])]
            points.append((known[over], Mark(name, row["score"], ranges)))
    if not points:
        return ""
    across = [number for number, _ in points]
    title = f"{headline} over {over}"
    drawn = plot.scatter(
        points, title, over, log=min(across) > 0 and max(across) >= _FAR * min(across)
    )
    return f"<h2>{escape(title)}</h2>\n{drawn}"


def numbers(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """Yield all numbers in plain data by their dotted paths; lists are not looked into."""
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{before}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{before}{key}", float(value)
