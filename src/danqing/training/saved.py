"""Tensors on disk, in boxes: who wrote them need not be who reads them.

Every rank writes the boxes that it answers for into a safetensors file of its own, and says in the
file's metadata where they lie. Who reads takes of every file what overlaps with its own boxes, so a
state goes over to any number of ranks, and no rank ever has more than its share.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from danqing.core.files import atomic_folder
from danqing.training.parallel.shares import Share
from danqing.training.parallel.world import leads, size


@contextmanager
def shared_folder(path: Path) -> Iterator[Path]:
    """Give all ranks an empty folder to fill; it becomes `path` once all have.

    Raises:
        StorageError: the disk is full, read-only or not ours.
    """
    with ExitStack() as stack:
        part = [str(stack.enter_context(atomic_folder(path)))] if leads() else [""]
        if size() > 1:
            dist.broadcast_object_list(part)
        yield Path(part[0])
        if size() > 1:
            dist.barrier()


def write(path: Path, tensors: Mapping[str, tuple[Share, Tensor]]) -> None:
    """Write the boxes that this rank answers for to a file; where there are none, no file."""
    own = {name: each for name, each in tensors.items() if each[0].answers}
    places = {
        name: json.dumps([share.start, share.whole])
        for name, (share, _) in own.items()
        if share.shape != share.whole
    }
    if own:
        boxes = {name: box.detach().cpu().contiguous() for name, (_, box) in own.items()}
        save_file(boxes, path, metadata=places)


class Saved:
    """What was saved under a stem; no file is no tensor.

    Attributes:
        shapes: The shape of every tensor, whole.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self._files = [*folder.glob(f"{stem}.safetensors"), *folder.glob(f"{stem}-*.safetensors")]
        self._boxes: dict[str, list[tuple[Share, Any]]] = {}
        for path in sorted(self._files):
            file = safe_open(path, "pt")
            places = file.metadata() or {}
            for name in file.keys():  # noqa: SIM118  (it is no mapping)
                shape = tuple(file.get_slice(name).get_shape())
                start, whole = json.loads(places.get(name, "[null, null]"))
                place = Share(tuple(whole or shape), tuple(start or [0] * len(shape)), shape)
                self._boxes.setdefault(name, []).append((place, file))
        self.shapes = {name: boxes[0][0].whole for name, boxes in self._boxes.items()}

    def __bool__(self) -> bool:
        return bool(self._files)

    def read(self, name: str, wanted: Share | None = None) -> Tensor:
        """Return a box of a tensor, in float32; the whole of it if none is named."""
        whole = self.shapes[name]
        wanted = wanted or Share(whole, (0,) * len(whole), whole)
        if not whole:
            return self._boxes[name][0][1].get_tensor(name)
        out = torch.empty(wanted.shape)
        for place, file in self._boxes[name]:
            shared = [
                (max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(place.box, wanted.box, strict=True)
            ]
            if any(first >= last for first, last in shared):
                continue
            there, here = (
                tuple(
                    slice(first - start, last - start)
                    for (first, last), start in zip(shared, share.start, strict=True)
                )
                for share in (place, wanted)
            )
            out[here] = file.get_slice(name)[there]
        return out
