"""Pictures in a folder, with captions in files beside them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from danqing.core.errors import SourceError
from danqing.core.pictures import SUFFIXES
from danqing.data.record import ORIGINS, Item, Record, sources

LARGEST: Final = 256 << 20
"""Bytes of a picture that is still read; a file of strangers may have any size."""


@sources.register("folder")
@dataclass(frozen=True, kw_only=True)
class Folder:
    """All pictures below a folder, with captions in files beside them.

    `a.jpg` takes its caption from `a.txt`, or from `a.json`, which may have the keys `raw`,
    `recaption` and `fused`.
    """

    path: Path
    """The folder."""
    origin: str = "raw"
    """Where captions in `.txt` come from: raw, recaption or fused."""

    def __post_init__(self) -> None:
        require_origin(self.origin)

    def items(self) -> Iterator[Item]:
        """Yield pictures in the order of their names.

        Raises:
            SourceError: there is no such folder.
        """
        if not self.path.is_dir():
            raise SourceError(f"source folder {self.path} must exist; check the recipe's path.")
        # Names, because a path takes several times their memory.
        for name in sorted(file.as_posix() for file in _files(self.path)):
            yield Item(name, lambda name=name: self._record(self.path / name))

    def _record(self, file: Path) -> Record:
        try:
            size = file.stat().st_size
            if size > LARGEST:
                return Record(name=file.name, trouble=f"it has {size:,} bytes, above {LARGEST:,}")
            return Record(name=file.name, image=file.read_bytes(), **self._captions(file))
        except (OSError, ValueError) as error:
            return Record(name=file.name, trouble=f"it cannot be read ({error})")

    def _captions(self, file: Path) -> dict[str, str]:
        if (text := file.with_suffix(".txt")).is_file():
            return {self.origin: text.read_text(encoding="utf-8").strip()}
        if (side := file.with_suffix(".json")).is_file():
            return captions(json.loads(side.read_text(encoding="utf-8")))
        return {}


def captions(values: Any) -> dict[str, str]:
    """Return the captions in a mapping of strangers.

    Raises:
        ValueError: it is no mapping, or a caption is no text.
    """
    if not isinstance(values, dict):
        raise ValueError("its captions must be a JSON object")
    found = {name: values[name] for name in ORIGINS if values.get(name) is not None}
    for name, text in found.items():
        if not isinstance(text, str):
            raise ValueError(f"its caption {name} must be text")
    return found


def require_origin(origin: str) -> None:
    """Refuse an origin of captions that does not exist.

    Raises:
        SourceError: it is none of raw, recaption and fused.
    """
    if origin not in ORIGINS:
        raise SourceError(f"origin must be one of {', '.join(ORIGINS)}, got {origin!r}.")


def _files(folder: Path) -> Iterator[Path]:
    # Links are not followed: a folder from a stranger may point anywhere.
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        suffix = file.suffix[1:].lower()
        if suffix in SUFFIXES and not hidden and not file.is_symlink() and file.is_file():
            yield file.relative_to(folder)
