"""One page for people: the table of scores, and every picture with its verdict."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 76em; }}
  td, th {{ padding: .2em .8em; text-align: right; }}
  td:first-child, th:first-child {{ text-align: left; }}
  .sheet {{ display: grid; grid-template-columns: repeat(auto-fill, 9.5em); gap: .8em; }}
  figure {{ margin: 0; font-size: 12px; }}
  img {{ width: 100%; border: 4px solid #999; box-sizing: border-box; }}
  .right img {{ border-color: #2a8; }}
  .wrong img {{ border-color: #d43; }}
  .reason {{ color: #666; }}
</style>
<h1>{title}</h1>
"""

_COLUMNS = ("score", "wilson", "clustered", "geneval", "soft", "count")
_REFERENCES = ("floor", "oracle", "ceiling")


def page(result: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """Return an HTML page that needs no network.

    Args:
        result: What `in_domain.run` returns.
        items: The records of all pictures; their files are relative to the page.
    """
    parts = [_HEAD.format(title=escape(f"{result['task']}: {result['model']}")), _table(result)]
    for category in result["categories"]:
        figures = [_figure(item) for item in items if item["tag"] == category]
        parts.append(f'<h2>{category}</h2>\n<div class="sheet">\n{"".join(figures)}</div>\n')
    return "".join(parts)


def _table(result: Mapping[str, Any]) -> str:
    rows = {
        name: {**scores, **result["references"].get(name, {})}
        for name, scores in result["categories"].items()
    }
    rows["macro average"] = result["macro"]
    columns = _COLUMNS + _REFERENCES
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join(
        f"<tr><td>{name}</td>"
        + "".join(f"<td>{_cell(row.get(c))}</td>" for c in columns)
        + "</tr>\n"
        for name, row in rows.items()
    )
    return f"<table>\n<tr><th>category</th>{head}</tr>\n{body}</table>\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    return " to ".join(f"{end:.3f}" for end in value)


def _figure(item: Mapping[str, Any]) -> str:
    verdict = {None: "unscored", 1.0: "right"}.get(item["value"], "wrong")
    return (
        f'<figure class="{verdict}"><a href="{item["file"]}">'
        f'<img src="{item["file"]}" alt="" loading="lazy"></a>'
        f"<figcaption>{escape(item['prompt'])} "
        f'<span class="reason">({verdict}: {escape(item["reason"])})</span>'
        f"</figcaption></figure>\n"
    )
