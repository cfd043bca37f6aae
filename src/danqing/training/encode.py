"""Latents as columns of a corpus: encoded once, grouped by size, read by number.

Each scale has a column of latents and one of sizes, which say what the VAE is, so that other
weights never find stale ones. Spans are written one by one and laid over the columns at the end; a
run that was killed goes on where it was.
"""

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from danqing.data.buckets import Scale, Size
from danqing.data.corpus import Corpus, read_part, write_part
from danqing.data.pixels import RGB, cover, read_head
from danqing.models.checkpoint import fingerprint
from danqing.models.vae.model import VAE
from danqing.pipelines.load import load_vae
from danqing.training.parallel.world import device

if TYPE_CHECKING:
    import pyarrow as pa

_SPAN: Final = 256
_AT_ONCE: Final = 1 << 20
"""Pixels that the VAE sees at once."""


class Columns(NamedTuple):
    """Names of what is kept of a scale."""

    latents: str
    """Float16 bytes: unit-scaled latents never overflow it, and it is finer than bfloat16."""
    size: str
    """Width and height, as `640x640`; empty where a picture is too small for the scale."""


def columns_of(scale: Scale, vae: VAE) -> Columns:
    """Return where the latents of a scale are kept that a VAE makes."""
    told = json.dumps(asdict(vae.config), sort_keys=True) + fingerprint(vae.state_dict())
    tag = f"{scale.name}_{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    return Columns(f"latents_{tag}", f"size_{tag}")


def encode(
    corpus: Corpus,
    rows: Sequence[int],
    scale: Scale,
    vae: VAE,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> Columns:
    """Give those of some rows latents that have none yet; return the columns.

    Args:
        corpus: Where the rows are.
        rows: Their numbers, in order.
        scale: Sizes of pictures; one that is smaller than its size is not enlarged and has none.
        vae: Encodes them.
        show: Told how many rows of how many are done.

    Raises:
        RecipeError: another run is at work on the corpus.
        StorageError: the disk said no.
    """
    with corpus.alone():
        return _encode_missing(corpus, rows, scale, vae, show)


def _encode_missing(
    corpus: Corpus,
    rows: Sequence[int],
    scale: Scale,
    vae: VAE,
    show: Callable[[int, int], None],
) -> Columns:
    import pyarrow as pa

    names = columns_of(scale, vae)
    wanted = np.zeros(len(corpus), bool)
    wanted[list(rows)] = True
    todo = wanted & corpus.lacks(names.size)
    if not todo.any():
        return names
    folder = corpus.folder / "parts" / names.latents
    folder.mkdir(parents=True, exist_ok=True)
    done, total = 0, int(todo.sum())
    schema = pa.schema([(names.size, pa.string()), (names.latents, pa.large_binary())])
    spans = list(corpus.spans(_SPAN))
    for span in spans:
        lacking = span.start + np.flatnonzero(todo[span.start : span.stop])
        if len(lacking) and not (path := _part(folder, span, todo)).exists():
            _write(path, schema, lacking, _latents(corpus, lacking, scale, vae))
        done += len(lacking)
        show(done, total)

    def parts() -> Iterator["pa.Table | None"]:
        for span in spans:
            path = _part(folder, span, todo)
            yield read_part(path) if path.exists() else None

    corpus.lay(schema, spans, parts())
    shutil.rmtree(folder)
    return names


def _part(folder: Path, span: range, todo: np.ndarray) -> Path:
    """Return the file of a span; other rows to do are another file."""
    rows = np.packbits(todo[span.start : span.stop]).tobytes()
    return folder / f"{span.start}-{hashlib.sha256(rows).hexdigest()[:12]}.arrow"


def _write(
    path: Path, schema: "pa.Schema", rows: np.ndarray, values: list[tuple[str, bytes]]
) -> None:
    import pyarrow as pa

    sizes, latents = zip(*values, strict=True)
    table = pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            schema.names[0]: pa.array(sizes, pa.string()),
            schema.names[1]: pa.array(latents, pa.large_binary()),
        }
    )
    write_part(table, path)


def _latents(corpus: Corpus, rows: np.ndarray, scale: Scale, vae: VAE) -> list[tuple[str, bytes]]:
    """Return each row's size and latents."""
    found = [("", b"")] * len(rows)
    groups: defaultdict[Size, list[tuple[int, RGB]]] = defaultdict(list)
    images = corpus.take(rows.tolist(), ["image"])["image"]
    for place, data in enumerate(images):
        head = read_head(data.as_py())
        size = None if isinstance(head, str) else scale.bucket(head.width, head.height)
        if size is not None and not isinstance(pixels := cover(data.as_py(), *size), str):
            groups[size].append((place, pixels))
    for (width, height), members in groups.items():
        many = max(1, _AT_ONCE // (width * height))
        for start in range(0, len(members), many):
            some = members[start : start + many]
            encoded = latents_of(vae, [pixels for _, pixels in some])
            for (place, _), latents in zip(some, encoded, strict=True):
                data = latents.to(torch.float16).cpu().numpy().tobytes()
                found[place] = (f"{width}x{height}", data)
    return found


def finished(model: Path) -> VAE:
    """Return the VAE in a model's folder, which learns nothing, where this process computes."""
    return load_vae(model, torch.float32).to(device()).eval()


@torch.inference_mode()
def latents_of(vae: VAE, images: Sequence[RGB]) -> Float[Tensor, "B C h w"]:
    """Return the normalized latents of pictures of one size, without their noise, on the CPU."""
    return vae.normalize(vae.encode(to_tensor(images).to(vae.device)).mode()).cpu()


def to_tensor(images: Sequence[RGB]) -> Float[Tensor, "B 3 H W"]:
    """Stack uint8 pictures `H W 3` into one float batch in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images))
    return rearrange(stacked, "b h w c -> b c h w").float() / 127.5 - 1
