"""Pages for people that are one file and need no network."""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """\
  body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; }
  td, th { padding: .2em .8em; text-align: right; }
  td:first-child, th:first-child { text-align: left; }
  .sheet { display: flex; flex-wrap: wrap; gap: .8em; }
  figure { margin: 0; font-size: 12px; width: 9.5em; overflow-wrap: anywhere; }
  figure img { width: 100%; border: 4px solid #999; box-sizing: border-box; }
  .good img { border-color: #2a8; }
  .bad img { border-color: #d43; }
  .reason { color: #666; }
"""


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """Return a page.

    Args:
        title: Its title, as plain text.
        body: Its HTML, in pieces.
        style: CSS beside what all pages share: a `sheet` of figures, `good` and `bad` ones, the
            `reason` for something.
    """
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}{style}</style>\n"
        f"<h1>{escape(title)}</h1>\n{''.join(body)}"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    Args:
        head: Names of the columns, as plain text.
        rows: Cells, as HTML.
    """
    lines = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows]
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table>\n<tr>{names}</tr>\n{''.join(lines)}</table>\n"
