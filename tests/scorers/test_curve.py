"""Curves through ink: bands of ink whose circle is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.scorers.curve import Curve, bent, straightened

bends = st.floats(1e-5, 0.012).flatmap(lambda bend: st.sampled_from([bend, -bend]))
curves = st.builds(
    Curve, st.floats(80, 120), st.floats(80, 120), st.floats(-0.5, 0.5), bends
)  # fmt: skip


def band(curve, length=120, thickness=24, side=200):
    """Return which pixels lie along a curve."""
    along, below = curve.along(*np.meshgrid(np.arange(side, dtype=float), np.arange(float(side))))
    return (np.abs(along) <= length / 2) & (np.abs(below) <= thickness / 2)


@given(curves, st.floats(-60, 60), st.floats(-30, 30))
def test_places_along_a_curve_and_back_are_the_same(curve, along, below):
    x, y = curve.at(np.array([along]), np.array([below]))
    assert np.concatenate(curve.along(x, y)) == pytest.approx([along, below], abs=1e-4)


@given(curves)
def test_a_band_gives_its_circle_back(curve):
    found = bent(band(curve))
    # A band drawn in whole pixels hides one at its ends and one in its middle: two of its arch.
    assert found.curve.bend == pytest.approx(curve.bend, abs=2 * 8 / 120**2)
    assert found.tilt == pytest.approx(math.degrees(curve.direction), abs=2)
    assert found.length == pytest.approx(120, abs=5)
    assert found.sagitta == pytest.approx(math.tan(120 * curve.bend / 4) / 2, abs=0.02)
    assert (found.above, found.below) == (pytest.approx(12, abs=2), pytest.approx(12, abs=2))


@given(curves)
def test_upside_down_bends_the_other_way(curve):
    ink = band(curve)
    assert bent(ink[::-1]).sagitta == pytest.approx(-bent(ink).sagitta, abs=0.01)
    assert bent(ink[:, ::-1]).sagitta == pytest.approx(bent(ink).sagitta, abs=0.01)


def test_a_semicircle_is_as_high_as_half_of_its_width():
    curve = Curve(100.0, 60.0, 0.0, 1 / 60)
    assert bent(band(curve, length=60 * math.pi, thickness=10)).sagitta == pytest.approx(
        0.5, abs=0.02
    )


@pytest.mark.parametrize("ink", [np.zeros((64, 64), bool), np.eye(64, dtype=bool)[:4]])
def test_too_little_ink_follows_nothing(ink):
    assert bent(ink) is None


@given(curves)
def test_a_band_pulled_straight_fills_its_box(curve):
    ink = band(curve)
    picture = np.where(ink[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    straight = straightened(picture, bent(ink), 0.0)
    assert (straight[3:-3, 3:-3] < 128).mean() > 0.98
    assert (straightened(picture, bent(ink), 20.0)[:14] > 128).all()


def test_letters_with_gaps_between_them_keep_their_form():
    curve = Curve(100.0, 100.0, 0.0, 0.012)
    y, x = np.mgrid[:200, :200]
    ink = np.zeros((200, 200), bool)
    for letter in map(curve.moved, (-45.0, 0.0, 45.0)):
        cos, sin = math.cos(letter.direction), math.sin(letter.direction)
        right, down = x - letter.x, y - letter.y
        across, down = right * cos + down * sin, down * cos - right * sin
        ink |= (abs(across) <= 12) & (abs(down) <= 12)
    line = bent(ink)
    assert len(line.gaps) == 2
    picture = np.where(ink[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    straight = straightened(picture, line, 0.0)[..., 0] < 128
    # Squares stay squares, where bending them back would make their heads 20 narrower in all.
    assert straight[3].sum() == pytest.approx(straight[-4].sum(), abs=6)


def test_specks_far_apart_are_no_error():
    ink = np.zeros((100, 300), bool)
    ink[10:13, 5:8] = ink[80:83, 290:293] = True
    assert math.isfinite(bent(ink).sagitta)
