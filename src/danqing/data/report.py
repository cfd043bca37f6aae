"""One page for people: the funnel, each filter's scores and cut, and pictures on both sides."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from danqing.core import html
from danqing.core.files import atomic_path
from danqing.data.corpus import Corpus
from danqing.data.filters.base import Cut
from danqing.data.histogram import Spread, spread
from danqing.data.pixels import decode
from danqing.data.stages import Stage, Step, steps

_THUMBNAIL = 112
_WIDTH, _HEIGHT = 600, 120

_STYLE = """\
  .bar { height: 1em; width: 24em; }
  .bar div { height: 1em; background: #2a8; }
  svg rect { fill: #89b; }
  svg .out { fill: #d98; }
  svg line { stroke: #d43; stroke-width: 1.5; }
  svg text { font-size: 11px; fill: #555; }
"""


def write(
    corpus: Corpus,
    stages: Mapping[str, Stage],
    manifest: Mapping[str, Any],
    path: Path,
    samples: int = 8,
) -> None:
    """Write the page of a run that has ended; it needs no network and no other file.

    Args:
        corpus: What was filtered.
        stages: The recipe's stages.
        manifest: What `run` returned.
        path: The file to write.
        samples: Pictures on each side of each cut.
    """
    title = f"{corpus.folder.name}: {manifest['kept']:,} of {len(corpus):,}"
    with atomic_path(path) as staged:
        body = _body(corpus, stages, manifest, samples)
        staged.write_text(html.page(title, body, _STYLE), encoding="utf-8")


def write_histograms(corpus: Corpus, cuts: Sequence[tuple[Step, Cut]], path: Path) -> None:
    """Write a page with the scores of filters and a cut in each."""
    title = f"{corpus.folder.name}: {len(corpus):,} rows"
    parts = (part for step, cut in cuts for part in _scores(step, corpus.scores(step.column), cut))
    with atomic_path(path) as staged:
        staged.write_text(html.page(title, parts, _STYLE), encoding="utf-8")


def _scores(step: Step, scores: np.ndarray, cut: Cut) -> Iterator[str]:
    yield f"<h2>{escape(step.stage)}: {escape(step.label)}</h2>\n"
    yield f"<p>{escape(_first_line(step.filter))} Kept: {_said(cut)}.</p>\n"
    if (plot := spread(scores)) is not None:
        yield _histogram(plot, cut)


def _body(
    corpus: Corpus, stages: Mapping[str, Stage], manifest: Mapping[str, Any], samples: int
) -> Iterator[str]:
    from pyarrow import parquet

    found = steps(stages)
    drops = parquet.read_table(corpus.folder / "drops.parquet")
    places = _places(drops, found)
    yield f"<p>{manifest['started']}, {manifest['seconds']:.0f} s</p>\n"
    yield _funnel(len(corpus), manifest["dropped"])
    for place, step in enumerate(found):
        cut = step.filter.cut
        scores = corpus.scores(step.column)
        yield from _scores(step, scores, cut)
        yield from _sheet(corpus, drops, places, place, scores, cut, samples)


def _places(drops: Any, found: Sequence[Step]) -> np.ndarray:
    """Return the place of the step behind each drop."""
    number = {(step.stage, step.label): place for place, step in enumerate(found)}
    pairs = zip(drops["stage"].to_pylist(), drops["filter"].to_pylist(), strict=True)
    return np.array([number.get(pair, -1) for pair in pairs], int)


def _funnel(rows: int, dropped: Mapping[str, Mapping[str, int]]) -> str:
    lines: list[tuple[str, ...]] = []
    left = rows
    for stage, by_filter in dropped.items():
        for label, gone in by_filter.items():
            left -= gone
            width, share = f"{100 * left / max(1, rows):.1f}%", f"{gone / max(1, rows):.2%}"
            bar = f'<div class="bar"><div style="width: {width}"></div></div>'
            lines.append((escape(stage), escape(label), f"{gone:,}", share, f"{left:,}", bar))
    return html.table(("stage", "filter", "dropped", "", "left", ""), lines)


def _histogram(plot: Spread, cut: Cut) -> str:
    most = max(plot.counts)
    start, stop = plot.edges[0], plot.edges[-1]
    step = _WIDTH / len(plot.counts)

    def across(value: float) -> float:
        return min(max((value - start) / (stop - start), 0), 1) * _WIDTH

    bars: list[str] = []
    for place, count in enumerate(plot.counts):
        # Roots keep tails visible beside a peak that is a thousand times as high.
        height = _HEIGHT * (count / most) ** 0.5
        middle = (plot.edges[place] + plot.edges[place + 1]) / 2
        out = cut.reason(middle) is not None
        bars.append(
            f'<rect{" class=" + chr(34) + "out" + chr(34) if out else ""} x="{place * step:.1f}" '
            f'y="{_HEIGHT - height:.1f}" width="{step - 1:.1f}" height="{height:.1f}"/>'
        )
    for bound in (cut.low, cut.high):
        if bound is not None and start <= bound <= stop:
            x = across(bound)
            bars.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT}"/>')
    said = f"{plot.measured:,} scores; median {plot.quantiles['50.0%']:.4g}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 18}" role="img">{"".join(bars)}'
        f'<text x="0" y="{_HEIGHT + 14}">{start:.4g}</text>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 14}" text-anchor="middle">{said}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 14}" text-anchor="end">{stop:.4g}</text></svg>\n'
    )


def _sheet(
    corpus: Corpus,
    drops: Any,
    places: np.ndarray,
    place: int,
    scores: np.ndarray,
    cut: Cut,
    samples: int,
) -> Iterator[str]:
    """Yield dropped pictures, spread evenly over all of them, and kept ones next to the cut."""
    gone = np.flatnonzero(places == place)
    chosen = gone[np.linspace(0, len(gone) - 1, min(samples, len(gone))).astype(int)]
    rows = drops["row"].to_numpy()
    dropped = {
        int(rows[i]): f"{_number(drops['value'][int(i)].as_py())} {drops['reason'][int(i)].as_py()}"
        for i in chosen
    }
    bounds = [bound for bound in (cut.low, cut.high) if bound is not None]
    kept: dict[int, str] = {}
    if bounds and len(gone):
        inside = np.ones(len(scores), bool)
        inside[rows] = False
        distance = np.min([np.abs(scores - np.float32(bound)) for bound in bounds], axis=0)
        distance[~inside | np.isnan(distance)] = np.inf
        nearest = np.argsort(distance, kind="stable")[:samples]
        kept = {
            int(row): _number(float(scores[row])) for row in nearest if np.isfinite(distance[row])
        }
    for label, kind, pictures in (
        ("dropped", "bad", dropped),
        ("kept, nearest to the cut", "good", kept),
    ):
        if pictures:
            figures = "".join(_figures(corpus, pictures))
            yield f'<h3>{label}</h3>\n<div class="sheet {kind}">\n{figures}</div>\n'


def _figures(corpus: Corpus, said: Mapping[int, str]) -> Iterator[str]:
    table = corpus.take(list(said), ["key", "image"])
    for text, key, data in zip(
        said.values(), table["key"].to_pylist(), table["image"].to_pylist(), strict=True
    ):
        yield (
            f"<figure>{_thumbnail(data)}<figcaption>{escape(key)} "
            f'<span class="reason">{escape(text)}</span></figcaption></figure>\n'
        )


def _thumbnail(data: bytes) -> str:
    pixels = decode(data, _THUMBNAIL)
    if isinstance(pixels, str):
        return ""
    image = Image.fromarray(np.asarray(pixels))
    image.thumbnail((2 * _THUMBNAIL, 2 * _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return (
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
    )


def _said(cut: Cut) -> str:
    if cut.low is None and cut.high is None:
        return "everything"
    low = "" if cut.low is None else f"from {cut.low:.4g}"
    high = "" if cut.high is None else f"to {cut.high:.4g}"
    return f"{low} {high}".strip()


def _number(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.4g}"


def _first_line(part: object) -> str:
    return (type(part).__doc__ or "").strip().partition("\n")[0]
