"""Where one thing stands relative to another, by GenEval's rule.

The offset between two boxes' centres is shortened, on each axis, by a tenth of the boxes' sizes
along it; a relation holds where what is left is more than half the whole offset. So a diagonal
can be two relations, and boxes with one centre have none (Ghosh et al. 2023, arXiv:2310.11513,
and its published evaluation).
"""

import math
from typing import Final

from danqing.scorers.world import RELATIONS, Relation

Box = tuple[float, float, float, float]
"""Left, top, right, bottom; y points down."""

MARGIN: Final = 0.1
DIRECTION: Final = 0.5


def relations(thing: Box, anchor: Box) -> frozenset[Relation]:
    """Return all that hold of `thing`: "left of" means that it stands left of `anchor`."""
    offsets = [(thing[i] + thing[i + 2] - anchor[i] - anchor[i + 2]) / 2 for i in (0, 1)]
    sizes = [thing[i + 2] - thing[i] + anchor[i + 2] - anchor[i] for i in (0, 1)]
    clear = [
        math.copysign(max(abs(offset) - MARGIN * size, 0.0), offset)
        for offset, size in zip(offsets, sizes, strict=True)
    ]
    if max(map(abs, clear)) < 1e-3:
        return frozenset()
    length = math.hypot(*offsets)
    return frozenset(
        relation
        for relation, (x, y) in RELATIONS.items()
        if (x * clear[0] + y * clear[1]) / length > DIRECTION
    )
