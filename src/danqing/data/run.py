"""Run the stages of a recipe over a corpus: resumable, counted, timed.

Work is cut into spans, pieces of at most a few hundred rows. For each, a worker reads what the
filters need, measures, and writes one small file; a span whose file is there is done. So a killed
run loses at most the spans it was in, a worker holds one span of pictures however large the corpus
is, and the same code runs on threads here and on a cluster: Daft only hands spans out.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from danqing.core import config
from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.core.versions import versions
from danqing.data.corpus import PIECE_ROWS, Corpus, lance_package, read_part, write_part
from danqing.data.engine import hand_out
from danqing.data.filters.base import Batch, Filter, GroupFilter, Loads
from danqing.data.sources import AnySource
from danqing.data.stages import Fate, Stage, Step, passes, steps

Show = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

FETCHING: Final = "fetching"
"""The name among costs of what it takes to put rows into the corpus."""

READING: Final = "reading_"
"""What the name of a pass's reading begins with among costs; its first column follows."""

COMPARING: Final = "comparing_"
"""What the name of a comparison of sketches begins with among costs; their column follows."""

_COLUMNS: Final = {
    "head": ("image", "name"),
    "pixels": ("image", "name"),
    "original": ("image", "name"),
}


class Task(NamedTuple):
    """A span: what to read, and the file to write."""

    uri: str
    out: str
    rows: list[int]


class Cost(NamedTuple):
    """What measuring took."""

    rows: int
    seconds: float
    """Of one core."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What goes into a corpus, and through which stages."""

    corpus: Path
    """The folder of the corpus; made when it is not there."""
    sources: dict[str, AnySource] = field(default_factory=dict[str, AnySource])
    """Where pictures come from; items that are already in are not fetched again."""
    stages: dict[str, Stage] = field(default_factory=dict[str, Stage])
    """Stages in their order."""
    runner: Literal["native", "ray"] = "native"
    """Who works: threads of this machine, or a Ray cluster that sees the corpus's folder."""
    workers: int | None = None
    """Spans that are worked on at once; None: as many as there are cores."""
    span: int = 128
    """Rows that a worker takes at a time, at most."""
    fetch: int = 8
    """Items of a source that are fetched at once."""

    def __post_init__(self) -> None:
        if self.span < 1 or self.fetch < 1 or (self.workers is not None and self.workers < 1):
            raise RecipeError("span, fetch and workers must be at least 1.")


def run(recipe: Recipe, show: Show = lambda what, done, total: None) -> dict[str, Any]:
    """Fill the corpus, measure what was not measured, judge; return and write the manifest.

    Raises:
        SourceError: a source is not there.
        RecipeError: there is nothing to filter, or another run is at work on the corpus.
        MissingPackage: the engine or a filter's network is not installed.
        StorageError: the disk said no.
    """
    with Corpus(recipe.corpus).alone():
        return _run(recipe, show)


def _run(recipe: Recipe, show: Show) -> dict[str, Any]:
    lance_package()  # its import is no cost of rows
    started, began = time.time(), time.process_time()
    corpus, added = fill(recipe, show)
    costs: dict[str, Cost] = {}
    if new := sum(added.values()):
        costs[FETCHING] = Cost(new, time.process_time() - began)
    found = steps(recipe.stages)
    for step in found:
        if isinstance(step.filter, Loads):
            step.filter.load()
    fate = Fate(len(corpus))
    place = 0
    for group in passes(found):
        costs |= measure(corpus, group, fate.alive, recipe, show)
        for step in group:
            costs |= _judge(corpus, fate, place, step)
            place += 1
    corpus.fill({"passed": _mask(fate, found, recipe.stages)})
    manifest = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "rows": len(corpus),
        "added": added,
        "kept": int(fate.alive.sum()),
        "dropped": _counts(fate, found),
        # What an earlier run measured was not measured again, but it did cost that.
        "measured": _earlier(corpus) | {name: cost._asdict() for name, cost in costs.items()},
        "recipe": config.dump(recipe),
        "versions": versions(
            "daft", "pylance", "pyarrow", "numpy", "pillow", "opencv-python-headless"
        ),
    }
    write_drops(corpus, fate, found, corpus.folder / "drops.parquet")
    with atomic_path(corpus.folder / "manifest.json") as staged:
        staged.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return manifest


def survey(recipe: Recipe, show: Show = lambda what, done, total: None) -> Corpus:
    """Fill the corpus and measure every row with every filter, whatever the cuts; drop nothing.

    Raises: as `run`.
    """
    with Corpus(recipe.corpus).alone():
        corpus, _ = fill(recipe, show)
        for group in passes(steps(recipe.stages)):
            measure(corpus, group, np.ones(len(corpus), bool), recipe, show)
        return corpus


def fill(recipe: Recipe, show: Show) -> tuple[Corpus, dict[str, int]]:
    """Put into a recipe's corpus what its sources have; return the corpus and the new rows of each.

    Raises:
        SourceError: a source is not there.
        RecipeError: the corpus is empty and stays so.
    """
    corpus = Corpus(recipe.corpus)
    added = {label: _add(corpus, label, recipe, show) for label in recipe.sources}
    if not len(corpus):
        raise RecipeError(f"{recipe.corpus} must hold pictures, got none; name a source.")
    corpus.mend()
    return corpus, added


def measure(
    corpus: Corpus, group: Sequence[Step], alive: np.ndarray, recipe: Recipe, show: Show
) -> dict[str, Cost]:
    """Measure what a pass has not measured yet of the rows that are still there.

    Returns:
        What that cost, by column, and what reading did; a decode is the first filter's that saw
        pixels.
    """
    todo = _unmeasured(corpus, group, alive)
    if not len(todo):
        return {}
    folder = corpus.folder / "parts" / _digest([step.column for step in group])
    folder.mkdir(parents=True, exist_ok=True)
    # Few rows are cut smaller, so that all hands are full until nearly the end.
    hands = 4 * (recipe.workers or os.cpu_count() or 1)
    spans = list(corpus.spans(max(PIECE_ROWS, min(recipe.span, len(todo) // hands))))
    tasks = {
        span: Task(corpus.uri, str(folder / f"{_digest(rows)}.arrow"), rows)
        for span in spans
        if (rows := _within(todo, span))
    }
    left = [task for task in tasks.values() if not Path(task.out).exists()]
    title = ", ".join(step.label for step in group)
    done = len(tasks) - len(left)
    show(title, done, len(tasks))
    for finished in hand_out(left, group, recipe.runner, recipe.workers):
        done += finished
        show(title, done, len(tasks))
    costs = _merge(corpus, group, spans, tasks)
    shutil.rmtree(folder)
    return costs


def measure_span(task: Task, group: Sequence[Step]) -> int:
    """Measure some rows with the filters of a pass, write the numbers to a file, and return 1."""
    import pyarrow as pa

    started = time.thread_time()
    needs = {need for step in group for need in step.filter.needs}
    wanted = sorted({column for need in needs for column in _COLUMNS.get(need, (need,))})
    dataset = lance_package().dataset(task.uri)
    parts = {step.column: step.filter for step in group}
    seconds = dict.fromkeys(parts, 0.0)
    pieces: list[pa.Table] = []
    for start in range(0, len(task.rows), PIECE_ROWS):
        rows = list(task.rows[start : start + PIECE_ROWS])
        batch = Batch(dataset.take(rows, columns=wanted).to_pydict(), group[0].side)
        columns: dict[str, pa.Array] = {"row": pa.array(rows, pa.int64())}
        for column, part in parts.items():
            began = time.thread_time()
            columns |= _arrays(column, part, batch)
            seconds[column] += time.thread_time() - began
        pieces.append(pa.table(columns))
    seconds[READING + group[0].column] = time.thread_time() - started - sum(seconds.values())
    table = pa.concat_tables(pieces).replace_schema_metadata({"seconds": json.dumps(seconds)})
    write_part(table, Path(task.out))
    return 1


def write_drops(corpus: Corpus, fate: Fate, found: Sequence[Step], path: Path) -> None:
    """Write a table of every row that was dropped: where, by which filter, its value, and why."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = np.flatnonzero(~fate.alive)
    table = pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "key": corpus.read(["key"])["key"].take(pa.array(rows)).combine_chunks(),
            "stage": pa.array([found[place].stage for place in fate.step[rows]], pa.string()),
            "filter": pa.array([found[place].label for place in fate.step[rows]], pa.string()),
            "value": pa.array(fate.value[rows], pa.float64(), from_pandas=True),
            "reason": pa.array([fate.reason(int(row)) for row in rows], pa.string()),
        }
    )
    with atomic_path(path) as staged:
        parquet.write_table(table, staged)


def _add(corpus: Corpus, label: str, recipe: Recipe, show: Show) -> int:
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        show(f"{label}: new pictures", done, done)

    return corpus.add(label, recipe.sources[label], recipe.fetch, count)


def _unmeasured(corpus: Corpus, group: Sequence[Step], alive: np.ndarray) -> np.ndarray:
    """Return the numbers of rows that are there and lack a column of a pass."""
    lacking = np.zeros(len(alive), bool)
    for step in group:
        kind = "score" if isinstance(step.filter, Filter) else "sketch"
        lacking |= corpus.lacks(f"{kind}_{step.column}")
    return np.flatnonzero(lacking & alive)


def _within(todo: np.ndarray, span: range) -> list[int]:
    first, last = np.searchsorted(todo, [span.start, span.stop])
    return todo[first:last].tolist()


def _arrays(column: str, part: Filter | GroupFilter, batch: Batch) -> dict[str, Any]:
    """Return the columns that a filter gives."""
    import pyarrow as pa

    if not isinstance(part, Filter):
        return {f"sketch_{column}": pa.array([s or b"" for s in part.sketch(batch)], pa.binary())}
    measured = part.measure(batch)
    values = [np.nan if m.value is None else m.value for m in measured]
    notes = [m.note for m in measured]
    return {
        f"score_{column}": pa.array(values, pa.float32()),
        f"note_{column}": pa.array(notes, pa.string()),
    }


def _merge(
    corpus: Corpus, group: Sequence[Step], spans: Sequence[range], tasks: Mapping[range, Task]
) -> dict[str, Cost]:
    """Lay the numbers of finished spans over the columns of a corpus; return what they cost."""
    import pyarrow as pa

    costs: dict[str, Cost] = {}

    def parts() -> Iterator[pa.Table | None]:
        for span in spans:
            part = read_part(Path(tasks[span].out)) if span in tasks else None
            if part is not None:
                for column, seconds in json.loads(part.schema.metadata[b"seconds"]).items():
                    rows, before = costs.get(column, Cost(0, 0.0))
                    costs[column] = Cost(rows + len(part), before + seconds)
            yield part

    first = read_part(Path(next(iter(tasks.values())).out)).schema.remove_metadata()
    corpus.lay(first.remove(first.get_field_index("row")), spans, parts())
    return costs


def _judge(corpus: Corpus, fate: Fate, place: int, step: Step) -> dict[str, Cost]:
    """Drop what a step does not keep; return what comparing took, if it compares."""
    import pyarrow as pa

    if isinstance(step.filter, Filter):
        names = f"score_{step.column}", f"note_{step.column}"
        table = corpus.read(names)
        fate.judge(place, step.filter.cut, table[names[0]], table[names[1]])
        return {}
    rows = np.flatnonzero(fate.alive)
    began = time.process_time()
    measured = step.filter.compare(corpus.sketches(step.column, rows.tolist()))
    cost = Cost(len(rows), time.process_time() - began)
    values = np.full(len(fate.alive), np.nan)
    values[rows] = [np.nan if m.value is None else m.value for m in measured]
    notes = np.full(len(fate.alive), None, object)
    notes[rows] = [m.note for m in measured]
    fate.judge(place, step.filter.cut, pa.array(values, pa.float64()), pa.array(notes, pa.string()))
    corpus.fill({f"score_{step.column}": pa.array(values.astype(np.float32))})
    return {COMPARING + step.column: cost}


def _mask(fate: Fate, found: Sequence[Step], stages: Mapping[str, Stage]) -> Any:
    """Return a bit for each stage that a row passed, the first stage in the lowest bit."""
    import pyarrow as pa

    passed = np.zeros(len(fate.alive), np.int32)
    for bit, name in enumerate(stages):
        last = max((i for i, step in enumerate(found) if step.stage == name), default=-1)
        passed |= fate.survivors(last + 1).astype(np.int32) << bit
    return pa.array(passed, pa.int32())


def _earlier(corpus: Corpus) -> dict[str, Any]:
    try:
        return corpus.manifest["measured"]
    except (RecipeError, KeyError):
        return {}


def _counts(fate: Fate, found: Sequence[Step]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for place, step in enumerate(found):
        gone = int((fate.step == place).sum())
        counts.setdefault(step.stage, {})[step.label] = gone
    return counts


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=12).hexdigest()
