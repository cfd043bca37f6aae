"""Memory that is a file: weights that are mapped from disk can be let go of and come back.

A mapped page that is dropped costs nothing but reading it again, from the system's cache if there
is room for it. So weights that are used once in a while need not stay: this is how a text encoder
of 13 GB and a transformer of 19 GB share 22 GB.
"""

import ctypes
import mmap
import sys
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

_DONTNEED = 4  # of madvise, on Linux
_MAPS = Path("/proc/self/maps")


def mapped(tensors: Iterable[Tensor]) -> list[bool]:
    """Return which tensors lie in memory that is mapped from a file; none where that is unknown."""
    tensors = list(tensors)
    if not _MAPS.exists():
        return [False] * len(tensors)
    ranges: list[tuple[int, int]] = []
    for line in _MAPS.read_text().splitlines():
        bounds, access, _, _, inode = line.split(maxsplit=5)[:5]
        # Shared memory is a file too, but one that nobody reads in again.
        if inode != "0" and "s" not in access:
            first, last = (int(bound, 16) for bound in bounds.split("-"))
            ranges.append((first, last))
    starts = [first for first, _ in ranges]

    def inside(tensor: Tensor) -> bool:
        if tensor.device.type != "cpu" or not tensor.is_contiguous():
            return False
        place = bisect_right(starts, tensor.data_ptr()) - 1
        return place >= 0 and tensor.data_ptr() + tensor.nbytes <= ranges[place][1]

    return [inside(tensor) for tensor in tensors]


def drop(tensors: Iterable[Tensor]) -> None:
    """Let go of the pages of tensors that are `mapped` and have never been written to."""
    if not sys.platform.startswith("linux"):
        return
    madvise = ctypes.CDLL(None).madvise
    for tensor in tensors:
        # Whole pages only: at either end another tensor may begin.
        first = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
        last = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DONTNEED)
