"""Benchmarks of one's own pictures: a JSONL file with an ask a line, files named from its folder.

A line says at least what is to be changed, and what a benchmark compares the outcome with:

    {"id": "chair-30", "prompt": "turn left by 30 degrees", "source": "chair/000.png",
     "target": "chair/030.png", "category": "30"}

`id` is by default the line's number, `category` is `all`, and `source` may be a list. What else a
line says is the benchmark's.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.core.cache import cache_folder
from danqing.core.errors import SourceError
from danqing.core.files import atomic_path
from danqing.evaluation.benchmark import Ask, seeds


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file.

    Raises:
        SourceError: it is not there, or a line is no object.
    """
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"data must be a JSONL file, got {path}; check its path.") from error
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise SourceError(
                f"lines of {path.name} must be JSON objects, got {text[:60]!r} in line {number}; "
                "mend it."
            )
        yield record


def asks(
    path: Path,
    task: str,
    count: int,
    needs: Sequence[str] = (),
    may: Sequence[str] = (),
    prompt: str | None = None,
) -> list[Ask]:
    """Return an ask for each line of a JSONL file.

    Args:
        path: The file.
        task: Name and version of the benchmark, from which seeds come.
        count: Pictures of each ask.
        needs: Keys of the files that pictures are looked at with.
        may: Keys of such files that lines may lack.
        prompt: For lines without one; None: each must have one.

    Raises:
        SourceError: the file is not there, or a line lacks something.
    """
    found: list[Ask] = []
    for number, record in enumerate(lines(path)):
        told = {"prompt": prompt, "id": f"{number:05d}", "category": "all"} | record
        for key in ("prompt", "source", *needs):
            if told.get(key) is None:
                raise SourceError(
                    f"lines of {path.name} must have a {key}, got {record!r}; add it."
                )
        found.append(
            Ask(
                id=str(told["id"]),
                prompt=str(told["prompt"]),
                category=str(told["category"]),
                language=str(told.get("language", "en")),
                seeds=seeds(task, str(told["id"]), count),
                sources=tuple(path.parent / name for name in _list(told["source"])),
                files=tuple(path.parent / record[key] for key in (*needs, *may) if key in record),
                data=record,
            )
        )
    return found


def place(path: Path, ask: Ask, key: str) -> Path | None:
    """Return where a file of an ask is; None: its line names none."""
    return path.parent / ask.data[key] if key in ask.data else None


def picture(path: Path) -> Image.Image:
    """Return a picture as it is in its file.

    Raises:
        SourceError: there is none.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError) as error:
        raise SourceError(f"pictures must be files with one, got {path}; check it.") from error


def mask(path: Path) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of a mask are set: the lighter half of a picture, or a numpy file's.

    Raises:
        SourceError: there is none.
    """
    if path.suffix == ".npy":
        return np.load(path).squeeze().astype(bool)
    image = picture(path)
    # A picture of two levels may have 1 where others have 255.
    return np.asarray(image).astype(bool) if image.mode == "1" else _light(image)


def prepared(path: Path, how: str, change: Callable[[Image.Image], Image.Image]) -> Path:
    """Return a file with a picture as it is given to models, made at the first call.

    Args:
        path: The picture.
        how: All that decides the change, in words.
        change: What is done to it.

    Raises:
        SourceError: it is no picture.
        StorageError: the cache cannot be written.
    """
    image = picture(path)
    key = hashlib.sha256(how.encode() + b"\n" + path.read_bytes()).hexdigest()[:24]
    file = cache_folder("pictures") / f"{key}.png"
    if not file.exists():
        with atomic_path(file) as staged:
            change(image.convert("RGB")).save(staged, format="PNG")
    return file


def _list(named: Any) -> Sequence[str]:
    return [named] if isinstance(named, str) else named


def _light(image: Image.Image) -> Bool[np.ndarray, "H W"]:
    return np.asarray(image.convert("L")) > 127
