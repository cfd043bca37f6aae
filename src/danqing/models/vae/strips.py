"""Run convolutions over a picture in strips of rows, exactly.

Tiles that overlap and are blended are slower than the whole and only nearly equal to it. A strip
needs neither: every convolution keeps the last rows that it saw and puts them above the next
strip, as a causal video network does with frames. Nothing is computed twice, there is no seam to
hide, and memory grows with the width of the picture instead of its area. And a strip that fits
the processor's cache is the fastest way to run layers that are bound by memory.

Dimension key:
    B batch    H rows    W width    C channels    _ rows of a strip
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

WINDOW = 3
"""Rows that an output row sees; true of every layer here that looks at neighbours."""


class Rows:
    """What the layers of a network remember of a picture that comes in strips."""

    def __init__(self) -> None:
        self.kept: dict[nn.Module, Tensor] = {}
        self.last = False

    def window(
        self, layer: nn.Module, x: Float[Tensor, "B _ W C"], *, above: int = 1, stride: int = 1
    ) -> Float[Tensor, "B _ W C"]:
        """Return `x` below the rows that `layer` still needs, and keep those of its next call.

        Above the picture lie `above` rows of zeros, below it one. The first strips may be too
        short to fill a window.
        """
        kept = self.kept.get(layer)
        if kept is None:
            kept = _zeros(x, above)
        joined = torch.cat([kept, x, _zeros(x, int(self.last))], dim=1)
        done = max(0, (joined.shape[1] - WINDOW) // stride + 1) * stride
        # A copy, because a view would hold on to the whole strip.
        self.kept[layer] = joined[:, done:].clone()
        return joined

    def delay(
        self, layer: nn.Module, x: Float[Tensor, "B _ W C"], count: int
    ) -> Float[Tensor, "B _ W C"]:
        """Return the first `count` rows that `layer` has put in and not yet got back."""
        kept = self.kept.get(layer)
        joined = x if kept is None else torch.cat([kept, x], dim=1)
        self.kept[layer] = joined[:, count:].clone()
        return joined[:, :count]


def run(
    stages: Sequence[nn.Module], x: Float[Tensor, "B H W C"], strip_bytes: int | None = None
) -> Float[Tensor, "B _ _ _"]:
    """Return `stages` applied to `x`, in strips of at most `strip_bytes` (None: at once).

    A stage takes `(x)`, a whole picture, or `(x, rows)`, the next strip of one.
    """
    for done, stage in enumerate(stages):
        if strip_bytes is not None and x.nbytes > strip_bytes:
            return torch.cat(list(_stream(stages[done:], x, Rows(), True, strip_bytes)), dim=1)
        x = stage(x)
    return x


def _stream(
    stages: Sequence[nn.Module], x: Tensor, rows: Rows, last: bool, strip_bytes: int
) -> Iterator[Tensor]:
    """Yield `stages` applied to `x`; a strip goes through all of them before the next is begun."""
    if not stages:
        yield x
        return
    row_bytes = x.element_size() * x.shape[0] * x.shape[2] * x.shape[3]
    strips = x.split(max(1, strip_bytes // row_bytes), dim=1)
    for strip in strips:
        final = rows.last = last and strip is strips[-1]
        yield from _stream(stages[1:], stages[0](strip, rows), rows, final, strip_bytes)


def _zeros(x: Tensor, count: int) -> Tensor:
    batch, _, width, channels = x.shape
    return x.new_zeros(batch, count, width, channels)
