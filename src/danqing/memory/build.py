"""C files as libraries: built once for a machine, where there is a compiler.

The package stays plain Python; a library lies in the cache under the hash of all that made it.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import torch

from danqing.core.cache import cache_folder
from danqing.core.errors import StorageError
from danqing.core.files import atomic_path

BUILD_SECONDS = 60

R = TypeVar("R")

_log = logging.getLogger(__name__)


@cache
def build(source: Path, arch: str | None = None) -> ctypes.CDLL | None:
    """Return a C file as a library, built now if it has not been; None where that cannot be.

    Args:
        source: The C file.
        arch: The processor to build for, in the compiler's words; None: any of its kind.
    """
    found = map(shutil.which, (os.environ.get("CC", ""), "cc", "clang"))
    compiler = next(filter(None, found), None)
    if compiler is None or os.name == "nt":
        return None
    flag = "-mcpu" if platform.machine() in ("arm64", "aarch64") else "-march"
    command = [compiler, "-O2", *([f"{flag}={arch}"] if arch else []), "-shared", "-fPIC"]
    machine = _instructions() if arch else platform.machine()
    parts = (source.read_text(encoding="utf-8"), *command, machine)
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    try:
        file = cache_folder("native") / f"{source.stem}-{key}.so"
        if not file.exists():
            with atomic_path(file) as staged:
                subprocess.run(
                    [*command, str(source), "-o", str(staged)],
                    check=True,
                    capture_output=True,
                    timeout=BUILD_SECONDS,
                )
        return ctypes.CDLL(str(file))
    except (OSError, StorageError, subprocess.SubprocessError) as error:
        _log.debug("%s could not be built: %s", source.name, error)
        return None


def share_out(count: int, run: Callable[[int, int], R], at_least: int) -> list[R]:
    """Run over [0, count) in pieces, by as many threads as PyTorch uses.

    Args:
        count: How many there are.
        run: Does those from its first argument up to its second.
        at_least: How many are worth a thread.
    """
    size = max(at_least, -(-count // torch.get_num_threads()))
    pieces = [(first, min(first + size, count)) for first in range(0, count, size)]
    if len(pieces) <= 1:
        return [run(*piece) for piece in pieces]
    return list(_threads().map(lambda piece: run(*piece), pieces))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="danqing-memory")


def _instructions() -> str:
    """Return what tells processors apart that need another build."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    flags = (line for line in lines if line.startswith(("flags", "Features")))
    return next(flags, f"{platform.machine()} {platform.processor()}")
