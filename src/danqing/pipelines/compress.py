"""A whole model, compressed: its folder, and its name tag.

The source may be plain, or a repository of DFloat11 weights.

The tag is the fingerprint of the plain weights, so that a picture made by one copy of a model is
known as the other's, which would be slow to find out from compressed weights.
"""

import json
from pathlib import Path

import torch

from danqing.core.download import resolve
from danqing.core.files import atomic_path
from danqing.memory.compress import Sizes, Watch, compress_folder
from danqing.models import checkpoint
from danqing.models.mmdit.config import CLASS, MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.names import published
from danqing.pipelines.load import FILES, INDEX, fingerprint


def compress(name_or_path: str | Path, target: Path, watch: Watch = lambda done: None) -> Sizes:
    """Write a compressed copy of a model; run it again to go on where it stopped.

    Args:
        name_or_path: An embedded model's name, a folder, or a hub name.
        target: The folder to write.
        watch: Told of bytes of the source as they are done.

    Raises:
        ModelNotFound: there is no such model.
        DownloadError: it could not be fetched.
        CheckpointError: its files are missing or damaged.
        StorageError: the target cannot be written, or is the source.
    """
    source = resolve(name_or_path, allow=FILES)
    sizes = compress_folder(source, target, watch, _shapes(source))
    if (target / INDEX).is_file():
        index = checkpoint.read_config(target, INDEX)
        ours = index.get("_danqing") or {}
        tag = ours.get("weights") or fingerprint(source)
        with atomic_path(target / INDEX) as staged:
            text = json.dumps({**index, "_danqing": {**ours, "weights": tag}}, indent=2)
            staged.write_text(text + "\n", encoding="utf-8")
    return sizes


def _shapes(source: Path) -> dict[str, torch.Size]:
    """Return the shapes of the transformer of a folder; what a DFloat11 repository leaves out.

    Such a repository often holds the transformer alone, and of its `config.json` only what its
    decoder wants; it is Qwen-Image's then.
    """
    folder = source / "transformer" if (source / "transformer").is_dir() else source
    told = checkpoint.read_config(folder) if (folder / "config.json").is_file() else {}
    known = told if told.get("_class_name") == CLASS else {}
    with torch.device("meta"):
        mmdit = MMDiT(MMDiTConfig.from_published(known))
    return {published(name): weight.shape for name, weight in mmdit.named_parameters()}
