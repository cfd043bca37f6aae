"""What the detector sees, and how its sight changes when a picture changes.

Pictures are drawn here with PIL's own polygons, not with the package's renderer, so that a
mistake which the two share cannot hide. The statistical gate is in tests/evaluation.
"""

import math
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageOps

from danqing.data.synthesis import Limits, caption
from danqing.data.synthesis.propose import propose
from danqing.scorers.detector import ShapeDetector
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import (
    BACKGROUNDS,
    MIRRORED,
    PALETTE,
    SHAPES,
    Object,
    Scene,
)

SIDE = 256
LOOK = ShapeDetector().look

STRANGERS = {
    "ell": [(-0.8, -0.8), (-0.3, -0.8), (-0.3, 0.4), (0.8, 0.4), (0.8, 0.9), (-0.8, 0.9)],
    "arrow": [(-1, -0.2), (0, -0.2), (0, -0.8), (1, 0), (0, 0.8), (0, 0.2), (-1, 0.2)],
    "bar": [(-1, -0.3), (1, -0.3), (1, 0.3), (-1, 0.3)],
    "ring": [
        *((math.cos(a / 20), math.sin(a / 20)) for a in range(126)),
        *((0.6 * math.cos(a / 20), 0.6 * math.sin(a / 20)) for a in range(126, 0, -1)),
    ],
}
OUTLINES = {**SHAPES, **STRANGERS}


def picture(*things, ground="gray", side=SIDE):
    """Draw (shape, colour, x, y, radius, degrees), lengths as shares of the side, then shrink."""
    large = 4 * side
    image = Image.new("RGB", (large, large), BACKGROUNDS[ground])
    for shape, color, x, y, radius, degrees in things:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        corners = [
            (large * (x + radius * (cos * u - sin * v)), large * (y + radius * (sin * u + cos * v)))
            for u, v in OUTLINES[shape]
        ]
        ImageDraw.Draw(image).polygon(corners, fill=PALETTE.get(color, color))
    return image.resize((side, side), Image.Resampling.LANCZOS)


def names(sight):
    return sorted((thing.shape, thing.color) for thing in sight.detections)


@pytest.mark.parametrize("ground", BACKGROUNDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_seen_on_every_ground_in_every_colour(shape, ground):
    for index, color in enumerate(PALETTE):
        turn = (-11, -4, 0, 6, 12)[index % 5]
        sight = LOOK(picture((shape, color, 0.45, 0.55, 0.15 + 0.015 * index, turn), ground=ground))
        assert sight.background == ground
        assert names(sight) == [(shape, color)]


def test_a_small_picture_knows_no_hexagons():
    thing = ("hexagon", "red", 0.5, 0.5, 0.3, 0)
    assert LOOK(picture(thing, side=192)).detections[0].shape == "hexagon"
    assert LOOK(picture(thing, side=128)).detections[0].shape != "hexagon"


def test_a_wide_picture_is_seen_like_a_square_one():
    wide = Image.new("RGB", (400, 160), BACKGROUNDS["sky"])
    wide.paste(picture(("star", "red", 0.5, 0.5, 0.35, 5), ground="sky", side=160), (20, 0))
    wide.paste(picture(("cross", "blue", 0.5, 0.5, 0.3, 0), ground="sky", side=160), (220, 0))
    assert names(LOOK(wide)) == [("cross", "blue"), ("star", "red")]


def test_the_box_is_that_of_the_shape():
    (thing,) = LOOK(picture(("square", "blue", 0.5, 0.25, 0.2, 0))).detections
    half = 0.2 * math.sqrt(0.5)
    expected = [SIDE * v for v in (0.5 - half, 0.25 - half, 0.5 + half, 0.25 + half)]
    assert thing.box == pytest.approx(expected, abs=2.5)
    assert thing.area == pytest.approx(4 * half**2, rel=0.06)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_resembles_no_shape_is_unknown(stranger):
    assert names(LOOK(picture((stranger, "red", 0.5, 0.5, 0.3, 0)))) == [("unknown", "red")]


def test_a_shape_turned_too_far_is_unknown():
    assert names(LOOK(picture(("cross", "red", 0.5, 0.5, 0.3, 45)))) == [("unknown", "red")]


@pytest.mark.parametrize("color", [(0, 200, 220), (110, 110, 110), (180, 235, 90), (240, 170, 160)])
def test_a_colour_off_the_palette_is_seen_and_is_unknown(color):
    assert names(LOOK(picture(("circle", color, 0.5, 0.5, 0.3, 0)))) == [("circle", "unknown")]


def test_a_ground_that_is_none_of_ours_is_unknown():
    image = picture(("circle", "red", 0.5, 0.5, 0.3, 0))
    assert LOOK(image).background == "gray"
    assert LOOK(ImageOps.invert(image)).background == "unknown"


def test_a_blank_picture_shows_nothing():
    assert LOOK(Image.new("RGB", (SIDE, SIDE), BACKGROUNDS["mint"])).detections == ()


def test_one_shape_painted_in_two_colours_is_no_shape():
    image = picture(("circle", "red", 0.5, 0.5, 0.3, 0))
    other = picture(("circle", "blue", 0.5, 0.5, 0.3, 0))
    image.paste(other.crop((0, 0, SIDE, SIDE // 2)), (0, 0))
    assert [thing.shape for thing in LOOK(image).detections] == ["unknown"] * 2


LEFT, RIGHT = ("star", "red", 0.25, 0.5, 0.17, 3), ("heart", "blue", 0.75, 0.5, 0.17, -3)


def verdict(image, *objects, category="compound"):
    return SceneScorer().score([image], [Scene(category, objects)])[0].value


def standing(relation):
    return Object("heart"), Object("star", position=(relation, 0))


def test_a_mirrored_picture_swaps_left_and_right():
    image = picture(LEFT, RIGHT)
    for shown, relation in ((image, "left of"), (ImageOps.mirror(image), "right of")):
        assert verdict(shown, *standing(relation)) == 1
        assert verdict(shown, *standing(MIRRORED[relation])) == 0


def test_half_a_turn_swaps_above_and_below():
    upper, lower = ("circle", "red", 0.5, 0.25, 0.15, 0), ("square", "blue", 0.5, 0.75, 0.15, 0)
    image = picture(upper, lower)
    above = Object("square"), Object("circle", position=("above", 0))
    below = Object("square"), Object("circle", position=("below", 0))
    assert (verdict(image, *above), verdict(image, *below)) == (1, 0)
    turned = image.transpose(Image.Transpose.ROTATE_180)
    assert (verdict(turned, *above), verdict(turned, *below)) == (0, 1)


def test_another_paint_changes_the_verdict_on_its_colour_alone():
    red, green = Object("star", color="red"), Object("star", color="green")
    heart = Object("heart", color="blue")
    repainted = picture(("star", "green", *LEFT[2:]), RIGHT)
    assert (verdict(picture(LEFT, RIGHT), red, heart), verdict(repainted, red, heart)) == (1, 0)
    assert (verdict(picture(LEFT, RIGHT), green, heart), verdict(repainted, green, heart)) == (0, 1)


def test_a_duplicate_adds_one_to_the_count():
    image = picture(("star", "red", 0.25, 0.3, 0.15, 0), ("star", "red", 0.7, 0.3, 0.15, 4))
    assert verdict(image, Object("star", 2), category="counting") == 1
    again = image.copy()
    again.paste(image.crop((0, 0, SIDE // 2, SIDE // 2)), (SIDE // 4, SIDE // 2))
    assert verdict(again, Object("star", 2), category="counting") == 0
    assert verdict(again, Object("star", 3), category="counting") == 1


def test_prompts_of_both_languages_ask_for_one_specification_and_get_one_verdict():
    scene = propose(Random(3), "position", Limits())
    assert isinstance(scene, Scene)
    english, chinese = (caption(scene, language, 0) for language in ("en", "zh"))
    assert english != chinese
    image = picture(LEFT, RIGHT)
    assert len({SceneScorer().score([image], [scene])[0].value for _ in (english, chinese)}) == 1


def test_other_settings_are_another_detector():
    digests = {ShapeDetector().digest, ShapeDetector(overlap=0.8).digest}
    assert len(digests) == 2
    assert ShapeDetector().digest in digests
