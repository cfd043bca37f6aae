"""Depth of rooms is exact: as a floor's, a wall's and any plane's must be."""

from random import Random

import numpy as np
import pytest

from danqing.data.seeing.room import FAR, NEAR, Room, Standing, propose

SIZE = (96, 96)


def room(*things):
    return Room(5.2, "gray", "mint", things)


def test_an_empty_room_has_the_depth_of_its_floor_and_its_wall():
    _, depth = room().draw(SIZE)
    down = (np.arange(96) + 0.5) / 96 - 0.2
    floor = 1.6 / np.maximum(down, 1e-9)
    assert depth == pytest.approx(np.minimum(floor, 5.2)[:, None].repeat(96, 1), rel=1e-9)
    assert depth.min() == pytest.approx(NEAR, rel=0.01)


def test_a_shape_stands_upright_where_it_meets_the_floor():
    _, depth = room(Standing("square", "red", 0.0, 3.0, 0.6, 0)).draw(SIZE)
    column = depth[:, 48]
    mine = np.flatnonzero(np.isclose(column, 3.0))
    foot = mine.max()
    assert column[foot + 1] == pytest.approx(3.0, rel=0.03)
    side = len(mine) / 96 * 3.0
    assert side == pytest.approx(0.6 * np.sqrt(2), rel=0.05)


def test_what_is_nearer_covers_what_is_further_and_looks_larger():
    far = Standing("circle", "red", 0.0, 4.4, 0.5, 0)
    near = Standing("circle", "blue", 0.3, 2.6, 0.5, 0)
    _, depth = room(far, near).draw(SIZE)
    areas = [np.isclose(depth, away).sum() for away in (2.6, 4.4)]
    alone = np.isclose(room(far).draw(SIZE)[1], 4.4).sum()
    assert areas[0] / alone == pytest.approx((4.4 / 2.6) ** 2, rel=0.05)
    assert areas[1] < alone


@pytest.mark.parametrize("turn", [0, 20, 45, 80])
def test_a_cuboid_lies_between_its_nearest_and_its_furthest_corner(turn):
    thing = Standing("cuboid", "red", 0.2, 3.5, 0.45, turn)
    with_it, without = room(thing).draw(SIZE)[1], room().draw(SIZE)[1]
    mine = with_it[with_it < without - 1e-9]
    angle = np.radians(turn % 90)
    half = 0.45 * (np.cos(angle) + np.sin(angle))
    assert mine.min() == pytest.approx(3.5 - half, abs=0.05)
    assert mine.max() <= 3.5 + half + 1e-9
    assert len(mine) > 200


def test_rooms_lie_within_their_range_and_fog_grows_with_depth():
    rng = Random(0)
    for _ in range(6):
        image, depth = propose(rng).draw(SIZE)
        assert NEAR - 0.01 <= depth.min() <= depth.max() <= FAR
        assert (image.size, image.mode) == (SIZE, "RGB")
    pixels = np.asarray(room().draw(SIZE)[0], float)[60:, 48]
    from_fog = np.abs(pixels - (214, 218, 224)).sum(-1)
    assert (np.diff(from_fog) >= -1.5).all()
    assert from_fog[-1] > from_fog[0]
