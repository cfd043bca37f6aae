"""What was seen of pictures: lines that are added and never changed, so a kill costs one."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from danqing.core.files import storage_errors


class Memory:
    """A mapping from keys to plain data, kept in a file of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        """Read what there is; a last line that was cut short is forgotten."""
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Mapping[str, Any]] = {}
        if path.exists():
            whole = path.read_bytes().rpartition(b"\n")[0]
            for line in whole.splitlines():
                record = json.loads(line)
                self._known[record["key"]] = record["seen"]
            if path.stat().st_size != len(whole) + bool(whole):
                with storage_errors(path), path.open("r+b") as file:
                    file.truncate(len(whole) + bool(whole))

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was put under a key; None: nothing."""
        return self._known.get(key)

    def put(self, key: str, seen: Mapping[str, Any]) -> None:
        """Keep something, on the disk before this returns.

        Raises:
            StorageError: the disk said no.
        """
        line = json.dumps({"key": key, "seen": seen}, ensure_ascii=False) + "\n"
        with self._lock, storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(line.encode())
            self._known[key] = seen
