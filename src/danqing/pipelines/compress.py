"""A whole model, compressed: its folder, and its name tag.

The tag is the fingerprint of the plain weights, so that a picture made by one copy of a model is
known as the other's, which would be slow to find out from compressed weights.
"""

import json
from pathlib import Path

from danqing.core.download import resolve
from danqing.core.files import atomic_path
from danqing.memory.compress import Sizes, Watch, compress_folder
from danqing.models import checkpoint
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
    sizes = compress_folder(source, target, watch)
    if (target / INDEX).is_file():
        index = checkpoint.read_config(target, INDEX)
        ours = index.get("_danqing") or {}
        tag = ours.get("weights") or fingerprint(source)
        with atomic_path(target / INDEX) as staged:
            text = json.dumps({**index, "_danqing": {**ours, "weights": tag}}, indent=2)
            staged.write_text(text + "\n", encoding="utf-8")
    return sizes
