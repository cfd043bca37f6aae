"""Where every token is: MSRoPE, one grid per picture and a diagonal for the text.

A picture's rows and columns are centred on zero and its frame axis counts the pictures; text
tokens follow on the diagonal of the three axes, just beyond the largest picture (Qwen-Image
report, arXiv 2508.02324). Positions are computed, so no canvas or prompt is too long.

Dimension key:
    L text tokens    I image tokens    S joint sequence    B batch    R rotary angles
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Complex64, Float32
from torch import Tensor

THETA = 10_000.0


class Grid(NamedTuple):
    """Size of one picture, in tokens."""

    frames: int
    height: int
    width: int

    @property
    def tokens(self) -> int:
        """How many tokens the picture has."""
        return self.frames * self.height * self.width


Layout = Sequence[Grid]
"""The pictures of one sample: the target first, then its sources."""


def positions(
    layout: Layout, length: int, *, layered: bool = False, device: torch.device | None = None
) -> tuple[Float32[Tensor, "L 3"], Float32[Tensor, "I 3"]]:
    """Return frame, height and width of `length` text tokens and of the image tokens.

    In a `layered` sample all frames before the last picture are layers, and the last picture, the
    condition, is frame -1; its text starts no earlier than the number of layers.
    """
    frames = list(range(len(layout)))
    start = max(max(grid.height // 2, grid.width // 2) for grid in layout)
    if layered:
        frames[-1] = -1
        start = max(start, sum(grid.frames for grid in layout[:-1]))

    def line(first: int, size: int) -> Float32[Tensor, "size"]:
        return first + torch.arange(size, dtype=torch.float32, device=device)

    # Of an odd side, one more position is negative than not.
    image = [
        torch.cartesian_prod(
            line(frame, grid.frames),
            line(grid.height // 2 - grid.height, grid.height),
            line(grid.width // 2 - grid.width, grid.width),
        )
        for frame, grid in zip(frames, layout, strict=True)
    ]
    return line(start, length)[:, None].expand(-1, 3), torch.cat(image)


def rotation(
    layouts: Sequence[Layout],
    length: int,
    tokens: int,
    axes: Sequence[int],
    *,
    layered: bool = False,
    device: torch.device | None = None,
) -> Complex64[Tensor, "B S 1 R"]:
    """Return how far each token of the joint sequence, text first, turns each pair of channels.

    Args:
        layouts: The pictures of each sample; if all are alike, one row is returned for all.
        length: Text tokens, padding included.
        tokens: Image tokens, padding included; padding stays where it is.
        axes: Channels of a head that turn with frame, height and width.
        layered: See `positions`.
        device: Where the rotation is made.
    """
    rows = [tuple(layout) for layout in layouts]
    if len(set(rows)) == 1:
        rows = rows[:1]
    places = torch.zeros(len(rows), length + tokens, 3, device=device)
    for place, row in zip(places, rows, strict=True):
        text, image = positions(row, length, layered=layered, device=device)
        assert len(image) <= tokens, f"layout has {len(image)} tokens, the batch {tokens}"
        place[:length] = text
        place[length : length + len(image)] = image
    angles = torch.cat(
        [
            places[..., axis, None]
            * (1 / THETA ** (torch.arange(0, size, 2, device=device) / size))
            for axis, size in enumerate(axes)
        ],
        dim=-1,
    )
    return torch.polar(torch.ones_like(angles), angles)[:, :, None]
