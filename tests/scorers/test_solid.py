"""The judge of solids: every face in its place, and nothing else."""

from dataclasses import replace
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageOps

from danqing.data.synthesis.solids import draw_solid
from danqing.scorers.polyhedra import Solid
from danqing.scorers.solid import SolidJudge
from danqing.scorers.world import BACKGROUNDS, PALETTE

SIDES = {"0": "red", "1": "blue", "2": "green", "3": "yellow"}
BOX = Solid(
    kind="cuboid", extent=(1.0, 1.25, 0.85), colors=SIDES | {"top": "pink", "bottom": "black"}
)
TENT = Solid(kind="prism", extent=(1.25, 0.8, 1.0), colors=SIDES | {"bottom": "black"})


def drawn(solid, ground="gray"):
    return draw_solid(solid, ground, Random(0))


def verdict(image, solid, **how):
    return SolidJudge(**how).judge(image, [solid.seen()])


@pytest.mark.parametrize("solid", [BOX, TENT, replace(BOX, below=True), replace(TENT, corner=3)])
def test_a_drawn_solid_is_right_and_every_other_view_of_it_wrong(solid):
    found = verdict(drawn(solid), solid)
    assert (found.value, found.reason) == (1, "as asked")
    assert found.details["soft"] > 0.9
    for quarters in (1, 2, 3):
        assert verdict(drawn(solid.turned(quarters)), solid).value == 0
    assert verdict(drawn(replace(solid, below=not solid.below)), solid).value == 0
    assert verdict(ImageOps.mirror(drawn(solid)), solid).value == 0


def test_place_size_and_ground_do_not_matter():
    for ground in BACKGROUNDS:
        small = Image.new("RGB", (320, 256), BACKGROUNDS[ground])
        small.paste(drawn(BOX, ground).resize((200, 200)), (100, 10))
        assert verdict(small, BOX).value == 1


def test_what_is_wrong_is_told_with_what_covers_its_place():
    swapped = replace(BOX, colors=BOX.colors | {"0": "blue", "1": "red"})
    found = verdict(drawn(swapped), BOX)
    assert found.value == 0
    assert "red covers 0.0" in found.reason
    assert found.details["overlaps"]["pink"] > 0.9
    missing = verdict(drawn(replace(BOX, colors=BOX.colors | {"top": "white"})), BOX)
    assert "pink covers 0.00" in missing.reason
    assert "white should not be there" in missing.reason
    assert 0.5 < missing.details["soft"] < 0.7


def test_other_proportions_are_less_right_the_further_they_are():
    softs = [
        verdict(drawn(replace(BOX, extent=(1.0, 1.25, height))), BOX).details["soft"]
        for height in (0.85, 1.1, 1.6, 2.4)
    ]
    assert softs == sorted(softs, reverse=True)
    assert verdict(drawn(replace(BOX, extent=(1.0, 1.25, 2.4))), BOX).value == 0


def test_another_thing_in_the_picture_is_wrong():
    picture = drawn(TENT)
    ImageDraw.Draw(picture).rectangle((4, 4, 40, 40), fill=PALETTE["orange"])
    assert "orange should not be there" in verdict(picture, TENT).reason
    blank = verdict(Image.new("RGB", (256, 256), BACKGROUNDS["sky"]), TENT)
    assert (blank.value, blank.details["soft"]) == (0, 0)


def test_of_several_truths_the_nearest_counts():
    tall = replace(TENT, extent=(1.25, 0.8, 1.6))
    for order in ([TENT, tall], [tall, TENT]):
        found = SolidJudge().judge(drawn(tall), [solid.seen() for solid in order])
        assert found.details == verdict(drawn(tall), tall).details


def test_a_threshold_that_nothing_reaches_accepts_nothing():
    assert verdict(drawn(BOX), BOX, overlap=1.0).value == 0
