"""What benchmarks take from a folder of the user's: a clone of their repository, or its files.

Words that belong to a benchmark, such as what its judge is told, are read from its own script,
which is parsed and never run.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from danqing.core.errors import SourceError


def find(folder: Path, name: str) -> Path:
    """Return the one file or folder of a name, at whatever depth.

    Raises:
        SourceError: there is none, or more than one.
    """
    if (place := folder / name).exists():
        return place
    places = list(folder.rglob(name))
    if len(places) != 1:
        raise SourceError(
            f"folder must have one {name} in it, got {len(places)} in {folder}; "
            "give a clone of the benchmark's repository."
        )
    return places[0]


def text(folder: Path, name: str) -> str:
    """Return what a file in a folder says.

    Raises:
        SourceError: it is not there, or is no text.
    """
    path = find(folder, name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{name} must be a text in UTF-8, got {path}; get it again.") from error


def document(folder: Path, name: str) -> Any:
    """Return what a JSON file in a folder says.

    Raises:
        SourceError: it is not there, or is not JSON.
    """
    told = text(folder, name)
    try:
        return json.loads(told)
    except ValueError as error:
        raise SourceError(f"{name} must be JSON, got another in {folder}; get it again.") from error


def quoted(folder: Path, name: str, words: str) -> str:
    """Return the first text of a Python script in a folder that has some words in it.

    What its code puts into a text from `record["key"]` stands there as `{key}`.

    Raises:
        SourceError: the script is not there, cannot be read, or has no such text.
    """
    script = text(folder, name)
    try:
        nodes = ast.walk(ast.parse(script))
    except (ValueError, SyntaxError) as error:
        raise SourceError(
            f"{name} must be a Python script, got another text in {folder}; get it again."
        ) from error
    found = next((told for told in map(_text, nodes) if words in told), None)
    if found is None:
        raise SourceError(
            f"{name} must have a text with {words!r}, got none in {folder}; get it again."
        )
    return found


def _text(node: ast.AST) -> str:
    """Return what a node says, if it is a text."""
    return "".join(_parts(node.values)) if isinstance(node, ast.JoinedStr) else _constant(node)


def _parts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FormattedValue(value=ast.Subscript(slice=ast.Constant(value=str(key)))):
                yield f"{{{key}}}"
            case _:
                yield _constant(node)


def _constant(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(told)):
            return told
        case _:
            return ""
