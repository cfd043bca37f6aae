"""A caption says what is demanded, and is made of known words only."""

import re
from random import Random

import pytest

from danqing.data.seeing import questions
from danqing.data.synthesis.captions import (
    HELD_OUT_TEMPLATES,
    TEMPLATES,
    TRAINING_TEMPLATES,
    caption,
    vocabulary,
)
from danqing.data.synthesis.propose import Limits, propose
from danqing.scorers.world import CATEGORIES, SHAPES, Object, Scene, TextSpec
from danqing.seeing.sentences import TASKS, WORDINGS, sentence

EVERYTHING = Limits(shapes=tuple(SHAPES), max_phrase=2)


def some_specs(count):
    rng = Random(1)
    return [propose(rng, category, EVERYTHING) for category in CATEGORIES for _ in range(count)]


@pytest.mark.parametrize(
    ("spec", "english", "chinese"),
    [
        (Scene("single_object", (Object("heart"),)), "a heart", "一个心形"),
        (
            Scene("colors", (Object("cross", color="orange"),), "sky"),
            "an orange cross on a sky background",
            "一个橙色十字形，天蓝色背景",
        ),
        (
            Scene("counting", (Object("cross", 4),), "gray"),
            "four crosses on a gray background",
            "四个十字形，灰色背景",
        ),
        (
            Scene("color_attr", (Object("star", color="red"), Object("circle", color="blue"))),
            "a red star and a blue circle",
            "一个红色星形和一个蓝色圆形",
        ),
        (
            Scene(
                "compound",
                (Object("square", 1, "white"), Object("star", 3, "pink", ("above", 0))),
                "mint",
            ),
            "three pink stars above a white square on a mint background",
            "三个粉色星形在一个白色方形的上方，薄荷色背景",
        ),
        (
            TextSpec("text_en", "CAT", "en", "red", "cream"),
            '"CAT" in red on a cream background',
            "红色的“CAT”，米色背景",
        ),
        (
            TextSpec("text_zh", "山", "zh", "black", "gray"),
            '"山" in black on a gray background',
            "黑色的“山”，灰色背景",
        ),
    ],
)
def test_the_plain_wording_says_all_that_is_demanded(spec, english, chinese):
    assert caption(spec, "en") == english
    assert caption(spec, "zh") == chinese


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_wordings_of_a_specification_differ(language):
    for spec in some_specs(10):
        assert len({caption(spec, language, template) for template in TEMPLATES}) == 8


def test_two_of_eight_wordings_are_held_out():
    assert sorted(TRAINING_TEMPLATES + HELD_OUT_TEMPLATES) == list(TEMPLATES)
    assert len(HELD_OUT_TEMPLATES) == 2


def test_captions_are_short():
    for spec in some_specs(40):
        for template in TEMPLATES:
            assert len(caption(spec, "en", template).split()) <= 16


def test_a_different_demand_gets_a_different_caption():
    specs = {spec.record.__repr__(): spec for spec in some_specs(60)}.values()
    for language in ("en", "zh"):
        # Categories may word one demand alike; within a category nothing may be lost.
        said = {(spec.category, caption(spec, language)) for spec in specs}
        assert len(said) == len(specs)


def some_questions(count):
    """Return questions about pictures, each in all wordings, in English and in Chinese."""
    rng = Random(0)
    return [
        [sentence(task, language, wording, question.fields(language)) for language in ("en", "zh")]
        for task in TASKS
        for question in [questions[task].propose(rng) for _ in range(count)]
        for wording in WORDINGS
    ]


def test_the_vocabulary_covers_all_captions_and_has_nothing_idle():
    known, used = vocabulary(), set()
    captions = [
        [caption(spec, language, template) for language in ("en", "zh")]
        for spec in some_specs(70)
        for template in TEMPLATES
    ]
    for english, chinese in [*captions, *some_questions(12)]:
        quoted = "".join(re.findall('"(.*?)"', english))
        words = re.sub('"(.*?)"', '""', english).replace('"', ' " ').replace(",", " , ").split()
        used |= set(quoted) | set(words)
        assert words[0] in known.starters or words[0] == '"'
        used |= set("".join(re.findall("“(.*?)”", chinese)))
        rest = re.sub("“(.*?)”", "“”", chinese)
        # Longest words first, as a tokenizer would read.
        pieces = sorted({*known.chinese, *known.marks}, key=len, reverse=True)
        found = re.findall("|".join(map(re.escape, pieces)), rest)
        assert "".join(found) == rest
        used |= set(found)
    everything = {*known.english, *known.chinese, *known.marks, *known.characters}
    assert used <= everything
    assert not (set(known.english) | set(known.chinese) | set(known.marks)) - used
