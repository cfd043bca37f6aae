"""What is held out is held out by what it demands, however it is said."""

from collections import Counter
from itertools import combinations
from random import Random

import pytest

from danqing.data.synthesis.propose import (
    COMMON_SHAPES,
    LONGEST_PHRASE,
    LONGEST_WORD,
    Limits,
    propose,
)
from danqing.data.synthesis.split import (
    HELD_OUT_CATEGORIES,
    HELD_OUT_COLORS,
    HELD_OUT_COUNTS,
    HELD_OUT_PAIRS,
    allowed_colors,
    bucket,
    held_out_string,
)
from danqing.data.synthesis.words import CHARACTERS, PHRASES, UNSEEN_CHARACTERS, WORDS
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES, Object, Scene, TextSpec


def test_two_ways_to_demand_the_same_have_one_id():
    star, heart = Object("star", color="red"), Object("heart")
    assert Scene("two_object", (star, heart)).id == Scene("two_object", (heart, star)).id
    for relation, mirrored in (("left of", "right of"), ("above", "below")):
        said = Scene("position", (heart, Object("star", 2, "red", (relation, 0))))
        mirror = Scene(
            "position", (Object("star", 2, "red"), Object("heart", 1, None, (mirrored, 0)))
        )
        assert said.id == mirror.id


def test_different_demands_have_different_ids():
    heart = Object("heart")
    scenes = [
        Scene("position", (heart, Object("star", position=(relation, 0))), background)
        for relation in ("left of", "right of", "above", "below")
        for background in (None, *BACKGROUNDS)
    ]
    assert len({scene.id for scene in scenes}) == len(scenes)


def test_the_held_out_colors_form_a_latin_square_that_leaves_six_of_everything():
    assert len(set(HELD_OUT_COLORS.values())) == len(SHAPES)
    for color in PALETTE:
        assert sum(color in allowed_colors(shape) for shape in COMMON_SHAPES) >= 6
    for shape in SHAPES:
        assert len(allowed_colors(shape)) >= 6


def test_every_shape_keeps_partners_and_numbers():
    for shape in COMMON_SHAPES:
        partners = [s for s in COMMON_SHAPES if s != shape and {s, shape} not in HELD_OUT_PAIRS]
        assert len(partners) >= 4
        assert sum((shape, count) not in HELD_OUT_COUNTS for count in (2, 3, 4, 5)) >= 3


def test_families_come_before_the_hash():
    for shape, color in HELD_OUT_COLORS.items():
        for ground in (None, *BACKGROUNDS):
            assert bucket(Scene("colors", (Object(shape, color=color),), ground)) == "test_comp"
    for first, second in map(sorted, HELD_OUT_PAIRS):
        for ground in (None, *BACKGROUNDS):
            scene = Scene("two_object", (Object(second), Object(first)), ground)
            assert bucket(scene) == "test_pair"
    for shape, count in HELD_OUT_COUNTS:
        assert bucket(Scene("counting", (Object(shape, count),))) == "test_count"
    for character in UNSEEN_CHARACTERS:
        assert bucket(TextSpec("text_zh", character, "zh", "red", "mint")) == "test_char"


def test_a_word_is_held_out_in_every_case_color_and_ground():
    held = [word for word in WORDS if held_out_string(word)]
    assert 0.12 < len(held) / len(WORDS) < 0.28
    for word in held[:20]:
        for written in (word, word.lower(), word.title()):
            for color in ("red", "black"):
                assert bucket(TextSpec("text_en", written, "en", color, "sky")) == "test_word"
    assert not any(map(held_out_string, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + CHARACTERS))
    assert any(map(held_out_string, PHRASES))


def test_the_hash_deals_the_announced_shares():
    rng = Random(0)
    specs = {s.id: s for s in (propose(rng, "color_attr", Limits()) for _ in range(2000))}
    dealt = Counter(map(bucket, specs.values()))
    open_to_all = dealt["train"] + dealt["dev"] + dealt["test_iid"]
    assert dealt["dev"] / open_to_all == pytest.approx(0.08, abs=0.025)
    assert dealt["test_iid"] / open_to_all == pytest.approx(0.2, abs=0.04)


def test_every_common_shape_but_one_is_tested_alone():
    scenes = [
        Scene("single_object", (Object(shape),), ground)
        for shape in COMMON_SHAPES
        for ground in (None, *BACKGROUNDS)
    ]
    tested = {scene.objects[0].shape for scene in scenes if bucket(scene) == "test_iid"}
    trained = {scene.objects[0].shape for scene in scenes if bucket(scene) == "train"}
    assert len(tested) >= len(COMMON_SHAPES) - 1
    assert trained == set(COMMON_SHAPES)


def test_characters_of_training_and_the_unseen_ones_are_apart():
    assert len(set(CHARACTERS)) == len(CHARACTERS) >= 500
    assert len(set(UNSEEN_CHARACTERS)) == len(UNSEEN_CHARACTERS) >= 30
    assert not set(CHARACTERS) & set(UNSEEN_CHARACTERS)
    assert set("".join(PHRASES)) <= set(CHARACTERS)
    assert {len(word) for word in WORDS} == set(range(2, LONGEST_WORD + 1))
    assert {len(phrase) for phrase in PHRASES} == set(range(2, LONGEST_PHRASE + 1))
    assert len(set(WORDS)) == len(WORDS)


def test_held_out_splits_name_real_families():
    pairs = list(combinations(SHAPES, 2))
    assert all(tuple(sorted(p, key=list(SHAPES).index)) in pairs for p in HELD_OUT_PAIRS)
    assert "train" not in HELD_OUT_CATEGORIES
