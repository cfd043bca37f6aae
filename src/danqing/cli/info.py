"""`danqing info`: what made a picture, or what a model's folder holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from danqing.memory.compress import Sizes


def info(
    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")],
    /,
    *,
    json: bool = False,
) -> None:
    """Print what made a picture, or what a model's folder holds.

    Args:
        path: A PNG made by danqing, or a folder with weights.
        json: Print it as JSON, for programs.
    """
    record = _folder(path) if path.is_dir() else _picture(path)
    if json:
        from json import dumps

        print(dumps(record, ensure_ascii=False, indent=2))
        return
    width = max(map(len, record))
    for name, value in record.items():
        print(f"{name:<{width}}  {_plainly(value)}")


def _picture(path: Path) -> dict[str, object]:
    from danqing.core.config import dump
    from danqing.pipelines.record import read

    return dump(read(path))


def _folder(path: Path) -> dict[str, object]:
    from danqing.memory.compress import Sizes, measure, shards

    parts: dict[str, Sizes] = {}
    for file in shards(path):
        part = str(file.parent.relative_to(path))
        parts[part] = parts.get(part, Sizes()) + measure(file)
    total = sum(parts.values(), Sizes())
    return {name: _sizes(sizes) for name, sizes in {**parts, "all": total}.items()}


def _sizes(sizes: "Sizes") -> str:
    stored = f"{(sizes.packed + sizes.plain) / 1e6:,.1f} MB"
    if not sizes.weights:
        return stored
    plain = 2 * sizes.weights + sizes.plain
    return f"{stored}, {sizes.bits:.2f} bits a compressed weight; {plain / 1e6:,.1f} MB plain"


def _plainly(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_plainly, value))
    return str(value)
