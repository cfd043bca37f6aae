"""Pictures of the same thing, though no copies: a network's embeddings instead of thumbnails.

Dimension key: N rows, L bytes of an embedding, E its numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from PIL import Image

from danqing.data.filters.base import Batch, Cut, Measured, Sketches, filters
from danqing.data.filters.duplicates import against_better
from danqing.data.filters.networks import answers, towers

_BLOCK: Final = 1024
"""Rows that are compared with all before them at once."""


@filters.register("semantic_duplicate")
@dataclass(frozen=True, kw_only=True)
class SemanticDuplicate:
    """Cosine to the most similar better picture, as SigLIP 2 sees both; a copy is near 1.

    Better is what it is for `duplicate`. All pairs are compared, so this is for corpora of some
    hundred thousand rows. The bound is our own starting point.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = True
    cut: Cut = Cut(high=0.97)
    model: str = "google/siglip2-base-patch16-256"

    def load(self) -> None:
        """Load the network, once a process."""
        towers(self.model)

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return the number of pixels and an embedding of length 1 in half precision."""
        network, process = towers(self.model)

        def ask(images: list[Image.Image], rows: Sequence[int]) -> Any:
            told = network.get_image_features(**process(images=images, return_tensors="pt"))
            embeddings = told.pooler_output.float()
            return embeddings / embeddings.norm(dim=-1, keepdim=True)

        found: list[bytes | None] = [None] * len(batch)
        for row, embedding in answers(batch, range(len(batch)), ask):
            head = batch.heads[row]
            assert not isinstance(head, str), "what was decoded has a head"
            pixels = np.uint64(head.width * head.height).tobytes()
            found[row] = pixels + embedding.numpy().astype(np.float16).tobytes()
        return found

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return cosines, 0 for what is better than all others."""
        numbered = [(row, sketch) for row, sketch in enumerate(sketches) if sketch is not None]
        if not numbered:
            return [Measured(None)] * len(sketches)
        rows = np.array([row for row, _ in numbered], np.int64)
        packed = np.frombuffer(b"".join(sketch for _, sketch in numbered), np.uint8)
        packed = packed.reshape(len(rows), -1)
        pixels = packed[:, :8].copy().view(np.uint64)[:, 0]
        return against_better(
            len(sketches), rows, pixels, lambda order: _nearest_before(packed[order, 8:])
        )

    def likeness(self, sketch: bytes, others: Sequence[bytes]) -> Float32[np.ndarray, " N"]:
        """Return the cosine of a picture to each of others."""
        ours, *rest = (np.frombuffer(some[8:], np.float16) for some in (sketch, *others))
        return np.stack(rest).astype(np.float32) @ ours.astype(np.float32)


def _nearest_before(
    packed: UInt8[np.ndarray, "N L"],
) -> tuple[Float32[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
    embeddings = np.ascontiguousarray(packed).view(np.float16).astype(np.float32)
    likeness = np.zeros(len(embeddings), np.float32)
    original = np.full(len(embeddings), -1, np.int64)
    for start in range(0, len(embeddings), _BLOCK):
        some = embeddings[start : start + _BLOCK]
        cosines = some @ embeddings[: start + len(some)].T
        places = start + np.arange(len(some))[:, None]
        cosines[np.arange(cosines.shape[1]) >= places] = -np.inf
        best = cosines.argmax(axis=1)
        value = cosines[np.arange(len(some)), best]
        there = value > 0
        likeness[start : start + len(some)] = np.where(there, np.minimum(value, 1), 0)
        original[start : start + len(some)] = np.where(there, best, -1)
    return likeness, original
