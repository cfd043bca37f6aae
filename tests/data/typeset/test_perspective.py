"""Sheets and their polygons go the same way through bends and cameras."""

from random import Random

import numpy as np
import pytest

from danqing.data.typeset.perspective import (
    Cylinder,
    Flat,
    Ripple,
    apply,
    outline,
    pose,
    project,
    view,
)

BENDS = {
    "flat": Flat(),
    "cylinder": Cylinder(width=300.0, half=1.3, sag=0.1),
    "from below": Cylinder(width=300.0, half=1.0, sag=-0.08),
    "ripple": Ripple(width=300.0, height=8.0, waves=1.7, phase=0.4),
}
ROOM = (20.0, 30.0, 380.0, 350.0)


@pytest.mark.parametrize("name", BENDS)
def test_a_bend_is_undone(name):
    points = np.random.default_rng(0).uniform((3.0, 0.0), (297.0, 200.0), (200, 2))
    bend = BENDS[name]
    assert np.allclose(bend.inverse(bend.forward(points)), points, atol=1e-6)


@pytest.mark.parametrize("name", BENDS)
def test_a_view_fills_its_room_and_never_leaves_it(name):
    rng = Random(name)
    for _ in range(20):
        edge = BENDS[name].forward(outline(300.0, 200.0))
        seen = apply(view(edge, pose(rng, 1.0), ROOM), edge)
        low, high = seen.min(0), seen.max(0)
        assert (low >= np.array(ROOM[:2]) - 1e-6).all()
        assert (high <= np.array(ROOM[2:]) + 1e-6).all()
        filled = (high - low) / np.array([ROOM[2] - ROOM[0], ROOM[3] - ROOM[1]])
        assert filled.max() == pytest.approx(1.0)


@pytest.mark.parametrize("name", BENDS)
def test_a_dot_is_seen_where_its_point_goes(name):
    rng, bend = Random(name), BENDS[name]
    for _ in range(5):
        x, y = rng.randint(60, 240), rng.randint(40, 160)
        sheet = np.zeros((200, 300, 3), np.float32)
        sheet[y - 4 : y + 5, x - 4 : x + 5] = 1.0
        edge = bend.forward(outline(300.0, 200.0))
        matrix = view(edge, pose(rng, 0.8), ROOM)
        pixels, cover = project(sheet, bend, matrix, (400, 400))
        bright = pixels[..., 0] * cover
        rows, columns = np.mgrid[:400, :400] + 0.5
        found = np.array([(columns * bright).sum(), (rows * bright).sum()]) / bright.sum()
        expected = apply(matrix, bend.forward(np.array([[x + 0.5, y + 0.5]])))[0]
        assert np.linalg.norm(found - expected) < 0.6


def test_a_sheet_covers_its_outline_and_no_more():
    bend = BENDS["cylinder"]
    edge = bend.forward(outline(300.0, 200.0))
    matrix = view(edge, pose(Random(2), 0.5), ROOM)
    _, cover = project(np.ones((200, 300, 3), np.float32), bend, matrix, (400, 400))
    seen = apply(matrix, edge)
    across, down = seen.T
    area = abs(np.dot(across, np.roll(down, 1)) - np.dot(down, np.roll(across, 1))) / 2
    assert cover.sum() == pytest.approx(area, rel=0.01)
    assert cover.max() <= 1 + 1e-6
