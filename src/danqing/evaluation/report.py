"""One page for people: the table of scores, and every picture with its verdict."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from danqing.core import html

_COLUMNS = ("score", "wilson", "clustered", "geneval", "soft", "count")
_REFERENCES = ("floor", "oracle", "ceiling")


def page(result: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """Return an HTML page that needs no network.

    Args:
        result: What `in_domain.run` returns.
        items: The records of all pictures; their files are relative to the page.
    """
    body = [_table(result)]
    for category in result["categories"]:
        figures = [_figure(item) for item in items if item["tag"] == category]
        body.append(f'<h2>{category}</h2>\n<div class="sheet">\n{"".join(figures)}</div>\n')
    return html.page(f"{result['task']}: {result['model']}", body)


def _table(result: Mapping[str, Any]) -> str:
    rows = {
        name: {**scores, **result["references"].get(name, {})}
        for name, scores in result["categories"].items()
    }
    rows["macro average"] = result["macro"]
    columns = _COLUMNS + _REFERENCES
    cells = ([name, *(_cell(row.get(column)) for column in columns)] for name, row in rows.items())
    return html.table(("category", *columns), cells)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    return " to ".join(f"{end:.3f}" for end in value)


def _figure(item: Mapping[str, Any]) -> str:
    verdict, kind = {None: ("unscored", ""), 1.0: ("right", "good")}.get(
        item["value"], ("wrong", "bad")
    )
    return (
        f'<figure class="{kind}"><a href="{item["file"]}">'
        f'<img src="{item["file"]}" alt="" loading="lazy"></a>'
        f"<figcaption>{escape(item['prompt'])} "
        f'<span class="reason">({verdict}: {escape(item["reason"])})</span>'
        f"</figcaption></figure>\n"
    )
