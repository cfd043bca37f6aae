"""Near-duplicates: a perceptual hash finds candidates by an index, thumbnails decide.

The hash is the sign pattern of the lowest frequencies of a discrete cosine transform (pHash). It
survives other sizes and encodings, yet not a crop, so every picture also hashes crops of its own:
a cropped copy then matches a crop of its original. Candidates differ in at most `_RADIUS` of 64
bits. They are found without looking at all pairs: of four quarters of two such hashes at least one
differs in one bit or none (multi-index hashing, Norouzi et al. 2012). Then thumbnails, cut alike,
are compared in colour, because a red circle and a green one hash alike.

Dimension key: N rows, V views, S side of a thumbnail.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import ClassVar, Final

import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt64

from danqing.data.filters.base import Batch, Cut, Measured, Sketches, filters
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
_BLOCK: Final = 256
"""Thumbnails that are in memory together."""
_GATHERED: Final = 1 << 16
"""Pairs that are gathered before they are looked at."""
_NO_HASH: Final = np.empty((0, len(_VIEWS)), np.uint64)


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
    crops: bool = True
    """Whether copies that lost an edge are looked for too, in ten times the time."""
    crowd: int = 256
    """Rows that a row is compared with where very many share a quarter of their hash."""

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return the number of pixels and a small picture."""
        return [
            None
            if isinstance(head, str) or isinstance(pixels, str)
            else np.uint64(head.width * head.height).tobytes() + _thumbnail(pixels).tobytes()
            for head, pixels in zip(batch.heads, batch.images, strict=True)
        ]

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return likeness, 0 where there is no candidate."""
        rows, pixels, hashes = _hashed(sketches)

        def nearest(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            def look(places: np.ndarray) -> UInt8[np.ndarray, "N S S 3"]:
                asked = sketches.at(rows[order[places]].tolist())
                return _unpacked([sketch for sketch in asked if sketch])[1]

            return _nearest_before(hashes[order], look, self.crops, self.crowd)

        return against_better(len(sketches), rows, pixels, nearest)

    def likeness(self, sketch: bytes, others: Sequence[bytes]) -> Float32[np.ndarray, " N"]:
        """Return how alike a picture is to each of others, from 0 to 1."""
        thumbnails = _unpacked([sketch, *others])[1]
        ours = np.broadcast_to(thumbnails[:1], thumbnails[1:].shape)
        return _likeness(ours, thumbnails[1:], _VIEWS[0])


def against_better(
    count: int,
    rows: Int64[np.ndarray, " N"],
    pixels: UInt64[np.ndarray, " N"],
    nearest: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> list[Measured]:
    """Return each row's likeness to the most similar one that is better.

    Args:
        count: How many rows there are; those that have nothing to compare get no number.
        rows: The others.
        pixels: How many pixels the picture of each of these has.
        nearest: Given their places, the best picture first: each one's likeness to the most similar
            one before it, and that one's place in this order or -1.
    """
    order = np.lexsort((rows, np.iinfo(np.uint64).max - pixels))
    likeness, original = nearest(order)
    found = [Measured(None)] * count
    ordered = rows[order]
    for row, value, other in zip(ordered, likeness, original, strict=True):
        note = f"like row {ordered[other]}" if other >= 0 else None
        found[row] = Measured(float(value), note)
    return found


def _hashed(
    sketches: Sketches,
) -> tuple[Int64[np.ndarray, " N"], UInt64[np.ndarray, " N"], UInt64[np.ndarray, "N V"]]:
    """Return the rows that have a sketch, their pictures' numbers of pixels, and their hashes.

    These are a fortieth of the sketches, which are therefore drawn in blocks and not kept.
    """
    rows, pixels, hashes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], [_NO_HASH]
    numbered = ((row, sketch) for row, sketch in enumerate(sketches) if sketch is not None)
    while block := list(islice(numbered, _BLOCK)):
        counts, thumbnails = _unpacked([sketch for _, sketch in block])
        rows.append(np.array([row for row, _ in block], np.int64))
        pixels.append(counts)
        hashes.append(_hashes(thumbnails))
    return np.concatenate(rows), np.concatenate(pixels), np.concatenate(hashes)


def _unpacked(
    sketches: Sequence[bytes],
) -> tuple[UInt64[np.ndarray, " N"], UInt8[np.ndarray, "N S S 3"]]:
    packed = np.frombuffer(b"".join(sketches), np.uint8).reshape(len(sketches), -1)
    return packed[:, :8].copy().view(np.uint64)[:, 0], packed[:, 8:].reshape(-1, _SIDE, _SIDE, 3)


def _nearest_before(
    hashes: UInt64[np.ndarray, "N V"],
    look: Callable[[np.ndarray], UInt8[np.ndarray, "_ S S 3"]],
    crops: bool = True,
    crowd: int = 256,
) -> tuple[Float32[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
    """Return each picture's likeness to the most similar one before it, and that one's place.

    Likeness is 0 and the place -1 where nothing before it hashes alike.

    Args:
        hashes: Hashes of each picture's views, the better pictures first.
        look: Gives the thumbnails of some places.
        crops: Whether all views are compared with others, or only the first, which is all of it.
        crowd: Rows that a row is compared with, at most, for each quarter of a hash.
    """
    likeness = np.zeros(len(hashes), np.float32)
    original = np.full(len(hashes), -1, np.int64)
    for view in range(len(_VIEWS) if crops else 1):
        for queries, others in _blocks(_candidates(hashes[:, view], hashes[:, 0], crowd)):
            places, which = np.unique(np.stack([queries, others]), return_inverse=True)
            ours, theirs = look(places)[which]
            alike = _likeness(ours, theirs, _VIEWS[view])
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
) -> Float32[np.ndarray, "N 3 1024"]:
    """Return what a view shows, in the size that views have in common."""
    left, top, length = view
    planes = np.ascontiguousarray(thumbnails.transpose(0, 3, 1, 2), np.float32)
    # Many small products: one large one would wake threads that cost more than they do.
    shown = _resampling(top, top + length) @ planes @ _resampling(left, left + length).T
    return shown.reshape(len(thumbnails), 3, -1)


def _resampling(start: float, stop: float) -> Float32[np.ndarray, "32 S"]:
    """Return how much of each pixel of a thumbnail is in each of a view's: area averages."""
    edges = _SIDE * np.linspace(start, stop, _GRID + 1, dtype=np.float32)[:, None]
    pixels = np.arange(_SIDE, dtype=np.float32)[None]
    covered = np.clip(edges[1:], pixels, pixels + 1) - np.clip(edges[:-1], pixels, pixels + 1)
    return covered / covered.sum(axis=1, keepdims=True)


def _hashes(thumbnails: UInt8[np.ndarray, "N S S 3"]) -> UInt64[np.ndarray, "N V"]:
    """Return the hash of each view of each thumbnail."""
    gray = thumbnails @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = np.arange(_GRID)
    cosines = np.cos(np.pi / _GRID * np.outer(np.arange(_KEPT), steps + 0.5)).astype(np.float32)
    hashes: list[np.ndarray] = []
    for left, top, length in _VIEWS:
        # Resampled and transformed in one: the product of both matrices is small.
        down = cosines @ _resampling(top, top + length)
        across = cosines @ _resampling(left, left + length)
        waves = (down @ gray @ across.T).reshape(len(gray), -1)
        # The first wave is the mean, which says nothing; its bit is always 0.
        waves[:, 0] = -np.inf
        above = waves > np.median(waves[:, 1:], axis=1, keepdims=True)
        hashes.append(np.packbits(above, axis=1).view(np.uint64)[:, 0])
    return np.stack(hashes, axis=1)


def _candidates(
    queries: UInt64[np.ndarray, " N"],
    hashes: UInt64[np.ndarray, " N"],
    crowd: int,
    block: int = 1 << 18,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of places, never the same twice in a pair, whose hashes are near."""
    flips = [0, *(1 << bit for bit in range(_QUARTER))]
    for quarter in range(64 // _QUARTER):
        shift = np.uint64(quarter * _QUARTER)
        # The cast keeps the lowest sixteen bits, a quarter.
        asked, keys = ((some >> shift).astype(np.uint16) for some in (queries, hashes))
        order = np.argsort(keys, kind="stable")
        counts = np.bincount(keys, minlength=1 << _QUARTER)
        starts = np.cumsum(counts) - counts
        for flip in flips:
            wanted = asked ^ np.uint16(flip)
            count = np.minimum(counts[wanted], crowd)
            yield from _pairs(queries, hashes, order, starts[wanted], count, block)


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


def _blocks(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs in blocks of at most `_BLOCK`, most of them once.

    A near pair has up to four quarters that find it; what is found between two looks is looked at
    once.
    """
    waiting: list[np.ndarray] = []
    for found in chain((np.stack(pair, axis=1) for pair in pairs), [None]):
        if found is not None:
            waiting.append(found)
        if waiting and (found is None or sum(map(len, waiting)) >= _GATHERED):
            once = np.unique(np.concatenate(waiting), axis=0)
            waiting = []
            for start in range(0, len(once), _BLOCK):
                block = once[start : start + _BLOCK]
                yield block[:, 0], block[:, 1]


def _likeness(
    ours: UInt8[np.ndarray, "N S S 3"],
    others: UInt8[np.ndarray, "N S S 3"],
    view: tuple[float, float, float],
) -> Float32[np.ndarray, " N"]:
    """Return how a view of ours correlates with all of others, less how far colours are apart."""
    a, b = _crop(ours, view), _crop(others, _VIEWS[0])
    mean_a, mean_b = a.mean(axis=2, keepdims=True), b.mean(axis=2, keepdims=True)
    apart = np.abs(mean_a - mean_b).max(axis=(1, 2)) / 255
    a, b = (a - mean_a).reshape(len(ours), -1), (b - mean_b).reshape(len(ours), -1)
    # One grey level of noise: pictures of one colour are alike if their colours are.
    noise = a.shape[1]
    spread = np.sqrt(((a**2).sum(axis=1) + noise) * ((b**2).sum(axis=1) + noise))
    return np.clip(((a * b).sum(axis=1) + noise) / spread - apart, 0, 1)
