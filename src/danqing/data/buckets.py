"""Pictures by size: which bucket a picture falls into, and batches of one bucket each.

A batch is dealt by the seed and its number alone. So the step is all that a checkpoint must keep,
and any number of ranks see the same batches, each its share of every one.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from danqing.core.errors import RecipeError

Size = tuple[int, int]
"""Width and height in pixels."""

RATIOS: Final = ((1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (9, 16), (16, 9), (1, 3), (3, 1))
"""Width to height, those of the report."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of about one area, for pictures of all ratios."""

    name: str
    """Tells it from other scales."""
    sizes: tuple[Size, ...]

    @property
    def area(self) -> int:
        """Pixels of a picture, about."""
        return self.sizes[0][0] * self.sizes[0][1]

    def bucket(self, width: int, height: int) -> Size | None:
        """Return the size whose ratio is nearest to a picture's; None if it had to be enlarged."""
        ratio = math.log(width / height)
        size = min(self.sizes, key=lambda size: abs(math.log(size[0] / size[1]) - ratio))
        return size if width >= size[0] and height >= size[1] else None


def scales(wanted: Sequence[str], multiple: int) -> list[Scale]:
    """Return the scales that texts such as `640p` or `288x224` mean.

    `640p` means the report's nine ratios with the area of 640x640; sizes that are told one by one
    are one scale together.

    Args:
        wanted: The texts.
        multiple: What sides must be multiples of.

    Raises:
        RecipeError: a text is neither, or a size does not fit.
    """
    found: list[Scale] = []
    single: list[Size] = []
    for text in wanted:
        if match := re.fullmatch(r"(\d{2,5})p", text):
            found.append(Scale(text, tuple(_sizes(int(match[1]), multiple))))
        elif match := re.fullmatch(r"(\d{2,5})x(\d{2,5})", text):
            single.append((int(match[1]), int(match[2])))
        else:
            raise RecipeError(f"sizes must be like 640p or 288x224, got {text!r}; change it.")
    for size in single:
        if size[0] % multiple or size[1] % multiple:
            raise RecipeError(
                f"sizes must have sides that are multiples of {multiple}, got {size[0]}x{size[1]}; "
                "change it."
            )
    if single:
        told = blake2b(repr(single).encode(), digest_size=3).hexdigest()
        found.append(Scale(told, tuple(single)))
    if not found:
        raise RecipeError("sizes must name at least one, got none; add 640p.")
    return found


def _sizes(side: int, multiple: int) -> Iterator[Size]:
    for width, height in RATIOS:
        root = math.sqrt(width / height)
        across, down = side * root, side / root
        yield (
            max(1, round(across / multiple)) * multiple,
            max(1, round(down / multiple)) * multiple,
        )


class Deal:
    """Endless batches of entries, each of one bucket; every epoch deals anew."""

    def __init__(
        self,
        buckets: Int[np.ndarray, " N"],
        times: Float[np.ndarray, " N"],
        room: Sequence[int],
        seed: int,
    ) -> None:
        """Prepare to deal.

        Args:
            buckets: The bucket of each entry.
            times: How often an entry comes in an epoch, on average: 0.5 is every other epoch.
            room: Entries of a batch, for each bucket.
            seed: Another seed, other batches.

        Raises:
            RecipeError: there is nothing to deal.
        """
        self.buckets, self.times, self.room, self.seed = buckets, times, room, seed
        self._groups = [
            (int(bucket), float(often), np.flatnonzero((buckets == bucket) & (times == often)))
            for bucket in np.unique(buckets)
            for often in np.unique(times[buckets == bucket])
            if often > 0
        ]
        counts = np.zeros(len(room), int)
        for bucket, often, members in self._groups:
            counts[bucket] += round(often * len(members))
        self.batches = int(sum(-(-count // size) for count, size in zip(counts, room, strict=True)))
        """Batches of an epoch."""
        if not self.batches:
            raise RecipeError("a corpus must have rows to train on, got none; check its stages.")
        self._epoch = lru_cache(maxsize=2)(self._deal)

    def __getitem__(self, step: int) -> Int[np.ndarray, " B"]:
        """Return the entries of a batch, all of one bucket."""
        epoch, place = divmod(step, self.batches)
        return self._epoch(epoch)[place]

    def _deal(self, epoch: int) -> list[Int[np.ndarray, " B"]]:
        rng = np.random.default_rng((self.seed, epoch))
        dealt: list[list[np.ndarray]] = [[] for _ in self.room]
        for bucket, often, members in self._groups:
            count = round(often * len(members))
            whole = [members] * (count // len(members))
            dealt[bucket] += [*whole, rng.permutation(members)[: count % len(members)]]
        batches: list[np.ndarray] = []
        for parts, size in zip(dealt, self.room, strict=True):
            entries = rng.permutation(np.concatenate(parts)) if parts else np.zeros(0, int)
            # The last batch is filled up from the first, so that all are of one length.
            filled = np.resize(entries, -(-len(entries) // size) * size)
            batches += list(filled.reshape(-1, size))
        return [batches[place] for place in rng.permutation(len(batches))]
