"""Pictures of models, as they come in: the folder of an evaluation, or lines of JSON.

A file's name, its text and its encoder could say which model painted it, so a picture is taken in
as bare pixels and written again.
"""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from danqing.core.errors import SourceError
from danqing.evaluation.arena.records import Entry
from danqing.evaluation.arena.store import Store


def take_in(store: Store, source: str) -> dict[str, int]:
    """Take pictures into an arena and return how many of each contestant are new.

    Args:
        store: The arena.
        source: `NAME=FOLDER`, where the folder has an `items.jsonl` like that of an evaluation; or
            a `.jsonl` file that also names the `model` of each picture. Every line has `prompt`
            and `file`, a path from the file's own folder, or null where nothing was painted; it
            may have `category`, `language`, and `seed` if there are several of a prompt.

    Raises:
        SourceError: There is no such file, or it does not say what it must.
        StorageError: The disk said no.
    """
    name, equals, folder = source.partition("=")
    lines = Path(folder) / "items.jsonl" if equals else Path(source)
    about = _about(Path(folder)) if equals else {}
    grouped: dict[str, list[dict[str, Any]]] = {}
    for record in _records(lines):
        model = name if equals else record.get("model")
        if not isinstance(model, str) or not model:
            raise SourceError(
                f"model must be named in every line of {lines}, got {model!r}; "
                f"or say NAME=FOLDER if all pictures are of one model."
            )
        pictures = grouped.setdefault(model, [])
        if record["file"] is not None:
            pictures.append(record)
    if not any(grouped.values()):
        raise SourceError(f"{lines} must have a line for each picture, got none; paint some.")
    return {
        model: store.add(model, _entries(records, lines.parent), about)
        for model, records in grouped.items()
    }


def plain(path: Path) -> bytes:
    """Return a picture as a PNG file of its pixels in RGB and nothing else.

    Raises:
        SourceError: It is no picture.
    """
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise SourceError(f"{path} must be a picture, got {error}; mend or remove it.") from error
    bare = Image.frombytes("RGB", upright.size, upright.tobytes())
    buffer = BytesIO()
    bare.save(buffer, "PNG")
    return buffer.getvalue()


def _about(folder: Path) -> dict[str, Any]:
    """Return what an evaluation says of its model."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: result[key] for key in ("generator", "versions", "commit") if key in result}


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"run must be NAME=FOLDER with an items.jsonl, or a .jsonl file, got {path}."
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise SourceError(
                f"line {number} of {path} must be JSON, got {line[:80]!r}."
            ) from error
        for key, kinds in (("prompt", str), ("file", str | None)):
            if not isinstance(record, dict) or not isinstance(record.get(key, 0), kinds):
                raise SourceError(
                    f"line {number} of {path} must have {key} in words, got {line[:80]!r}."
                )
        yield record


def _entries(records: list[dict[str, Any]], folder: Path) -> Iterator[Entry]:
    samples: dict[str, int] = {}
    for record in records:
        prompt, seed = record["prompt"], record.get("seed")
        samples[prompt] = samples.get(prompt, -1) + 1
        category, language = (
            value if isinstance(value := record.get(key), str) else None
            for key in ("category", "language")
        )
        yield Entry(
            prompt,
            seed % 2**63 if isinstance(seed, int) else samples[prompt],
            plain(folder / record["file"]),
            category,
            language,
        )
