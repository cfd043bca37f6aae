"""Stage 1, what a file and its first bytes say: broken, bytes, resolution, aspect ratio."""

from dataclasses import dataclass
from typing import ClassVar

from danqing.data.filters.base import Batch, Cut, Measured, each, filters
from danqing.data.pixels import Head


@filters.register("broken")
@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """1 if a picture can be fetched and decoded to its last byte, else 0 and what is wrong.

    Ends that are missing, bombs, metadata without end, and names that lie are all found here (see
    `danqing.data.pixels`).
    """

    needs: ClassVar = ("pixels", "trouble")
    slow: ClassVar = False
    cut: Cut = Cut(low=1.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return 0 with a note for what is broken."""
        return [
            Measured(0.0, wrong) if isinstance(wrong := trouble or pixels, str) else Measured(1.0)
            for trouble, pixels in zip(batch.columns["trouble"], batch.images, strict=True)
        ]


@filters.register("file_size")
@dataclass(frozen=True, kw_only=True, slots=True)
class FileSize:
    """Bytes of the file; tiny ones are placeholders, or downloads that ended early.

    The bounds are common practice for photographs; drawn pictures are smaller.
    """

    needs: ClassVar = ("image",)
    slow: ClassVar = False
    cut: Cut = Cut(low=10_000.0, high=50_000_000.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return bytes."""
        return each(batch.columns["image"], len)


@filters.register("bytes_per_pixel")
@dataclass(frozen=True, kw_only=True, slots=True)
class BytesPerPixel:
    """Bytes of the file for each of its pixels; few mean that compression ate the detail.

    The bound is our own starting point: a JPEG of quality 10 has about 0.05.
    """

    needs: ClassVar = ("head",)
    slow: ClassVar = False
    cut: Cut = Cut(low=0.03)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return bytes a pixel."""
        sizes = each(batch.heads, lambda head: head.width * head.height)
        return [
            size if size.value is None else Measured(len(data) / size.value)
            for size, data in zip(sizes, batch.columns["image"], strict=True)
        ]


@filters.register("resolution")
@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Pixels of the shorter side; the report drops what is below the stage's size."""

    needs: ClassVar = ("head",)
    slow: ClassVar = False
    cut: Cut = Cut(low=256.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return pixels."""
        return each(batch.heads, _shorter)


@filters.register("aspect_ratio")
@dataclass(frozen=True, kw_only=True, slots=True)
class AspectRatio:
    """The longer side over the shorter; the report trains ratios up to 3:1."""

    needs: ClassVar = ("head",)
    slow: ClassVar = False
    cut: Cut = Cut(high=3.0)

    def measure(self, batch: Batch) -> list[Measured]:
        """Return a ratio of at least 1."""
        return each(batch.heads, lambda head: max(head.width, head.height) / _shorter(head))


def _shorter(head: Head) -> int:
    return min(head.width, head.height)
