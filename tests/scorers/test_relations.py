"""GenEval's rule of position."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from danqing.scorers.relations import relations
from danqing.scorers.world import MIRRORED


def box(x, y, size=20):
    return (x - size / 2, y - size / 2, x + size / 2, y + size / 2)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (box(0, 50), {"left of"}),
        (box(100, 50), {"right of"}),
        (box(50, 0), {"above"}),
        (box(50, 100), {"below"}),
        (box(100, 100), {"right of", "below"}),
        (box(50, 50), set()),
        (box(53, 48), set()),  # within a tenth of both sizes on each axis
        (box(100, 71), {"right of"}),  # 50 / 54 and (21 - 4) / 54: one passes one half
        (box(54.1, 50), set()),  # clear of the margin, but by too little of the offset
        (box(59, 50), {"right of"}),
    ],
)
def test_relations_to_a_box_in_the_middle(thing, expected):
    assert relations(thing, box(50, 50)) == expected


numbers = st.integers(0, 400)
boxes = st.builds(
    lambda x, y, w, h: (float(x), float(y), float(x + w), float(y + h)),
    numbers,
    numbers,
    st.integers(4, 200),
    st.integers(4, 200),
)


@given(boxes, boxes)
def test_seen_from_the_other_side_every_relation_is_mirrored(a, b):
    assert relations(a, b) == {MIRRORED[relation] for relation in relations(b, a)}


@given(boxes, boxes)
def test_opposites_never_hold_together(a, b):
    held = relations(a, b)
    assert len(held) <= 2
    assert not held & {MIRRORED[relation] for relation in held}


@given(boxes, boxes, st.sampled_from([0.5, 2.0, 4.0]), numbers)
def test_neither_place_nor_scale_of_the_picture_matters(a, b, scale, shift):
    # The rule's own absolute floor, a thousandth of a pixel, must not be what decides.
    assume(all(abs(x - y) > 1 for x, y in zip(a, b, strict=True)))
    moved = [tuple(scale * v + shift for v in box) for box in (a, b)]
    assert relations(*moved) == relations(a, b)
