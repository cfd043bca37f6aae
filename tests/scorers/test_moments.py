"""The second eye sees what the first one does, by other rules."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from danqing.data.synthesis import Style, draw
from danqing.data.synthesis.propose import Limits, propose
from danqing.evaluation.corruptions import corrupt
from danqing.scorers.detector import UNKNOWN
from danqing.scorers.moments import MomentDetector, descriptor, hue_name
from danqing.scorers.scene import strict
from danqing.scorers.world import BACKGROUNDS, PALETTE, SCENE_CATEGORIES, SHAPES, Object, Scene

WILD = Style(jitter=8, rotation=12.0)


@pytest.mark.parametrize("category", SCENE_CATEGORIES)
def test_right_pictures_are_accepted_and_minimally_wrong_ones_refused(category):
    eye, right, wrong = MomentDetector(), 0, 0
    for index in range(25):
        rng = Random(f"{category} {index}")
        scene, layout = propose(rng, category, Limits()), rng.getrandbits(32)
        right += strict(eye.look(draw(scene, Random(layout), style=WILD)), scene)
        other = corrupt(scene, rng)
        wrong += strict(eye.look(draw(other, Random(layout), style=WILD)), scene)
    assert (right, wrong) == (25, 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ground", BACKGROUNDS)
def test_every_shape_is_seen_on_every_ground_in_every_colour(shape, ground):
    for color in PALETTE:
        scene = Scene("colors", (Object(shape, color=color),), ground)
        sight = MomentDetector().look(draw(scene, Random(0)))
        assert [(t.shape, t.color) for t in sight.detections] == [(shape, color)]
        assert sight.background == ground


@given(st.tuples(*[st.integers(-14, 14)] * 3), st.sampled_from(list(PALETTE)))
def test_a_shade_has_the_name_of_its_colour(jitter, name):
    shade = np.clip(np.array(PALETTE[name]) + jitter, 0, 255) / 255
    assert hue_name(*shade) == name


@given(st.sampled_from(list(SHAPES)), st.floats(0, 360), st.integers(40, 90), st.integers(-9, 9))
def test_no_turn_size_or_place_changes_a_descriptor_much(shape, turn, radius, shift):
    canvas = Image.new("1", (220, 220))
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    outline = [
        (110 + shift + radius * (cos * x - sin * y), 110 + radius * (sin * x + cos * y))
        for x, y in SHAPES[shape]
    ]
    ImageDraw.Draw(canvas).polygon(outline, fill=1)
    plain = Image.new("1", (220, 220))
    ImageDraw.Draw(plain).polygon([(110 + 90 * x, 110 + 90 * y) for x, y in SHAPES[shape]], fill=1)
    gap = np.abs(descriptor(np.asarray(canvas)) - descriptor(np.asarray(plain))).sum()
    assert gap < 0.05


def test_what_is_none_of_ours_is_unknown():
    canvas = Image.new("RGB", (256, 256), (255, 0, 255))
    ImageDraw.Draw(canvas).rectangle((20, 100, 236, 130), fill=PALETTE["black"])
    sight = MomentDetector().look(canvas)
    assert [(t.shape, t.color) for t in sight.detections] == [(UNKNOWN, "black")]
    assert sight.background == UNKNOWN
    assert hue_name(0.5, 0.5, 0.5) == UNKNOWN
    assert MomentDetector().look(Image.new("RGB", (64, 64), "black")).detections == ()
