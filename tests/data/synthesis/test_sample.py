"""The training stream is reproducible, and shows nothing that is kept for tests."""

import re

import pytest

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError
from danqing.data.synthesis import Synthesis, bucket, held_out
from danqing.data.synthesis.captions import HELD_OUT_TEMPLATES, TRAINING_TEMPLATES, caption
from danqing.data.synthesis.prompts import normalized
from danqing.data.synthesis.split import (
    HELD_OUT_CATEGORIES,
    HELD_OUT_COUNTS,
    HELD_OUT_PAIRS,
    allowed_colors,
    held_out_string,
)
from danqing.data.synthesis.understand import understand
from danqing.data.synthesis.words import CHARACTERS
from danqing.scorers.world import CATEGORIES, Scene

SMALL = Synthesis(size=(64, 64), max_phrase=2)


@pytest.fixture(scope="module")
def stream():
    return [SMALL.sample(index) for index in range(2500)]


def test_a_sample_depends_on_its_settings_and_index_only(stream):
    again = Synthesis(size=(64, 64), max_phrase=2)
    for index in (70, 3, 70, 1999):
        one, two = again.sample(index), stream[index]
        assert (one.caption, one.spec, one.language) == (two.caption, two.spec, two.language)
        assert one.image.tobytes() == two.image.tobytes()


def test_another_seed_or_index_gives_another_stream(stream):
    other = Synthesis(size=(64, 64), max_phrase=2, seed=1)
    assert sum(other.sample(i).caption == stream[i].caption for i in range(40)) < 5
    assert len({sample.image.tobytes() for sample in stream}) > 0.99 * len(stream)


def test_training_shows_nothing_that_is_held_out(stream):
    for sample in stream:
        assert bucket(sample.spec) == "train"
        if isinstance(sample.spec, Scene):
            shapes = {thing.shape for thing in sample.spec.objects}
            assert shapes not in HELD_OUT_PAIRS
            numbers = {(thing.shape, thing.count) for thing in sample.spec.objects}
            assert not numbers & HELD_OUT_COUNTS
        else:
            assert not held_out_string(sample.spec.string)
            assert sample.spec.language == "en" or set(sample.spec.string) <= set(CHARACTERS)


def test_training_uses_every_training_wording_and_no_other(stream):
    worded = set()
    for sample in stream[:500]:
        [template] = [
            t for t in range(8) if caption(sample.spec, sample.language, t) == sample.caption
        ]
        worded.add((sample.language, template))
    assert worded == {(lang, t) for lang in ("en", "zh") for t in TRAINING_TEMPLATES}
    assert not {template for _, template in worded} & set(HELD_OUT_TEMPLATES)


def test_no_held_out_prompt_is_a_training_caption(stream):
    captions = {normalized(sample.caption) for sample in stream}
    for split, categories in HELD_OUT_CATEGORIES.items():
        for category in categories:
            asked = {normalized(p.prompt) for p in held_out(category, 20, split)}
            assert not asked & captions


def test_all_categories_languages_and_characters_come_up(stream):
    assert {sample.spec.category for sample in stream} == set(CATEGORIES)
    assert {sample.language for sample in stream} == {"en", "zh"}
    only = Synthesis(size=(64, 64), categories={"text_zh": 1.0}, characters=20)
    written = {only.sample(index).spec.string for index in range(400)}
    assert written == set(CHARACTERS[:20])


def test_settings_narrow_the_stream():
    words = Synthesis(
        size=(64, 64),
        categories={"text_en": 1.0},
        languages={"en": 1.0},
        min_word=2,
        max_word=3,
        letter_case="lower",
    )
    for index in range(100):
        sample = words.sample(index)
        assert re.fullmatch("[a-z]{2,3}", sample.spec.string)
        assert f'"{sample.spec.string}"' in sample.caption
    few = Synthesis(size=(64, 64), categories={"counting": 1.0}, max_count=2, named_ground=0.0)
    for index in range(50):
        spec = few.sample(index).spec
        assert spec.objects[0].count == 2
        assert spec.background is None


def test_numbers_of_things_tell_their_colour_as_often_as_is_wanted():
    counts = {"size": (64, 64), "categories": {"counting": 1.0}}
    told = {
        share: [Synthesis(**counts, told_colors=share).sample(i) for i in range(60)]
        for share in (0.0, 0.5, 1.0)
    }
    colored = {
        share: sum(s.spec.objects[0].color is not None for s in told[share]) for share in told
    }
    assert colored[0.0] == 0
    assert 15 < colored[0.5] < 45
    assert colored[1.0] == 60
    for sample in told[1.0]:
        (thing,) = sample.spec.objects
        assert bucket(sample.spec) == "train"
        assert thing.color in allowed_colors(thing.shape)
        assert understand(sample.caption) == sample.spec


def test_a_recipe_can_hold_the_settings():
    settings = Synthesis(size=(320, 192), characters=50, languages={"zh": 2.0})
    assert parse(Synthesis, dump(settings)) == settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categories": {"poems": 1.0}}, "categories must be some of .* got poems"),
        ({"categories": {}}, "categories must be some of .* got none"),
        ({"categories": {"colors": 0.0}}, "categories must have weights"),
        ({"languages": {"en": -1.0, "zh": 2.0}}, "languages must have weights"),
        ({"shapes": ("star", "blob", "cross")}, "shapes must be some of .* blob"),
        ({"shapes": ("star", "heart")}, r"len\(shapes\) must be 3 to 8, got 2"),
        ({"fonts": ("serif",)}, "fonts must be some of .* got serif"),
        ({"fonts": ("hei",)}, "fonts must have one for text_en"),
        ({"text_colors": ("yellow",)}, "text_colors must be some of .* got yellow"),
        ({"jitter": 15}, "jitter must be 0 to 14, got 15"),
        ({"told_colors": 1.5}, "told_colors must be 0 to 1, got 1.5"),
        ({"max_word": 9}, "max_word must be 1 to 8, got 9"),
        ({"min_word": 3, "max_word": 2}, "min_word must be 1 to 2, got 3"),
        ({"characters": 0}, "characters must be 1 to"),
        ({"shapes": ("star", "heart", "hexagon"), "size": (128, 128)}, "size must be at least 192"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(settings, message):
    with pytest.raises(RecipeError, match=message) as refusal:
        Synthesis(**settings)
    assert "\n" not in str(refusal.value)
