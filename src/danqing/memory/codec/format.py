"""The format: bfloat16 weights as bit planes, without losing a bit.

Of the 16 bits of a trained weight the sign and the mantissa look random, and the exponent hardly
varies: a few values make up nearly all of a tensor. So sign and mantissa are kept as one byte, and
exponents get short codes in *levels*: in a level of w bits, the codes 0 to 2^w - 2 mean its
exponents, the commonest first, and the code of all ones means "look in the next level". Behind
the last level the exponent stands as a raw byte, so any bit pattern has a code.

Weights are taken in *tiles* of 1024. A tile's payload, in little-endian words of 32 bits:

    level 1    one plane for each of its bits: 1024 bits, that of weight j being bit j
    level 2    one plane for each of its bits, with a bit for each weight that looks here,
    level 3    in order; these planes follow one another without gaps, up to the next word
    raw        a byte for each weight that no level knows, in order, up to the next word

Where a weight's code lies is a matter of counting ones, so many weights decode at once; tiles
decode in any order. The palette has 16 bytes: exponents of a first and of a second level of two
bits are entries 0 to 2 and 4 to 6, those of a level of three bits 8 to 14; entry 15 is the number
of levels, which says how wide each is.

This is "nested escape" coding; entropy coders come within 0.1 bit of it at a fraction of its
speed (compare DFloat11, arXiv 2504.11651, and ZipNN, arXiv 2411.05239).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from jaxtyping import Int32, UInt8
from torch import Tensor

from danqing.core.errors import CheckpointError

TILE: Final = 1024
"""Weights of a tile."""

PLANE: Final = TILE // 32
"""Words of a plane of the first level."""

LEVELS: Final = ((2, 2, 3), (2, 3), (3,))
"""Bits of each level, in the ways there are."""

_BY_DEPTH: Final = {len(levels): levels for levels in LEVELS}

RAW: Final = 15
"""The slot of exponents that no level knows."""

LARGEST_TILE: Final = 7 * PLANE + TILE // 4
"""Words of a tile in which every weight is raw, at most."""

BLOCK, SLACK = 64, 4
"""A payload is filled with zeros to a multiple of so many words, at least so many beyond the last
tile: decoders read ahead."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A bfloat16 tensor as bit planes."""

    signs: UInt8[Tensor, "*shape"]
    """The sign (bit 7) and mantissa (bits 0 to 6) of every weight."""
    payload: Int32[Tensor, " words"]
    """The tiles, one after the other."""
    offsets: Int32[Tensor, " bounds"]
    """The word where each tile begins, and where the last one ends."""
    palette: UInt8[Tensor, "16"]
    """The exponents that have a code."""
    depth: int = field(init=False)
    """How many levels there are; on an accelerator the palette would be slow to ask."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", int(self.palette[-1]))

    @classmethod
    def of(cls, parts: Mapping[str, Tensor], name: str = "a tensor") -> "Packed":
        """Put together what a file holds under the names of `parts`.

        Tiles are not looked into: decoders on a CPU check them as they go.

        Raises:
            CheckpointError: A part has another type, shape or order than the format says.
        """
        wanted = ("sm", "ex", "ix", "pal")
        faults = [end for end in wanted if end not in parts] or _faults(**parts)
        if faults:
            raise CheckpointError(
                f"{name} must be packed as its file says, got another {', '.join(faults)}; "
                "download or compress it again."
            )
        return cls(*(parts[end] for end in wanted))

    @property
    def levels(self) -> tuple[int, ...]:
        """Bits of each level: one of `LEVELS`."""
        return _BY_DEPTH[self.depth]

    @property
    def shape(self) -> torch.Size:
        """The shape of the tensor."""
        return self.signs.shape

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.signs.device

    @property
    def nbytes(self) -> int:
        """Bytes it takes, in memory as on disk."""
        return sum(part.nbytes for part in self.parts.values())

    @property
    def parts(self) -> dict[str, Tensor]:
        """Its tensors by the endings of their names in a file."""
        return {"sm": self.signs, "ex": self.payload, "ix": self.offsets, "pal": self.palette}

    def to(self, device: torch.device | str) -> "Packed":
        """Return it on a device: itself if it is there."""
        if torch.device(device) == self.device:
            return self
        return Packed(*(part.to(device) for part in self.parts.values()))


def slots(levels: tuple[int, ...]) -> list[int]:
    """Return the entries of a palette that some levels use, in the order of their codes."""
    first = {1: (8,), 2: (0, 8), 3: (0, 4, 8)}[len(levels)]
    return [
        start + code
        for start, bits in zip(first, levels, strict=True)
        for code in range(2**bits - 1)
    ]


def tiles(count: int) -> int:
    """Return how many tiles so many weights fill."""
    return math.ceil(count / TILE)


def _faults(sm: Tensor, ex: Tensor, ix: Tensor, pal: Tensor) -> list[str]:
    """Return what is not as the format says, so that no decoder meets it."""
    wanted = {"sm": torch.uint8, "ex": torch.int32, "ix": torch.int32, "pal": torch.uint8}
    given = {"sm": sm, "ex": ex, "ix": ix, "pal": pal}
    faults = [f"type of {end}" for end, part in given.items() if part.dtype != wanted[end]]
    faults += [f"shape of {end}" for end in ("ex", "ix", "pal") if given[end].ndim != 1]
    if faults:
        return faults
    if len(pal) != 16 or int(pal[-1]) not in _BY_DEPTH:
        return ["palette"]
    if len(ix) != tiles(sm.numel()) + 1:
        return ["number of tiles"]
    steps = ix.long().diff()
    least = PLANE * _BY_DEPTH[int(pal[-1])][0]
    if int(ix[0]) != 0 or bool((steps < least).any() or (steps > LARGEST_TILE).any()):
        return ["places of tiles"]
    if len(ex) % BLOCK or len(ex) < int(ix[-1]) + SLACK:
        return ["length of the payload"]
    return []
