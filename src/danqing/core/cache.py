"""Where what can be made again is kept between runs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danqing.core.files import atomic_path


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of such things, ours alone; it is made if need be.

    It lies below `$DANQING_CACHE`, or where the system keeps caches.
    """
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    kept = Path(os.environ.get("XDG_CACHE_HOME") or usual) / "danqing"
    folder = Path(os.environ.get("DANQING_CACHE") or kept) / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class Rolling:
    """Files within a budget of bytes: when it is used up, those not read for longest go.

    Programs may share a folder: each looks at all files whenever it makes room.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        """Keep files in a folder.

        Args:
            folder: Where they are.
            budget: Bytes of all of them together.
        """
        self.folder, self.budget = folder, budget
        self._bytes: int | None = None
        """None: nobody has looked yet."""

    def find(self, name: str) -> Path | None:
        """Return the file so called, which counts as read now; None: it is not there."""
        try:
            os.utime(file := self.folder / name)
        except OSError:
            return None
        return file

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Give a path to write a file to, and make room for it afterwards.

        Raises:
            StorageError: the disk said no.
        """
        with atomic_path(self.folder / name) as staged:
            yield staged
            size = staged.stat().st_size
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._files())
        else:
            self._bytes += size
        if self._bytes > self.budget:
            self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        # A tenth more than must go, so that not every write looks at all files.
        for _, size, file in files:
            if left <= self.budget * 0.9:
                break
            file.unlink(missing_ok=True)
            left -= size
        self._bytes = left

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each file was last read, its bytes and where it is."""
        for file in self.folder.iterdir():
            try:
                about = file.stat()
            except OSError:
                continue
            yield about.st_mtime, about.st_size, file
