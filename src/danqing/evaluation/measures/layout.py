"""How much pictures of one prompt differ in what it leaves open: places, sizes, ground, colours.

A model that has learned one layout by heart paints right pictures that are all alike. Measured is
what two pictures of one prompt can be expected to differ by (Rao's quadratic entropy, 1982), which
has no bias for few seeds; the renderer's own pictures of the same prompts give the scale.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

Sight = Mapping[str, Any]
"""What the judge of scenes saw: `detections`, each with its box, `background`, and the `size` of
the picture."""


class Spread(NamedTuple):
    """How far two pictures of one prompt can be expected to lie apart."""

    place: float
    """Distance of a thing from itself, as a share of the picture's diagonal."""
    size: float
    """Ratio of its widths, as a natural logarithm."""
    ground: float
    """Share of pairs with another ground."""
    color: float
    """Share of things that have another colour."""


def spread(prompts: Sequence[Sequence[Sight]]) -> Spread | None:
    """Return the mean spread over all pairs of pictures of one prompt.

    Pairs that do not show the same things are left out; None: there are no others.

    Args:
        prompts: What was seen of each prompt's pictures.
    """
    pairs = [
        pair for sights in prompts for a, b in combinations(sights, 2) if (pair := _apart(a, b))
    ]
    return (
        Spread(*(float(np.mean(column)) for column in zip(*pairs, strict=True))) if pairs else None
    )


def _apart(a: Sight, b: Sight) -> Spread | None:
    first, second = _things(a), _things(b)
    if not first or [thing[0] for thing in first] != [thing[0] for thing in second]:
        return None
    places, sizes, colors = [], [], []
    for (_, x, y, width, color), (_, *other, other_width, other_color) in zip(
        first, second, strict=True
    ):
        places.append(math.dist((x, y), other) / math.sqrt(2))
        sizes.append(abs(math.log(width / other_width)))
        colors.append(color != other_color)
    ground = float(a["background"] != b["background"])
    return Spread(float(np.mean(places)), float(np.mean(sizes)), ground, float(np.mean(colors)))


def _things(sight: Sight) -> list[tuple[str, float, float, float, str]]:
    """Return shape, middle, width and colour of things, lengths as shares of the sides, in order.

    Equal things are ordered by where they stand, so that the nearest ones mostly meet.
    """
    width, height = sight["size"]
    found = []
    for thing in sight["detections"]:
        left, top, right, bottom = thing["box"]
        found.append(
            (
                thing["shape"],
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                thing["color"],
            )
        )
    return sorted(found)
