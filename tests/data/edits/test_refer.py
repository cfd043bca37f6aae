"""A reference means one thing and no other."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from danqing.data.edits import Edits
from danqing.data.edits.refer import SIDES, Reference, refer
from danqing.data.edits.scenes import scene

WORLD = Edits(freedom=1.0)


def understood(reference, things):
    """Return the things that a listener may take a reference for, by the words alone."""
    found = [t for t in things if t.shape == reference.shape]
    if reference.color:
        found = [t for t in found if t.color == reference.color]
    if reference.side:
        axis, way = SIDES[reference.side]
        best = max(way * t.centre[axis] for t in found)
        # Whoever stands nearly as far to that side may be meant as well.
        found = [t for t in found if best - way * t.centre[axis] < 0.15 * 256]
    return found


@given(st.integers(0, 10**9), st.booleans())
def test_a_reference_is_never_ambiguous(seed, color):
    rng = Random(seed)
    things = scene(rng, WORLD, rng.randint(1, 4), 4).things
    for thing in things:
        reference = refer(thing, things, rng, 256, color=color)
        if reference is None:
            twins = [t for t in things if t.shape == thing.shape]
            assert len(twins) > 1
            continue
        assert understood(reference, things) == [thing]
        assert color or reference.color is None
        if reference.side:
            # Where the side says nothing, it would be an idle word, or a wrong one.
            assert len(understood(replace(reference, side=None), things)) > 1
        meant = reference.meant(thing, things)
        assert (meant["shape"], meant["color"]) == (thing.shape, thing.color)


@given(st.integers(0, 10**9))
def test_twins_are_told_apart_by_their_side(seed):
    rng = Random(seed)
    one, other = scene(rng, WORLD, 2, 2).things
    twins = (one, replace(one, centre=other.centre))
    for thing in twins:
        reference = refer(thing, twins, rng, 256)
        # Two in a picture never stand so near that no side tells them apart.
        assert reference is not None
        assert reference.meant(thing, twins) == thing.record | {"side": reference.side}


def test_a_reference_is_said_in_both_languages():
    assert Reference("star").said("en") == "the star"
    assert Reference("star", "red", "left").said("en") == "the red star on the left"
    assert Reference("star", "red", "left").said("zh") == "左边的红色星形"
