"""A safetensors file written tensor by tensor, and what it says of itself.

The library writes a file from tensors that are all in memory; this one takes them one after the
other, so that a file may be larger than memory, and begins its data at a page of memory.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import torch
from torch import Tensor

from danqing.core.errors import CheckpointError

PAGE: Final = 4096

LARGEST_HEADER: Final = 100_000_000
"""Bytes beyond which readers of this format refuse a header."""

DTYPES: Final = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}


class ShardWriter:
    """Writes a safetensors file; the header is filled in when it is closed without an error.

    Args:
        path: Where to; a file that is there is overwritten, so give a staged one.
        names: Of all tensors that will come, in any order: room is left for what will be said.
        metadata_bytes: Room to leave for the metadata.
    """

    def __init__(self, path: Path, names: Iterable[str], metadata_bytes: int = 0) -> None:
        # Each entry says a type, a few numbers of a shape and two places, beside its name.
        room = sum(len(json.dumps(name)) + 160 for name in names) + metadata_bytes + 200
        self._start = -(-(room + 8) // PAGE) * PAGE
        self._file = path.open("wb")
        self._file.seek(self._start)
        self._entries: dict[str, dict[str, Any]] = {}
        self._written = 0
        self.metadata: dict[str, str] = {"format": "pt"}

    def write(self, name: str, tensor: Tensor) -> None:
        """Append a tensor."""
        flat = tensor.detach().cpu().contiguous()
        self._file.write(flat.reshape(-1).view(torch.uint8).numpy().data)
        stop = self._written + flat.nbytes
        self._entries[name] = {
            "dtype": DTYPES[flat.dtype],
            "shape": list(flat.shape),
            "data_offsets": [self._written, stop],
        }
        self._written = stop

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            entries = {"__metadata__": self.metadata, **self._entries}
            header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
            length = self._start - 8
            assert len(header) <= length, "more was written than was announced"
            self._file.seek(0)
            self._file.write(struct.pack("<Q", length) + header.ljust(length))
        self._file.close()


def read_header(path: Path) -> dict[str, Any]:
    """Return what a safetensors file says of its tensors, and its `__metadata__`.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > LARGEST_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its header is no table")
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; download it again.") from None
    except (OSError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path} is damaged ({error}); download it again.") from error
    return header


def metadata(path: Path) -> Mapping[str, str]:
    """Return the metadata of a safetensors file.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    found = read_header(path).get("__metadata__", {})
    return found if isinstance(found, dict) else {}
