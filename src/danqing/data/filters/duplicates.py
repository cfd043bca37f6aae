"""Near-duplicates: a perceptual hash finds candidates by an index, thumbnails decide.

The hash is the sign pattern of the lowest frequencies of a discrete cosine transform (pHash). It
survives other sizes and encodings, yet not a crop, so every picture also hashes crops of its own:
a cropped copy then matches a crop of its original. Candidates differ in at most `_RADIUS` of 64
bits. They are found without looking at all pairs: of four quarters of two such hashes at least one
differs in one bit or none (multi-index hashing, Norouzi et al. 2012). Then thumbnails, cut alike,
are compared in colour, because a red circle and a green one hash alike.

Dimension key: N rows, V views, S side of a thumbnail, L bytes of what is compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt64

from danqing.data.filters.base import Batch, Cut, Measured, filters
from danqing.data.pixels import RGB

_SIDE: Final = 36
_GRID: Final = 32
_KEPT: Final = 8
_RADIUS: Final = 7
_QUARTER: Final = 16
_CROPPED: Final = 0.95
_VIEWS: Final = (
    (0.0, 0.0, 1.0),
    *(
        (x * (1 - _CROPPED) / 2, y * (1 - _CROPPED) / 2, _CROPPED)
        for x in range(3)
        for y in range(3)
    ),
)
"""Left and upper edge and length of what is hashed, as shares of the sides: all, then crops."""
_CROWD: Final = 256
"""Rows that a row is compared with where very many share a quarter of their hash."""


@filters.register("duplicate")
@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """Likeness to the most similar better picture, from 0 to 1; a copy is near 1.

    Better is the one with more pixels, and of two alike the one that came first. So one picture of
    every group of copies stays, the largest.
    """

    needs: ClassVar = ("pixels",)
    slow: ClassVar = False
    cut: Cut = Cut(high=0.93)

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return the number of pixels and a small picture."""
        return [
            None
            if isinstance(head, str) or isinstance(pixels, str)
            else np.uint64(head.width * head.height).tobytes() + _thumbnail(pixels).tobytes()
            for head, pixels in zip(batch.heads, batch.images, strict=True)
        ]

    def compare(self, sketches: Sequence[bytes | None]) -> list[Measured]:
        """Return likeness, 0 where there is no candidate."""
        return against_better(
            sketches, lambda packed: nearest_before(packed.reshape(-1, _SIDE, _SIDE, 3))
        )

    def likeness(self, sketch: bytes, others: Sequence[bytes]) -> Float32[np.ndarray, " N"]:
        """Return how alike a picture is to each of others, from 0 to 1."""
        packed = [np.frombuffer(some[8:], np.uint8) for some in (sketch, *others)]
        thumbnails = np.stack(packed).reshape(-1, _SIDE, _SIDE, 3)
        ours = np.broadcast_to(thumbnails[:1], thumbnails[1:].shape)
        return _likeness(ours, thumbnails[1:], _VIEWS[0])


def against_better(
    sketches: Sequence[bytes | None],
    nearest: Callable[
        [UInt8[np.ndarray, "N L"]],
        tuple[Float32[np.ndarray, " N"], Int64[np.ndarray, " N"]],
    ],
) -> list[Measured]:
    """Return each row's likeness to the most similar one that is better.

    Args:
        sketches: Of each row the picture's number of pixels in 8 bytes, then what is compared.
        nearest: Given what is compared, the best picture first: each one's likeness to the most
            similar one before it, and that one's place or -1.
    """
    rows = np.array([row for row, sketch in enumerate(sketches) if sketch is not None], int)
    found: list[Measured] = [Measured(None)] * len(sketches)
    if not len(rows):
        return found
    packed = np.frombuffer(b"".join(s for s in sketches if s is not None), np.uint8)
    packed = packed.reshape(len(rows), -1)
    pixels = packed[:, :8].copy().view(np.uint64)[:, 0]
    order = np.lexsort((rows, np.iinfo(np.uint64).max - pixels))
    likeness, original = nearest(packed[order, 8:])
    for place, value, other in zip(order, likeness, original, strict=True):
        note = f"like row {rows[order[other]]}" if other >= 0 else None
        found[rows[place]] = Measured(float(value), note)
    return found


def nearest_before(
    thumbnails: UInt8[np.ndarray, "N S S 3"],
) -> tuple[Float32[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
    """Return each picture's likeness to the most similar one before it, and that one's place.

    Likeness is 0 and the place -1 where nothing before it hashes alike.
    """
    hashes = np.stack([_hash(thumbnails, view) for view in _VIEWS], axis=1)
    likeness = np.zeros(len(thumbnails), np.float32)
    original = np.full(len(thumbnails), -1, np.int64)
    for view in range(len(_VIEWS)):
        for queries, others in _candidates(hashes[:, view], hashes[:, 0]):
            alike = _likeness(thumbnails[queries], thumbnails[others], _VIEWS[view])
            first, later = np.minimum(queries, others), np.maximum(queries, others)
            # Later ones win `maximum.at`; the place is then read back from who reached it.
            np.maximum.at(likeness, later, alike)
            reached = alike >= likeness[later]
            original[later[reached]] = first[reached]
    return likeness, original


def _thumbnail(image: RGB) -> UInt8[np.ndarray, "36 36 3"]:
    import cv2

    return cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)  # pyright: ignore[reportReturnType]


def _crop(
    thumbnails: UInt8[np.ndarray, "N S S 3"], view: tuple[float, float, float]
) -> Float32[np.ndarray, "N 32 32 3"]:
    """Return what a view shows, in the size that views have in common."""
    left, top, length = view
    down, across = _resampling(top, top + length), _resampling(left, left + length)
    return np.einsum("ij,njkc,lk->nilc", down, thumbnails.astype(np.float32), across, optimize=True)


def _resampling(start: float, stop: float) -> Float32[np.ndarray, "32 S"]:
    """Return how much of each pixel of a thumbnail is in each of a view's: area averages."""
    edges = _SIDE * np.linspace(start, stop, _GRID + 1, dtype=np.float32)[:, None]
    pixels = np.arange(_SIDE, dtype=np.float32)[None]
    covered = np.clip(edges[1:], pixels, pixels + 1) - np.clip(edges[:-1], pixels, pixels + 1)
    return covered / covered.sum(axis=1, keepdims=True)


def _hash(
    thumbnails: UInt8[np.ndarray, "N S S 3"], view: tuple[float, float, float]
) -> UInt64[np.ndarray, " N"]:
    steps = np.arange(_GRID)
    cosines = np.cos(np.pi / _GRID * np.outer(np.arange(_KEPT), steps + 0.5)).astype(np.float32)
    hashes: list[np.ndarray] = []
    for part in np.array_split(thumbnails, max(1, len(thumbnails) // 4096)):
        gray = _crop(part, view) @ np.array([0.299, 0.587, 0.114], np.float32)
        waves = np.einsum("ui,nij,vj->nuv", cosines, gray, cosines, optimize=True)
        waves = waves.reshape(len(part), -1)
        # The first wave is the mean, which says nothing; its bit is always 0.
        waves[:, 0] = -np.inf
        above = waves > np.median(waves[:, 1:], axis=1, keepdims=True)
        hashes.append(np.packbits(above, axis=1).view(np.uint64)[:, 0])
    return np.concatenate(hashes)


def _candidates(
    queries: UInt64[np.ndarray, " N"], hashes: UInt64[np.ndarray, " N"], block: int = 1 << 20
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of places, never the same twice in a pair, whose hashes are near."""
    flips = [0, *(1 << bit for bit in range(_QUARTER))]
    for quarter in range(64 // _QUARTER):
        shift = np.uint64(quarter * _QUARTER)
        mask = np.uint64((1 << _QUARTER) - 1)
        keys = (hashes >> shift) & mask
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        asked = (queries >> shift) & mask
        for flip in flips:
            wanted = asked ^ np.uint64(flip)
            start = np.searchsorted(sorted_keys, wanted, "left")
            count = np.minimum(np.searchsorted(sorted_keys, wanted, "right") - start, _CROWD)
            yield from _pairs(queries, hashes, order, start, count, block)


def _pairs(
    queries: np.ndarray,
    hashes: np.ndarray,
    order: np.ndarray,
    start: np.ndarray,
    count: np.ndarray,
    block: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    ends = np.cumsum(count)
    for low in range(0, int(ends[-1]) if len(ends) else 0, block):
        flat = np.arange(low, min(low + block, int(ends[-1])))
        query = np.searchsorted(ends, flat, "right")
        other = order[start[query] + flat - (ends[query] - count[query])]
        near = np.bitwise_count(queries[query] ^ hashes[other]) <= _RADIUS
        near &= query != other
        if near.any():
            yield query[near], other[near]


def _likeness(
    ours: UInt8[np.ndarray, "N S S 3"],
    others: UInt8[np.ndarray, "N S S 3"],
    view: tuple[float, float, float],
) -> Float32[np.ndarray, " N"]:
    """Return how a view of ours correlates with all of others, less how far colours are apart."""
    found: list[np.ndarray] = []
    for one, two in zip(
        *(np.array_split(t, max(1, len(t) // 2048)) for t in (ours, others)), strict=True
    ):
        a = _crop(one, view).reshape(len(one), -1, 3)
        b = _crop(two, _VIEWS[0]).reshape(len(two), -1, 3)
        mean_a, mean_b = a.mean(axis=1, keepdims=True), b.mean(axis=1, keepdims=True)
        apart = np.abs(mean_a - mean_b).max(axis=(1, 2)) / 255
        a, b = (a - mean_a).reshape(len(one), -1), (b - mean_b).reshape(len(one), -1)
        # One grey level of noise: pictures of one colour are alike if their colours are.
        noise = a.shape[1]
        spread = np.sqrt(((a**2).sum(axis=1) + noise) * ((b**2).sum(axis=1) + noise))
        found.append(np.clip(((a * b).sum(axis=1) + noise) / spread - apart, 0, 1))
    return np.concatenate(found)
