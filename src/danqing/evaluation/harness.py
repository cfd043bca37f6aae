"""Plan, paint, look, score, fold, report: each goes on where it was, and repeats nothing.

A picture is kept under the hash of all that made it, what was seen of it under the hash of the
picture, of who looked and of what was asked. So running again paints and asks only what is missing,
and scores everything anew.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from danqing.core import config
from danqing.core.errors import RecipeError, SourceError
from danqing.core.files import atomic_path
from danqing.core.versions import versions
from danqing.evaluation.asking import fates, judge_of
from danqing.evaluation.benchmark import Ask, Benchmark, Item, Referenced, Seen, benchmarks
from danqing.evaluation.checkup import examine, health
from danqing.evaluation.fidelity import fidelity
from danqing.evaluation.generators import Generator
from danqing.evaluation.memory import Memory
from danqing.evaluation.report import page
from danqing.evaluation.signature import signature

Watch = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture that is wanted, and where it goes."""

    ask: Ask
    seed: int
    file: str


def task(benchmark: Benchmark) -> str:
    """Return a benchmark's name, version and mode, as `geneval@1, official`."""
    return f"{benchmarks.name_of(benchmark)}@{benchmark.version}, {benchmark.mode}"


def run(
    benchmark: Benchmark,
    generator: Generator,
    out: Path,
    *,
    hands: int = 1,
    watch: Watch = lambda what, done, total: None,
) -> dict[str, Any]:
    """Score a generator; run it again to go on where it was stopped.

    Leaves in `out`: `pictures/` with a record beside each, `sources/` where pictures are to be
    changed, `seen.jsonl`, `items.jsonl` with every
    verdict, `result.json`, and `index.html` to look at; where a chat judges, also `health.json`
    with what it said to questions whose answers are known.

    Args:
        benchmark: What is asked for, and how it is scored.
        generator: Who paints.
        out: The folder of the run; several benchmarks may share one for each generator.
        hands: Pictures that are looked at at once.
        watch: Told how far it is.

    Returns:
        What is in `result.json`.

    Raises:
        RecipeError: nothing is asked for.
        SourceError: the benchmark's data are not there.
        DownloadError: a chat judges, and nobody is there to ask.
        StorageError: the folder cannot be written.
    """
    started = time.time()
    asks = benchmark.asks()
    if not asks:
        raise RecipeError(
            f"{task(benchmark)} must ask for something, got nothing; raise its count."
        )
    wanted: dict[str, list[_Picture]] = {}
    for ask in asks:
        assert ask.id not in wanted, "two asks have one id"
        wanted[ask.id] = list(_pictures(ask, _before(ask, wanted), generator))
    troubles = _paint(asks, wanted, generator, out, watch)
    items = _score(benchmark, asks, wanted, troubles, out, hands, watch)
    table = benchmark.fold(items)
    result: dict[str, Any] = {
        "task": task(benchmark),
        "fidelity": fidelity(benchmark),
        "settings": config.dump(benchmark),
        "generator": dict(generator.identity()),
        "looker": benchmark.looker,
        "asks_sha256": digest(asks),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 1),
        "versions": versions("torch", "numpy", "pillow", "rapidocr", "onnxruntime"),
        "pictures": len(items),
        "missing": [{"id": i.ask.id, "seed": i.seed, "trouble": i.trouble}
                    for i in items if i.trouble],
        "table": table.record,
    }  # fmt: skip
    if (chat := judge_of(benchmark)) is not None:
        result["answers"] = fates(item.seen for item in items)
        result["health"] = health(chat, out)
    if isinstance(benchmark, Referenced):
        result["references"] = benchmark.references(getattr(generator, "round_trip", None))
    result["signature"] = signature(result)
    _write(out / "items.jsonl", "".join(_dump(item.record) + "\n" for item in items))
    _write(out / "result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    _write(out / "index.html", page(result, [item.record for item in items]))
    return result


def digest(asks: Sequence[Ask]) -> str:
    """Return the hex sha256 of everything that is asked for, to be kept beside every result."""
    lines = (
        _dump([a.id, a.prompt, a.category, a.language, a.seeds, dict(a.data),
               *_hashes((*a.sources, *a.files)), *([a.after] if a.after else ())])
        for a in asks
    )  # fmt: skip
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hashes(paths: Sequence[Path]) -> list[str]:
    try:
        return [_hash(path, (about := path.stat()).st_size, about.st_mtime_ns) for path in paths]
    except OSError as error:
        raise SourceError(
            f"files of a benchmark must be there, got none at {error.filename}; check its data."
        ) from error


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    """Return the hex sha256 of a file, which is read once as long as it stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _before(ask: Ask, wanted: dict[str, list[_Picture]]) -> list[_Picture] | None:
    """Return the pictures that an ask goes on from, one a seed; None: it begins."""
    return None if ask.after is None else wanted[ask.after]


def _pictures(
    ask: Ask, before: Sequence[_Picture] | None, generator: Generator
) -> Iterator[_Picture]:
    sources = _hashes(ask.sources)
    for number, seed in enumerate(ask.seeds):
        # A picture that is not painted yet has the name of all that will make it.
        first = [] if before is None else [before[number].file]
        told = _dump([dict(generator.identity()), ask.prompt, seed, first + sources])
        key = hashlib.sha256(told.encode()).hexdigest()[:20]
        yield _Picture(ask, seed, f"pictures/{key}.png")


def _paint(
    asks: Sequence[Ask],
    wanted: dict[str, list[_Picture]],
    generator: Generator,
    out: Path,
    watch: Watch,
) -> dict[str, str]:
    """Paint what is missing; return, by file, why pictures are not there."""
    troubles: dict[str, str] = {}
    done, total = 0, sum(map(len, wanted.values()))
    for ask in asks:
        pictures = wanted[ask.id]
        # Together or not at all: pictures may depend, in the last bit, on their batch.
        if not all((out / picture.file).exists() for picture in pictures):
            painted = _painted(ask, _before(ask, wanted), generator, out)
            for picture, image in zip(pictures, painted, strict=True):
                if isinstance(image, str):
                    troubles[picture.file] = image
                else:
                    _keep(picture, image, generator, out)
        done += len(pictures)
        watch("painting", done, total)
    return troubles


def _painted(
    ask: Ask, before: Sequence[_Picture] | None, generator: Generator, out: Path
) -> Sequence[Image.Image | str]:
    """Return a picture for each seed, or why there is none."""
    if before is None:
        return generator.paint(ask)
    painted: list[Image.Image | str] = []
    for seed, picture in zip(ask.seeds, before, strict=True):
        path = out / picture.file
        if path.exists():
            painted += generator.paint(replace(ask, seeds=(seed,), sources=(path, *ask.sources)))
        else:
            painted.append("the picture before it is not there")
    return painted


def _keep(picture: _Picture, image: Image.Image, generator: Generator, out: Path) -> None:
    record = {
        "prompt": picture.ask.prompt,
        "seed": picture.seed,
        "sources": [str(path) for path in picture.ask.sources],
        "generator": dict(generator.identity()),
    }
    path = out / picture.file
    _write(path.with_suffix(".json"), json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    with atomic_path(path) as staged:
        image.convert("RGB").save(staged, format="PNG")


def _score(
    benchmark: Benchmark,
    asks: Sequence[Ask],
    wanted: dict[str, list[_Picture]],
    troubles: dict[str, str],
    out: Path,
    hands: int,
    watch: Watch,
) -> list[Item]:
    memory = Memory(out / "seen.jsonl")
    eye = [benchmarks.name_of(benchmark), benchmark.version, benchmark.looker]
    # More seeds of an ask leave what was seen of the others as it was.
    asked = {ask.id: digest([replace(ask, seeds=())]) for ask in asks}

    def key(picture: _Picture) -> str | None:
        path = out / picture.file
        if picture.file in troubles or not path.exists():
            return None
        data = hashlib.sha256(path.read_bytes()).hexdigest()
        told = [*eye, asked[picture.ask.id], data]
        return hashlib.sha256(_dump(told).encode()).hexdigest()[:24]

    def look(picture: _Picture, key: str | None) -> Seen | None:
        if key is None:
            return None
        if (seen := memory.get(key)) is None:
            with Image.open(out / picture.file) as image:
                seen = benchmark.look(picture.ask, image.convert("RGB"))
            memory.put(key, seen)
        return seen

    shown = {ask.id: _copied(ask, out) for ask in asks}

    def sources(ask: Ask, number: int) -> tuple[str, ...]:
        before = _before(ask, wanted)
        return shown[ask.id] if before is None else (before[number].file, *shown[ask.id])

    pictures = [picture for ask in asks for picture in wanted[ask.id]]
    keys = [key(picture) for picture in pictures]
    chat = judge_of(benchmark)
    if chat is not None and any(key and memory.get(key) is None for key in keys):
        examine(chat, out)
    seen: dict[str, list[Seen | None]] = {ask.id: [] for ask in asks}
    with ThreadPoolExecutor(hands, "look") as pool:
        for done, (picture, found) in enumerate(
            zip(pictures, pool.map(look, pictures, keys), strict=True), 1
        ):
            seen[picture.ask.id].append(found)
            watch("looking", done, len(pictures))
    return [
        Item(ask, picture.seed, None if found is None else picture.file,
             None if found is not None else troubles.get(picture.file, "it was not painted"),
             found, score, sources(ask, number))
        for ask in asks
        for number, (picture, found, score) in enumerate(
            zip(wanted[ask.id], seen[ask.id], benchmark.score(ask, seen[ask.id]), strict=True)
        )
    ]  # fmt: skip


def _copied(ask: Ask, out: Path) -> tuple[str, ...]:
    """Return where copies of an ask's sources lie in the run's folder, for people to look at."""
    names: list[str] = []
    for path, sha in zip(ask.sources, _hashes(ask.sources), strict=True):
        names.append(f"sources/{sha[:20]}{path.suffix}")
        if not (out / names[-1]).exists():
            with atomic_path(out / names[-1]) as staged:
                shutil.copyfile(path, staged)
    return tuple(names)


def _dump(record: object) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as staged:
        staged.write_text(text, encoding="utf-8")
