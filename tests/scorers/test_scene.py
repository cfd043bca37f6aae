"""Verdicts on sights made by hand: the detector has its own tests."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.scorers.detector import Detection, Sight
from danqing.scorers.scene import SceneScorer, demands, geneval, strict
from danqing.scorers.world import Object, Scene, TextSpec


def seen(shape, color="red", x=50, y=50):
    box = (x - 10.0, y - 10.0, x + 10.0, y + 10.0)
    return Detection(shape, color, box, 0.02, 0.95, 0.1, 20.0)


def sight(*things, ground="gray"):
    return Sight(ground, things)


STAR_AND_HEART = Scene("two_object", (Object("star"), Object("heart")))
THREE_STARS = Scene("counting", (Object("star", 3),))
RED_STAR_BLUE_HEART = Scene(
    "color_attr", (Object("star", color="red"), Object("heart", color="blue"))
)
STAR_LEFT_OF_HEART = Scene(
    "position", (Object("heart"), Object("star", position=("left of", 0))), "gray"
)


def soft(picture, scene):
    atoms = demands(picture, scene)
    return sum(atom.met for atom in atoms) / len(atoms)


def test_what_was_asked_for_and_nothing_else_passes_in_every_way():
    picture = sight(seen("heart", "blue", 90), seen("star", "red", 20))
    for scene in (STAR_AND_HEART, RED_STAR_BLUE_HEART, STAR_LEFT_OF_HEART):
        assert strict(picture, scene)
        assert geneval(picture, scene)
        assert soft(picture, scene) == 1


def test_an_extra_thing_fails_strictly_and_is_forgiven_by_geneval():
    picture = sight(seen("heart", x=90), seen("star"), seen("unknown", x=120))
    assert not strict(picture, STAR_AND_HEART)
    assert geneval(picture, STAR_AND_HEART)
    assert 0 < soft(picture, STAR_AND_HEART) < 1


@pytest.mark.parametrize("count", [2, 4])
def test_a_wrong_number_fails_in_every_way(count):
    picture = sight(*(seen("star", x=30 * i) for i in range(count)))
    assert not strict(picture, THREE_STARS)
    assert not geneval(picture, THREE_STARS)
    assert soft(picture, THREE_STARS) < 1


def test_geneval_counts_only_the_shape_that_is_counted():
    picture = sight(seen("heart", x=120), *(seen("star", x=30 * i) for i in range(3)))
    assert geneval(picture, THREE_STARS)
    assert not strict(picture, THREE_STARS)


def test_colours_on_the_wrong_things_fail():
    picture = sight(seen("star", "blue"), seen("heart", "red", 90))
    assert not strict(picture, RED_STAR_BLUE_HEART)
    assert not geneval(picture, RED_STAR_BLUE_HEART)
    met = {atom.name: atom.met for atom in demands(picture, RED_STAR_BLUE_HEART)}
    assert met == {
        "0 star": 1, "0 star color": 0, "1 heart": 1, "1 heart color": 0, "nothing else": 1
    }  # fmt: skip


def test_a_mirrored_place_fails():
    picture = sight(seen("star", x=90), seen("heart", x=20))
    assert not strict(picture, STAR_LEFT_OF_HEART)
    assert not geneval(picture, STAR_LEFT_OF_HEART)


def test_every_pair_must_stand_in_the_relation():
    scene = Scene("compound", (Object("heart", 2), Object("star", position=("above", 0))))
    hearts = (seen("heart", x=20, y=100), seen("heart", x=80, y=100))
    assert strict(sight(*hearts, seen("star", x=50, y=10)), scene)
    assert not strict(sight(hearts[0], seen("heart", x=150, y=20), seen("star", y=10)), scene)


def test_a_named_ground_counts_strictly_and_an_open_one_does_not():
    picture = sight(seen("star", x=20), seen("heart", x=90), ground="mint")
    assert not strict(picture, STAR_LEFT_OF_HEART)
    assert geneval(picture, STAR_LEFT_OF_HEART)
    assert strict(picture, replace(STAR_LEFT_OF_HEART, background=None))


def test_one_shape_in_two_colours_is_told_apart():
    scene = Scene("color_attr", (Object("star"), Object("star", color="red")))
    assert strict(sight(seen("star", "red"), seen("star", "blue", 90)), scene)
    assert not strict(sight(seen("star", "green"), seen("star", "blue", 90)), scene)


sights = st.tuples(
    st.lists(
        st.tuples(
            st.sampled_from(["star", "heart", "unknown"]),
            st.sampled_from(["red", "blue"]),
            st.integers(0, 200),
            st.integers(0, 200),
        ),
        max_size=4,
    ),
    st.sampled_from(["gray", "mint"]),
)
scenes = st.sampled_from(
    [
        STAR_AND_HEART,
        THREE_STARS,
        RED_STAR_BLUE_HEART,
        STAR_LEFT_OF_HEART,
        Scene("single_object", (Object("star"),)),
        Scene("colors", (Object("star", 1, "red"),)),
    ]
)


@given(sights, scenes)
@settings(max_examples=300)
def test_strict_means_that_all_demands_are_met_and_implies_geneval(plain, scene):
    things, ground = plain
    picture = sight(*(seen(*thing) for thing in things), ground=ground)
    assert strict(picture, scene) == (soft(picture, scene) == 1)
    assert geneval(picture, scene) or not strict(picture, scene)


def test_a_blank_picture_scores_zero_and_says_what_is_missing():
    (score,) = SceneScorer().score([Image.new("RGB", (64, 64), (176,) * 3)], [STAR_LEFT_OF_HEART])
    assert score.value == 0
    assert "no star" in score.reason
    assert score.details["background"] == "gray"
    assert score.details["soft_product"] == 0 < score.details["soft"]


def test_the_mode_chooses_the_value():
    blank = Image.new("RGB", (64, 64), (176,) * 3)
    (score,) = SceneScorer(mode="soft").score([blank], [STAR_LEFT_OF_HEART])
    assert score.value == score.details["soft"]


def test_what_is_no_scene_is_unscored():
    text = TextSpec("text_en", "OK", "en", "red", "gray")
    scores = SceneScorer().score([Image.new("RGB", (64, 64))] * 2, [text, "a star"])
    assert [score.value for score in scores] == [None, None]
