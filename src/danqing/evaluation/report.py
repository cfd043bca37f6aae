"""Pages for people: a table of scores, and every picture with its verdict, to be filtered.

A page of one run or of several side by side; it needs no network, and finds pictures below the
runs' folders.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any, Final

from danqing.core import html, plot
from danqing.evaluation.compare import Difference
from danqing.evaluation.scaling import scaling
from danqing.evaluation.signature import standing

_STYLE: Final = """\
  nav { position: sticky; top: 0; z-index: 1; background: #fff; padding: .6em 0; }
  nav select, nav input { margin-right: 1em; font: inherit; }
  section { margin: 1em 0; }
  section h3 { font-weight: normal; margin: 0 0 .3em; }
  figure { position: relative; }
  figure svg { position: absolute; inset: 4px; width: calc(100% - 8px); pointer-events: none; }
  figure rect { fill: none; stroke: #06c; stroke-width: 2; }
  .missing { display: grid; place-items: center; aspect-ratio: 1; border: 4px dashed #d43; }
  ins { background: #cfc; text-decoration: none; } del { background: #fcc; }
"""

_SCRIPT: Final = """\
<script>
  const kind = document.getElementById("kind"), verdict = document.getElementById("verdict");
  const words = document.getElementById("words"), shown = document.getElementById("shown");
  function sift() {
    let count = 0;
    for (const part of document.querySelectorAll("section")) {
      const fits = (!kind.value || part.dataset.kind === kind.value)
        && (!words.value || part.textContent.toLowerCase().includes(words.value.toLowerCase()))
        && (!verdict.value || part.dataset.verdicts.split(" ").includes(verdict.value)
            || verdict.value === "differ" && part.dataset.verdicts.includes(" "));
      part.hidden = !fits;
      count += fits;
    }
    shown.textContent = count + " prompts";
  }
  for (const control of [kind, verdict, words]) control.addEventListener("input", sift);
  sift();
</script>
"""

Run = tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""Where a run's folder is from the page, its result, and its items."""


def page(result: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of one run.

    Args:
        result: What is in `result.json`.
        items: What is in `items.jsonl`.
    """
    about = filter(None, (_name(result), result["looker"], result.get("fidelity")))
    body = [f"<p>{escape('; '.join(about))}</p>\n", _table(result)]
    told = [*body, *_judge(result), *_missing(result), *_prompts([("", result, items)])]
    return html.page(result["task"], told, _STYLE)


def comparison(
    runs: Sequence[Run], found: Sequence[Sequence[Difference]], over: str | None = None
) -> str:
    """Return a page with several runs of one benchmark side by side.

    Args:
        runs: The runs.
        found: By how much each but the first differs from that.
        over: The dotted path of a number in all results over which the headline is plotted, such
            as `generator.steps`; None: no plot.

    Raises:
        RecipeError: a result has no such number, or a signed one has changed.
    """
    results = [result for _, result, _ in runs]
    names = [row["name"] for row in results[0]["table"]["rows"]]
    lines = ([escape(name), *(_with_interval(r, name) for r in results)] for name in names)
    matrix = html.table(("", *map(_head, results)), lines)
    title = f"{results[0]['task']}: {len(runs)} generators"
    plotted = "" if over is None else scaling([(_name(r), r) for r in results], over)
    body = [matrix, *_differences(results, found), plotted, *_prompts(runs)]
    return html.page(title, body, plot.STYLE + _STYLE)


def _differences(
    results: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Difference]]
) -> Iterator[str]:
    first, *others = results
    for result, rows in zip(others, found, strict=True):
        lines = (
            [
                escape(one.name),
                f"{one.comparison.difference:+.3f}",
                f"{one.comparison.interval.low:+.3f} to {one.comparison.interval.high:+.3f}",
                "" if one.chance is None else f"{one.chance:.3f}",
            ]
            for one in rows
        )
        head = (f"{_name(result)} against {_name(first)}", "difference", "95 %", "p (Holm)")
        yield html.table(head, lines)


def _name(result: Mapping[str, Any]) -> str:
    told = result["generator"]
    return str(told.get("name") or told.get("model") or json.dumps(told))


def _head(result: Mapping[str, Any]) -> str:
    """Return who painted, and how much may be made of it."""
    return ", ".join(filter(None, (_name(result), result.get("fidelity"), standing(result))))


def _with_interval(result: Mapping[str, Any], name: str) -> str:
    row = next((row for row in result["table"]["rows"] if row["name"] == name), None)
    if row is None or row["score"] is None:
        return ""
    return f"{_cell(row['score'])} <span class='reason'>{_cell(row['interval'])}</span>"


def _table(result: Mapping[str, Any]) -> str:
    rows = result["table"]["rows"]
    references: Mapping[str, Any] = result.get("references", {})
    more = list(dict.fromkeys(key for row in rows for key in row["more"]))
    kinds = list(dict.fromkeys(key for row in references.values() for key in row))
    lines = (
        [
            escape(row["name"]),
            *(_cell(row[key]) for key in ("score", "interval", "count")),
            *(_cell(row["more"].get(key)) for key in more),
            *(_cell(references.get(row["name"], {}).get(key)) for key in kinds),
        ]
        for row in rows
    )
    return html.table(("", "score", "95 % by prompt", "pictures", *more, *kinds), lines)


def _judge(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what became of all questions, and whether the judge can be believed."""
    if answers := result.get("answers"):
        fates = ", ".join(f"{count:,} {fate}" for fate, count in answers.items())
        yield f"<p>Answers of the judge: {escape(fates)}.</p>\n"
    if health := result.get("health"):
        wrong = f"; wrong: {', '.join(health['wrong'])}" if health["wrong"] else ""
        yield (
            f"<p>It answers {health['accuracy']:.0%} of {health['items']} golden items rightly "
            f"(sensitivity {health['sensitivity']:.2f}, specificity {health['specificity']:.2f})"
            f"{escape(wrong)}.</p>\n"
        )
        yield from (f"<p><b>It has changed</b>: {escape(how)}.</p>\n" for how in health["drift"])


def _missing(result: Mapping[str, Any]) -> Iterator[str]:
    if result["missing"]:
        counted = " and count as wrong" if result["task"].endswith("fixed") else ""
        yield f"<h2>{len(result['missing']):,} pictures are missing{counted}</h2>\n"
        rows = ([escape(m["id"]), str(m["seed"]), escape(m["trouble"])] for m in result["missing"])
        yield html.table(("prompt", "seed", "why"), rows)


def _prompts(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what filters them, and for each prompt the pictures of all runs."""
    first = runs[0][2]
    kinds = list(dict.fromkeys(str(item["category"]) for item in first))
    options = "".join(f"<option>{escape(kind)}</option>" for kind in kinds)
    yield (
        f'<nav><select id="kind"><option value="">all categories</option>{options}</select>'
        '<select id="verdict"><option value="">all verdicts</option><option>good</option>'
        '<option>bad</option><option value="differ">they differ</option></select>'
        '<input id="words" placeholder="words" type="search"><span id="shown"></span></nav>\n'
    )
    by_run = [_by_prompt(items) for _, _, items in runs]
    for name, asked in by_run[0].items():
        figures: list[str] = []
        verdicts: set[str] = set()
        sources: set[str] = set()
        for (folder, result, _), items in zip(runs, by_run, strict=True):
            for item in items.get(name, []):
                new = [file for file in item.get("sources", ()) if file not in sources]
                sources.update(new)
                figures += [_source(f"{folder}{file}") for file in new]
                verdicts.add(_verdict(item))
                figures.append(_figure(item, folder, _name(result) if len(runs) > 1 else ""))
        item = asked[0]
        yield (
            f'<section data-kind="{escape(str(item["category"]))}" '
            f'data-verdicts="{" ".join(sorted(verdicts))}"><h3>{escape(item["prompt"])}</h3>'
            f'<div class="sheet">{"".join(figures)}</div></section>\n'
        )
    yield _SCRIPT


def _by_prompt(items: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        found.setdefault(item["id"], []).append(item)
    return found


def _verdict(item: Mapping[str, Any]) -> str:
    if item["value"] is None:
        return "unscored"
    return "good" if item["value"] >= 1 else "bad"


def _source(file: str) -> str:
    """Return a picture that was to be changed."""
    file = escape(file, quote=True)
    return (
        f'<figure><a href="{file}"><img src="{file}" alt="" loading="lazy"></a>'
        '<figcaption class="reason">source</figcaption></figure>\n'
    )


def _figure(item: Mapping[str, Any], folder: str, name: str) -> str:
    if item["file"] is None:
        return f'<figure><div class="missing">{escape(str(item["trouble"]))}</div></figure>\n'
    file = escape(f"{folder}{item['file']}", quote=True)
    value = "unscored" if item["value"] is None else f"{item['value']:.3g}"
    said = " ".join(filter(None, (name, value, str(item["reason"]))))
    return (
        f'<figure class="{_verdict(item)}"><a href="{file}"><img src="{file}" alt="" '
        f'loading="lazy"></a>{_overlay(item)}<figcaption>{_difference(item)}'
        f'<span class="reason">{escape(said)}</span></figcaption></figure>\n'
    )


def _overlay(item: Mapping[str, Any]) -> str:
    """Return boxes of what a detector found, where it says so."""
    found = item["details"].get("detections") or []
    boxes = [thing["box"] for thing in found if len(thing.get("box") or ()) == 4]
    size = item["details"].get("size")
    if not boxes or not size:
        return ""
    drawn = "".join(
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'
        for left, top, right, bottom in boxes
    )
    return f'<svg viewBox="0 0 {size[0]} {size[1]}">{drawn}</svg>'


def _difference(item: Mapping[str, Any]) -> str:
    """Return what was read, with what differs from what was asked for marked."""
    read, target = item["details"].get("read"), item["details"].get("target")
    if not isinstance(read, str) or not isinstance(target, str):
        return ""
    parts: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(None, target, read, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(escape(target[i:j]))
        else:
            parts.append(f"<del>{escape(target[i:j])}</del>" if j > i else "")
            parts.append(f"<ins>{escape(read[k:m])}</ins>" if m > k else "")
    return f"{''.join(parts)}<br>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return " to ".join(f"{end:.3f}" for end in value)
