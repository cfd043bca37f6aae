"""Solids in space: which faces show, where, and what a turn does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.scorers.polyhedra import BOTTOM, KINDS, TOP, Solid, polyhedron
from danqing.scorers.world import PALETTE

lengths = st.sampled_from((0.8, 1.0, 1.25))
heights = st.sampled_from((0.85, 1.0, 1.2))
told = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "extent": st.tuples(lengths, lengths, heights),
        "corner": st.integers(0, 3),
        "below": st.booleans(),
    }
)


def made(told):
    return Solid(**told, colors=dict(zip(polyhedron(told["kind"]), PALETTE, strict=False)))


def middle(outline):
    return sum(x for x, _ in outline) / len(outline)


@given(told)
def test_two_sides_show_left_and_right_and_what_lies_between(told):
    solid = made(told)
    shown = dict(solid.seen())
    ends = [solid.colors[end] for end in (BOTTOM if solid.below else TOP,) if end in solid.colors]
    assert set(shown) == {solid.left, solid.right, *ends}
    assert middle(shown[solid.left]) < middle(shown[solid.right])


@given(told, st.floats(20, 36), st.floats(-12, 12))
def test_a_little_to_the_side_or_higher_shows_the_same_faces(told, elevation, swing):
    solid = made(told)
    assert {c for c, _ in solid.seen(elevation, swing)} == {c for c, _ in solid.seen()}


@given(told)
def test_a_quarter_turn_brings_the_right_side_to_the_left(told):
    solid = made(told)
    assert solid.turned(1).left == solid.right
    assert solid.turned(-1).right == solid.left
    assert {solid.turned(2).left, solid.turned(2).right}.isdisjoint({solid.left, solid.right})
    assert solid.turned(4) == solid


@given(told)
def test_faces_do_not_overlap_and_their_edges_fit(told):
    """Their areas add up to that of the whole outline, which is convex."""
    solid = made(told)

    def area(points):
        turns = zip(points, [*points[1:], points[0]], strict=True)
        return abs(sum(a * d - c * b for (a, b), (c, d) in turns)) / 2

    shown = solid.seen()
    whole = hull([point for _, outline in shown for point in outline])
    assert sum(area(outline) for _, outline in shown) == pytest.approx(area(whole))


def hull(points):
    """Return the corners of the convex hull (Andrew's monotone chain)."""
    points = sorted({(round(x, 9), round(y, 9)) for x, y in points})
    chains = []
    for run in (points, points[::-1]):
        chain = []
        for p in run:
            while len(chain) > 1 and turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        chains += chain[:-1]
    return chains


def turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
