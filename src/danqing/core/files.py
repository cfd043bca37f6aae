"""Files that are either whole or not there.

What is written goes to a hidden neighbour first and takes its name in one step at the end, so
neither an error nor Ctrl-C leaves half a file, and a file that was there stays until then.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danqing.core.errors import StorageError

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another place",
    errno.EFBIG: "the disk does not take files this large; choose another place",
    errno.EACCES: "permission is denied; choose another place",
    errno.EPERM: "permission is denied; choose another place",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.EISDIR: "it is a folder; add a file name",
    errno.ENOTDIR: "a part of the path is a file; choose another place",
    errno.EEXIST: "a part of the path is a file; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `path` on success and vanishes on any failure.

    The temporary name keeps the suffix, because writers choose their format by it. Missing
    parent folders are made.

    Raises:
        StorageError: the disk is full, read-only or not ours; the text says what to do.
    """
    with _staged(Path(path)) as staged:
        yield staged
        _flush(staged)
        staged.replace(path)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give an empty folder to fill; it becomes `path` on success and vanishes on any failure.

    A folder that was at `path` is replaced. It is moved aside for the moment between the two
    renames, because no portable call exchanges two folders.

    Raises:
        StorageError: the disk is full, read-only or not ours; the text says what to do.
    """
    path = Path(path)
    with _staged(path) as staged:
        staged.mkdir()
        yield staged
        for file in staged.rglob("*"):
            if file.is_file():
                _flush(file)
        if not path.exists():
            staged.replace(path)
            return
        with _staged(path) as old:
            path.replace(old)
            try:
                staged.replace(path)
            except BaseException:
                old.replace(path)
                raise


@contextmanager
def storage_errors(path: str | Path) -> Iterator[None]:
    """Turn what the disk refuses while `path` is written into a `StorageError` with the fix."""
    path = Path(path)
    try:
        yield
    except Exception as error:
        if (advice := _advice(error, path.parent)) is None:
            raise
        raise StorageError(f"{path} cannot be written: {advice}.") from error


@contextmanager
def _staged(path: Path) -> Iterator[Path]:
    staged = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield staged
    finally:
        if staged.is_dir():
            shutil.rmtree(staged, ignore_errors=True)
        elif staged.parent.is_dir():
            staged.unlink(missing_ok=True)


def _advice(error: Exception, folder: Path) -> str | None:
    """Return what to do about an error of writing into `folder`, or None for any other error."""
    if not isinstance(error, OSError):
        # Writers in other languages (safetensors) report a full disk by text alone.
        full = os.strerror(errno.ENOSPC).lower() in str(error).lower()
        return _ADVICE[errno.ENOSPC] if full else None
    elsewhere = error.filename is not None and not Path(error.filename).is_relative_to(folder)
    return None if elsewhere else _ADVICE.get(error.errno or 0)


def _flush(file: Path) -> None:
    # Without this a power cut can keep the new name and lose the bytes.
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
