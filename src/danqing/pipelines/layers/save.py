"""Layers as files: a folder of PNGs, or one file of another program, by the end of the name.

A folder holds a PNG of the picture's size for every layer, numbered from the bottom, and
`layers.json`, which says what made them and how near they come to the picture.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from danqing.core.config import dump
from danqing.core.errors import RequestError
from danqing.core.files import atomic_folder
from danqing.core.registry import Registry
from danqing.pipelines.layers import pptx, psd
from danqing.pipelines.layers.stack import Stack
from danqing.pipelines.record import Record

MANIFEST = "layers.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What made layers, and how well."""

    picture: str
    """Identifies the pixels of the picture, which is not kept."""
    count: int
    """Layers that a picture is taken apart into."""
    side: int
    """Side of the square whose area they were made at, in pixels."""
    again: tuple[str, ...] = ()
    """Layers that were themselves taken apart, in order."""
    likeness: float
    """How near the layers come to the picture without a correction, in dB of PSNR."""
    record: Record
    """Everything else."""


Writer = Callable[[Stack, Path, Made], None]
"""Writes layers to a path, whole or not at all."""

writers: Registry[Writer] = Registry("kind of file")
"""Kinds of files by the ends of their names; a folder's has none."""

writers.register(".psd")(lambda stack, path, _made: psd.write(stack, path))
writers.register(".pptx")(lambda stack, path, _made: pptx.write(stack, path))


def save(stack: Stack, path: str | Path, made: Made) -> Path:
    """Write layers, whole or not at all, and return where.

    Raises:
        RequestError: nothing is known to write to such a name; see `check_name`.
        StorageError: the disk cannot take it.
    """
    path = check_name(path)
    writers[_kind(path)](stack, path, made)
    return path


def check_name(path: str | Path) -> Path:
    """Return where layers are to be saved, if its name is one for layers.

    Raises:
        RequestError: its end is of no known kind, or it is a folder that holds other things.
    """
    path = Path(path)
    if _kind(path) not in writers:
        raise RequestError(
            f"layers must be saved as a folder, {' or '.join(_files())}, "
            f"got {path.name or path}; try {path.stem or 'layers'}.psd."
        )
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
        # A folder is replaced as a whole, and with it would go what is not ours.
        raise RequestError(
            f"layers must be saved in a new folder, got {path}, which holds other things; "
            "choose another name."
        )
    return path


def _kind(path: Path) -> str:
    return path.suffix.lower() or "folder"


def _files() -> list[str]:
    return [kind for kind in writers if kind != "folder"]


@writers.register("folder")
def folder(stack: Stack, path: Path, made: Made) -> None:
    """Write a PNG for every layer, and what made them."""
    files = [f"{layer.name}.png" for layer in stack]
    layers = [
        {"name": layer.name, "file": file, "coverage": round(layer.coverage, 4)}
        for layer, file in zip(stack, files, strict=True)
    ]
    with atomic_folder(path) as staged:
        for layer, file in zip(stack, files, strict=True):
            layer.image.save(staged / file, "PNG")
        about = json.dumps({"layers": layers, "made": dump(made)}, ensure_ascii=False, indent=2)
        (staged / MANIFEST).write_text(f"{about}\n", encoding="utf-8")
