"""Pictures in tar files as WebDataset has them.

Files that share a name up to its first dot are one sample.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from danqing.core.errors import SourceError
from danqing.core.pictures import SUFFIXES
from danqing.data.record import Item, Record, sources
from danqing.data.sources.folder import LARGEST, captions, require_origin

_LONGEST_NAME = 255


@sources.register("webdataset")
@dataclass(frozen=True, kw_only=True)
class WebDataset:
    """All `.tar` files of a folder, or one. A sample's caption is its `.txt`, or in its `.json`."""

    path: Path
    """A folder or a tar file, not compressed."""
    origin: str = "raw"
    """Where captions in `.txt` come from: raw, recaption or fused."""

    def __post_init__(self) -> None:
        require_origin(self.origin)

    def items(self) -> Iterator[Item]:
        """Yield samples in the order of their files and their places in them.

        A tar that ends early yields what it has and then one item that says so.

        Raises:
            SourceError: there is no such file or folder.
        """
        if not self.path.exists():
            raise SourceError(f"source {self.path} must exist; check the recipe's path.")
        tars = sorted(self.path.rglob("*.tar")) if self.path.is_dir() else [self.path]
        for tar in tars:
            name = tar.relative_to(self.path).as_posix() if self.path.is_dir() else tar.name
            yield from self._of_tar(tar, name)

    def _of_tar(self, tar: Path, name: str) -> Iterator[Item]:
        group: list[tarfile.TarInfo] = []
        place = 0
        trouble = None
        try:
            with tarfile.open(tar, "r:") as archive:
                end = tar.stat().st_size
                for member in archive:
                    if group and _stem(member.name) != _stem(group[0].name):
                        yield self._item(tar, name, place, group)
                        group, place = [], place + 1
                    if member.offset_data + member.size > end:
                        trouble = f"the tar ends inside {_shown(member.name)}"
                        break
                    group.append(member)
        except (tarfile.TarError, OSError, EOFError) as error:
            trouble = f"the tar cannot be read on ({error})"
        if group:
            yield self._item(tar, name, place, group)
        if trouble is not None:
            broken = Record(name=tar.name, trouble=trouble)
            yield Item(f"{name}#end", lambda: broken)

    def _item(self, tar: Path, name: str, place: int, group: list[tarfile.TarInfo]) -> Item:
        return Item(f"{name}#{place:06d}", lambda: self._record(tar, group))

    def _record(self, tar: Path, group: list[tarfile.TarInfo]) -> Record:
        members = {member.name.rpartition(".")[2].lower(): member for member in group}
        picture = next((member for end, member in members.items() if end in SUFFIXES), None)
        shown = _shown((picture or group[0]).name)
        if any(not _harmless(member) for member in group):
            return Record(name=shown, trouble="its name or kind in the tar is not one of a picture")
        if picture is None:
            return Record(name=shown, trouble="there is no picture in this sample")
        try:
            texts: dict[str, Any] = {}
            if "txt" in members:
                texts = {self.origin: _bytes(tar, members["txt"]).decode().strip()}
            elif "json" in members:
                texts = captions(json.loads(_bytes(tar, members["json"])))
            return Record(name=shown, image=_bytes(tar, picture), **texts)
        except (OSError, ValueError) as error:
            return Record(name=shown, trouble=f"it cannot be read ({error})")


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.parent / path.name.partition(".")[0])


def _harmless(member: tarfile.TarInfo) -> bool:
    """Whether a member is a plain file whose name stays where it is put."""
    path = PurePosixPath(member.name)
    plain = member.isreg() and member.name.isprintable() and len(member.name) <= _LONGEST_NAME
    return plain and not path.is_absolute() and ".." not in path.parts


def _shown(name: str) -> str:
    """Return the last part of a name, without what would confuse a terminal or a file system."""
    last = PurePosixPath(name.replace("\\", "/")).name[-_LONGEST_NAME:]
    return "".join(letter if letter.isprintable() else "?" for letter in last)


def _bytes(tar: Path, member: tarfile.TarInfo) -> bytes:
    if member.size > LARGEST:
        raise ValueError(f"it has {member.size:,} bytes, above {LARGEST:,}")
    with tar.open("rb") as file:
        file.seek(member.offset_data)
        return file.read(member.size)
