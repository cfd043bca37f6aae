"""What is evaluated on what, as people say it; and finished runs side by side."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danqing.core.config import lay_over, parse, read_toml
from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.evaluation.benchmarks import AnyBenchmark
from danqing.evaluation.compare import Difference, differences
from danqing.evaluation.generators import AnyGenerator
from danqing.evaluation.report import Run, comparison
from danqing.scorers.chat import AnyChat, Chat


@dataclass(frozen=True, kw_only=True)
class Job:
    """A benchmark, and who paints what it asks for."""

    benchmark: AnyBenchmark
    generator: AnyGenerator


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Whoever is asked."""

    chat: AnyChat


def read(target: str, on: str, overrides: Sequence[str], told: Mapping[str, Any]) -> Job:
    """Return what is meant.

    Args:
        target: A model, or a TOML file that names a generator.
        on: A benchmark, or a TOML file that names one.
        overrides: Settings of the benchmark, as `mode=official`.
        told: Settings of the model.

    Raises:
        RecipeError: there is no such part, or it has no such setting.
    """
    benchmark = _table(on, overrides)
    if target.endswith(".toml"):
        generator = read_toml(Path(target))
        generator |= told
    else:
        generator = {"name": "model", "model": target, **told}
    return parse(Job, {"benchmark": benchmark, "generator": generator})


def chat(named: str, overrides: Sequence[str]) -> Chat:
    """Return who is asked.

    Args:
        named: A chat, or a TOML file that names one.
        overrides: Its settings, as `model=my-judge`.

    Raises:
        RecipeError: there is no such chat, or it has no such setting.
    """
    return parse(_Asked, {"chat": _table(named, overrides)}).chat


def compare(
    folders: Sequence[Path], out: Path, over: str | None = None
) -> list[tuple[Path, list[Difference]]]:
    """Write a page with several runs of one benchmark.

    Args:
        folders: The runs.
        out: The page.
        over: The dotted path of a number in every `result.json` over which scores are plotted.

    Returns:
        Every run but the first, with its differences from that.

    Raises:
        RecipeError: a folder is no run, they are not of one benchmark, one has no such number, or
            a signed one has changed.
        StorageError: the page cannot be written.
    """
    runs = [_run(folder, out) for folder in folders]
    if len(runs) < 2:
        raise RecipeError(f"runs must be two or more, got {len(runs)}; name another folder.")
    first = runs[0][1]
    for folder, (_, result, _) in zip(folders, runs, strict=True):
        if (result["task"], result["asks_sha256"]) != (first["task"], first["asks_sha256"]):
            raise RecipeError(
                f"runs must ask for the same things, got {result['task']} in {folder} and "
                f"{first['task']} in {folders[0]}; evaluate both with the same settings."
            )
    (_, _, before), *others = runs
    found = [differences(before, after) for _, _, after in others]
    text = comparison(runs, found, over)
    with atomic_path(out) as staged:
        staged.write_text(text, encoding="utf-8")
    return list(zip(folders[1:], found, strict=True))


def _table(named: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a part that is named, or that a TOML file names."""
    table = read_toml(Path(named)) if named.endswith(".toml") else {"name": named}
    for override in overrides:
        lay_over(table, override)
    return table


def _run(folder: Path, out: Path) -> Run:
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        lines = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
        items = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"runs must be folders that danqing evaluate wrote, got {folder}; run it first."
        ) from error
    return f"{Path(os.path.relpath(folder, out.parent)).as_posix()}/", result, items
