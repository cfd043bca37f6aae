"""Loggers that are never configured here, and metrics as lines of JSON.

A library must not own its host's logs: handlers and levels are set by the command line.
"""

import json
import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from danqing.core.errors import StorageError
from danqing.core.files import storage_errors


def logger(name: str) -> logging.Logger:
    """Return the logger of a module; pass `__name__`."""
    return logging.getLogger(name)


class Metrics:
    """Appends one JSON object a line to a file, each whole on disk when `write` returns.

    A line that a killed process left unfinished is dropped when the next one is written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def write(self, **values: Any) -> None:
        """Append one line. Tensors of one element become numbers; NaN and infinities, null.

        Raises:
            StorageError: the disk is full, read-only or not ours.
        """
        line = json.dumps({name: _plain(value) for name, value in values.items()})
        with storage_errors(self.path), self.path.open("a+b") as file:
            _drop_unfinished_line(file)
            file.write(line.encode() + b"\n")

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield every whole line's number, from 1, and its values; no file is no line.

        Raises:
            StorageError: a line is no JSON object.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return  # A killed process left it; the next one to write takes it away.
                try:
                    values = json.loads(line)
                except (ValueError, RecursionError):
                    values = None
                if not isinstance(values, dict):
                    raise self.damaged(number)
                yield number, values

    def damaged(self, number: int) -> StorageError:
        """Return the error that says which line cannot be read."""
        return StorageError(f"line {number} of {self.path} is no entry; take that line out.")


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # a tensor or a NumPy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _drop_unfinished_line(file: BinaryIO) -> None:
    if file.tell() == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
