"""Weights on disk: safetensors files, in shards that an index lists, as diffusers lays them out.

Reading maps files into memory, so a tensor is not on the heap until something changes it. A
module built on the `meta` device takes these tensors as they are: nothing is allocated twice.
Loading is strict; what is wrong is said in one line that names the tensors.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from danqing.core.errors import CheckpointError
from danqing.core.files import atomic_folder, atomic_path

STEMS = ("diffusion_pytorch_model", "model")
"""What diffusers and transformers call their weights."""

SHARD = 5 << 30
"""Bytes of one file at most, unless a single tensor is larger."""

NAMED = 3
"""How many tensors an error names of each kind."""

WINDOWS, WINDOW = 16, 4096
"""How many places of a large tensor a fingerprint looks at, and how many bytes of each."""

Rename = Callable[[str], str | None]
"""From the published name of a tensor to ours, or None for one that we do without."""

Reshape = Callable[[str, Tensor], Tensor]
"""From our name and the published tensor to our tensor, where it is stored in another shape."""


def read(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a folder, or of one file, by their published names, memory-mapped.

    Raises:
        CheckpointError: files are missing or damaged.
    """
    path = Path(path)
    if path.is_file():
        return _read_file(path)
    for stem in STEMS:
        index = path / f"{stem}.safetensors.index.json"
        if index.is_file():
            return _read_shards(index)
        if (file := path / f"{stem}.safetensors").is_file():
            return _read_file(file)
    raise CheckpointError(
        f"{path} must hold {STEMS[0]}.safetensors or its index, got neither; "
        "download the model again."
    )


def read_metadata(file: str | Path) -> dict[str, str]:
    """Return what a file says beside its tensors.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with _opened(file) as opened:
        return opened.metadata() or {}


def read_config(folder: str | Path, name: str = "config.json") -> dict[str, Any]:
    """Return the JSON object of a part's configuration.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    file = Path(folder) / name
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{file} is missing; download the model again.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged; download the model again.") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{file} must hold a JSON object; download the model again.")
    return config


def write_config(folder: str | Path, config: Mapping[str, Any], name: str = "config.json") -> None:
    """Write a part's configuration as JSON.

    Raises:
        StorageError: the disk cannot take it.
    """
    with atomic_path(Path(folder) / name) as staged:
        staged.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def write(
    folder: str | Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    stem: str = STEMS[0],
    shard: int = SHARD,
) -> None:
    """Write a part of a model, `config.json` and weights, as one folder: all of it or nothing.

    Args:
        folder: Where to; what was there is replaced.
        tensors: Tensors by their published names.
        config: The part's configuration, as published.
        stem: What its files are called, one of `STEMS`.
        shard: Bytes of one file at most, unless a single tensor is larger.

    Raises:
        StorageError: the disk cannot take it.
    """
    assert stem in STEMS, f"nobody would find weights called {stem}"
    shards = _split(tensors, shard)
    with atomic_folder(folder) as staged:
        write_config(staged, config)
        if len(shards) == 1:
            _write_file(staged / f"{stem}.safetensors", shards[0])
            return
        places: dict[str, str] = {}
        for number, part in enumerate(shards, 1):
            name = f"{stem}-{number:05}-of-{len(shards):05}.safetensors"
            _write_file(staged / name, part)
            places |= dict.fromkeys(part, name)
        total = sum(tensor.nbytes for tensor in tensors.values())
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
        write_config(staged, index, f"{stem}.safetensors.index.json")


def write_file(
    file: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write one file of tensors by their published names, and what it says beside them.

    Raises:
        StorageError: the disk cannot take it.
    """
    with atomic_path(file) as staged:
        plain = {name: t.cpu().contiguous() for name, t in tensors.items()}
        _write_file(staged, plain, metadata)


def load_into(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    rename: Rename,
    dtype: torch.dtype | None = None,
    *,
    reshape: Reshape = lambda name, tensor: tensor,
    device: torch.device | str | None = None,
) -> None:
    """Give a module, built on `meta` or anywhere, weights such as `read` returns.

    Tensors that already have the shape, dtype and device are taken without a copy.

    Args:
        module: What is to be loaded.
        tensors: Weights by their published names.
        rename: What each published tensor is called in the module.
        dtype: Number format to convert to; None keeps that of the files.
        reshape: How tensors that are stored in another shape become ours.
        device: Where to move to; None keeps them where they are.

    Raises:
        CheckpointError: tensors are unknown, missing or misshapen.
    """
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    found: dict[str, Tensor] = {}
    wrong: dict[str, list[str]] = {"missing": [], "unknown": [], "misshapen": []}
    for published, stored in tensors.items():
        name = rename(published)
        if name is None:
            continue
        if name not in wanted:
            wrong["unknown"].append(published)
            continue
        tensor = reshape(name, stored)
        found[name] = tensor.to(device, dtype if tensor.is_floating_point() else None)
        if tensor.shape != wanted[name]:
            shapes = f"{list(tensor.shape)} for {list(wanted[name])}"
            wrong["misshapen"].append(f"{published} {shapes}")
    wrong["missing"] = [name for name in wanted if name not in found]
    if any(wrong.values()):
        raise CheckpointError(
            f"weights must fit their config.json, got {faults(wrong)}; take both from one model."
        )
    module.load_state_dict(found, assign=True)


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return 16 hexadecimal digits that tell sets of weights apart.

    Every tensor counts, large ones by 16 windows of 4 KiB, so that 40 GB take no longer than
    40 MB. It is an identity and no seal: a change made to escape it would.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        if len(data) > WINDOWS * WINDOW:
            data = data[: len(data) // WINDOWS * WINDOWS].view(WINDOWS, -1)[:, :WINDOW]
        digest.update(data.numpy().tobytes())
    return digest.hexdigest()[:16]


def faults(wrong: Mapping[str, Sequence[str]]) -> str:
    """Return how many tensors there are of each kind of fault, and the first of their names."""
    return ", ".join(
        f"{len(names)} {kind} ({', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''})"
        for kind, names in wrong.items()
        if names
    )


def _read_file(file: Path, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Return the tensors of a file, all of them or those named."""
    with _opened(file) as opened:
        held = opened.keys()
        return {name: opened.get_tensor(name) for name in (held if names is None else names)}


@contextmanager
def _opened(file: str | Path) -> Iterator[Any]:
    """Open a safetensors file; say in one line what is wrong with it."""
    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except FileNotFoundError:
        raise CheckpointError(f"{file} is missing; download it again.") from None
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{file} is damaged ({reason}); download it again.") from error


def _read_shards(index: Path) -> dict[str, Tensor]:
    places = read_config(index.parent, index.name).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(f"{index} has no weight_map; download it again.")
    shards: dict[str, list[str]] = {}
    for name, file in places.items():
        # An index comes from strangers: it may not lead out of its folder.
        if not isinstance(file, str) or not re.fullmatch(r"[\w.-]+\.safetensors", file):
            raise CheckpointError(
                f"{index} must name files beside it, got {file!r}; download it again."
            )
        shards.setdefault(file, []).append(name)
    tensors: dict[str, Tensor] = {}
    for file, names in shards.items():
        tensors |= _read_file(index.parent / file, names)
    return tensors


def _split(tensors: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > limit:
            shards.append({})
            size = 0
        # A weight that is stored otherwise is written as the plain tensor it stands for.
        plain = tensor.detach() if type(tensor.detach()) is Tensor else tensor.detach().clone()
        shards[-1][name] = plain.contiguous()
        size += tensor.nbytes
    return shards


def _write_file(
    file: Path, tensors: dict[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    # Readers of this layout look for the mark.
    save_file(tensors, file, metadata={"format": "pt", **(metadata or {})})
