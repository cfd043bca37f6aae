"""Model folders, compressed and back: file by file, a tensor at a time, without losing a bit.

A compressed folder is laid out as it was, so whatever reads the one finds its way in the other:
only that a weight `X` is stored as `X.sm`, `X.ex`, `X.ix` and `X.pal` (see `codec.format`). Each
file is whole or not there, and one that is there already is not made again.
"""

import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from danqing.core.errors import CheckpointError, StorageError
from danqing.core.files import atomic_path
from danqing.memory import dfloat11
from danqing.memory.codec import Packed, decode, encode
from danqing.memory.packed import PARTS
from danqing.memory.shard import ShardWriter, metadata, read_header

FORMAT: Final = "danqing-planes"
"""What the metadata of a compressed file calls it."""

SMALLEST: Final = 2**14
"""Weights of a tensor that is worth packing, at least."""

INDEX: Final = ".safetensors.index.json"

Watch = Callable[[int], object]
"""Told of bytes of plain weights as they are done."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What compressing a folder came to."""

    weights: int = 0
    """Numbers in packed tensors."""
    packed: int = 0
    """Bytes of the packed tensors."""
    plain: int = 0
    """Bytes of tensors that stayed as they were."""

    @property
    def bits(self) -> float:
        """Bits that a packed weight takes."""
        return 8 * self.packed / self.weights if self.weights else 0.0

    def __add__(self, other: "Sizes") -> "Sizes":
        return Sizes(
            self.weights + other.weights, self.packed + other.packed, self.plain + other.plain
        )


def shards(folder: Path) -> list[Path]:
    """Return the weight files below a folder, in the order of their names.

    Raises:
        CheckpointError: There are none.
    """
    # A hidden one is still being written.
    found = sorted(f for f in folder.rglob("*.safetensors") if not f.name.startswith("."))
    if not found:
        raise CheckpointError(
            f"{folder} must hold safetensors files, got none; give the folder of a model."
        )
    return found


def total_bytes(folder: Path) -> int:
    """Return the bytes of all tensors below a folder as they are stored.

    Raises:
        CheckpointError: There are none, or one is damaged.
    """
    return sum(file.stat().st_size for file in shards(folder))


def compress_folder(
    source: Path,
    target: Path,
    watch: Watch = lambda done: None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Sizes:
    """Write a compressed copy of a model's folder; run it again to go on where it stopped.

    What is compressed already is copied.

    Args:
        source: A folder in the layout of diffusers; it is only read.
        target: Another folder, made if need be.
        watch: Told of bytes of the source as they are done.
        shapes: Of the weights of a network, by published names: what files in DFloat11's form
            do not say.

    Raises:
        CheckpointError: A file is damaged, or the source has no weights.
        StorageError: The target cannot be written, or is the source.
    """
    if source.resolve() == target.resolve():
        raise StorageError(
            f"target must be another folder than {source}; name one that can be made."
        )
    files = shards(source)
    room: list[Tensor] = []
    sizes = Sizes()
    for file in files:
        place = target / file.relative_to(source)
        origin = {"source": file.name, "source_bytes": str(file.stat().st_size)}
        if place.exists() and _made_from(place, origin):
            watch(file.stat().st_size)
        elif metadata(file).get("packing") == FORMAT:
            with atomic_path(place) as staged:
                shutil.copyfile(file, staged)
            watch(file.stat().st_size)
        else:
            _compress_file(file, place, origin, room, watch, shapes or {})
        sizes += measure(place)
    for file in sorted(source.rglob("*")):
        place = target / file.relative_to(source)
        if file.name.endswith(INDEX):
            _rewrite_index(file, place)
        elif file.is_file() and file.suffix != ".safetensors":
            with atomic_path(place) as staged:
                shutil.copyfile(file, staged)
    return sizes


def measure(file: Path) -> Sizes:
    """Return what a file holds, packed and plain.

    Raises:
        CheckpointError: The file is damaged.
    """
    sizes = Sizes()
    header = read_header(file)
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        stem, _, end = name.rpartition(".")
        if end in PARTS and f"{stem}.sm" in header:
            sizes += Sizes(weights=last - first if end == "sm" else 0, packed=last - first)
        else:
            sizes += Sizes(plain=last - first)
    return sizes


def verify_folder(folder: Path, watch: Watch = lambda done: None) -> int:
    """Decode every packed weight of a folder and compare checksums; return how many there are.

    Raises:
        CheckpointError: A weight is not what it was when it was compressed.
    """
    count = 0
    for file in shards(folder):
        sums = json.loads(metadata(file).get("crc32", "{}"))
        for name, packed in _packed(file):
            weights = decode(packed)
            if _checksum(weights) != sums.get(name):
                raise CheckpointError(
                    f"{name} in {file} must have the checksum it was written with, got another; "
                    "the file is damaged: download or compress it again."
                )
            count += 1
            watch(weights.nbytes)
    return count


def _made_from(place: Path, origin: Mapping[str, str]) -> bool:
    found = metadata(place)
    return found.get("packing") == FORMAT and origin.items() <= found.items()


def _compress_file(
    file: Path,
    place: Path,
    origin: Mapping[str, str],
    room: list[Tensor],
    watch: Watch,
    shapes: Mapping[str, Sequence[int]],
) -> None:
    """Write one file packed; `room` keeps memory for the next one."""
    sums: dict[str, int] = {}
    try:
        with safe_open(file, framework="pt") as opened, atomic_path(place) as staged:
            held = {name: opened.get_tensor(name) for name in sorted(opened.keys(), key=_natural)}
            names, tensors = _weights(file, held, shapes)
            stored = [f"{name}.{end}" for name in names for end in PARTS] + names
            with ShardWriter(staged, stored, sum(len(n) + 20 for n in names) + 400) as writer:
                # What is read in tiles comes first and stays aligned; small things follow.
                later: dict[str, Tensor] = {}
                for name, tensor in tensors:
                    packed = _pack(tensor, room) if _worth(name, tensor) else None
                    if packed is None:
                        later[name] = tensor
                    else:
                        parts = packed.parts
                        writer.write(f"{name}.sm", parts["sm"])
                        writer.write(f"{name}.ex", parts["ex"])
                        later |= {f"{name}.ix": parts["ix"], f"{name}.pal": parts["pal"]}
                        sums[name] = _checksum(tensor)
                    watch(tensor.nbytes)
                for name, tensor in later.items():
                    writer.write(name, tensor)
                writer.metadata |= {**(opened.metadata() or {}), **origin}
                writer.metadata |= {"packing": FORMAT, "version": "1", "crc32": json.dumps(sums)}
    except SafetensorError as error:
        raise CheckpointError(f"{file} is damaged ({error}); download it again.") from error


def _weights(
    file: Path, held: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]]
) -> tuple[list[str], Iterable[tuple[str, Tensor]]]:
    """Return the names of a file's weights, and the weights one after the other."""
    if not dfloat11.is_dfloat11(held):
        return list(held), held.items()
    config = file.with_name("config.json")
    told = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    units = dfloat11.units(held, shapes, told)
    names = [name for unit in units for name in unit.shapes]
    return [*names, *held], dfloat11.weights(held, shapes, told)


def _pack(tensor: Tensor, room: list[Tensor]) -> Packed | None:
    if not room or len(room[0]) < tensor.numel():
        room[:] = [torch.empty(tensor.numel(), dtype=torch.uint8)]
    return encode(tensor, room[0])


def _worth(name: str, tensor: Tensor) -> bool:
    """Return whether a tensor is to be packed.

    Rows of an embedding are looked up one at a time, so it stays as it is.
    """
    large = tensor.numel() >= SMALLEST
    return large and tensor.dtype == torch.bfloat16 and "embed" not in name


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Return a key that orders `block.2` before `block.10`."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in name.split(".")]


def _packed(file: Path) -> Iterator[tuple[str, Packed]]:
    try:
        with safe_open(file, framework="pt") as opened:
            keys = set(opened.keys())
            for name in sorted(key.removesuffix(".sm") for key in keys if key.endswith(".sm")):
                ends = [end for end in PARTS if f"{name}.{end}" in keys]
                yield name, Packed.of({e: opened.get_tensor(f"{name}.{e}") for e in ends}, name)
    except SafetensorError as error:
        raise CheckpointError(f"{file} is damaged ({error}); download it again.") from error


def _rewrite_index(file: Path, place: Path) -> None:
    """Write the index of a sharded part, with the names that its new files hold."""
    index = json.loads(file.read_text(encoding="utf-8"))
    names = {
        name: shard
        for shard in sorted(set(index["weight_map"].values()))
        for name in read_header(place.parent / shard)
        if name != "__metadata__"
    }
    total = sum((place.parent / shard).stat().st_size for shard in set(names.values()))
    table = {**index, "metadata": {"total_size": total}, "weight_map": dict(sorted(names.items()))}
    with atomic_path(place) as staged:
        staged.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
