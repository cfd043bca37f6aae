"""Held-out prompts are fixed, different from each other, and of the split they claim."""

import pytest

from danqing.core.errors import RecipeError
from danqing.data.synthesis import digest, held_out
from danqing.data.synthesis.captions import HELD_OUT_TEMPLATES, TRAINING_TEMPLATES
from danqing.data.synthesis.prompts import normalized
from danqing.data.synthesis.split import HELD_OUT_CATEGORIES, bucket
from danqing.data.synthesis.words import UNSEEN_CHARACTERS
from danqing.scorers.world import CATEGORIES

EVERY = [(split, name) for split, names in HELD_OUT_CATEGORIES.items() for name in names]
PINNED = "c2eb0a8c5d586f79d75d0a74570ff7a52239cc40c8858a779abf4f5311d2a727"
"""Of 30 prompts for each split and category. Frozen before training: results compare only while
this stays as it is, and a new value is a new benchmark."""


def test_the_held_out_prompts_are_the_frozen_ones():
    prompts = [p for split, category in EVERY for p in held_out(category, 30, split)]
    assert digest(prompts) == PINNED


def test_typefaces_change_no_prompt_and_wordings_change_every_one():
    seen = {p.prompt for p in held_out("text_en", 30)}
    assert {p.prompt for p in held_out("text_en", 30, "test_font")} == seen
    assert not {p.prompt for p in held_out("text_en", 30, "test_para")} & seen


@pytest.mark.parametrize(("split", "category"), EVERY)
def test_prompts_are_different_and_of_their_split(split, category):
    prompts = held_out(category, 24, split)
    assert len({normalized(p.prompt) for p in prompts}) == 24
    assert prompts == held_out(category, 24, split)
    assert prompts[:7] == held_out(category, 7, split)
    for prompt in prompts:
        assert prompt.spec.category == category
        renamed = split in ("test_para", "test_font")
        assert bucket(prompt.spec) == ("test_iid" if renamed else split)
        worded = HELD_OUT_TEMPLATES if split == "test_para" else TRAINING_TEMPLATES
        assert prompt.template in worded
        if split == "test_char":
            assert set(prompt.spec.string) <= set(UNSEEN_CHARACTERS)


@pytest.mark.parametrize("category", CATEGORIES)
def test_forty_prompts_can_be_asked_in_each_language(category):
    for lang in ("en", "zh"):
        prompts = held_out(category, 40, lang=lang)
        assert {p.language for p in prompts} == {lang}
    assert {p.language for p in held_out(category, 2)} == {"en", "zh"}


def test_a_record_has_the_shape_of_geneval():
    [prompt] = held_out("compound", 1, lang="en")
    record = prompt.record
    assert record["tag"] == "compound"
    assert {"id", "split", "lang", "template_id", "prompt", "include"} <= set(record)
    assert record["include"][1]["position"][1] == 0
    [written] = held_out("text_zh", 1)
    assert written.record["text"].keys() == {"string", "lang", "color"}


def test_what_cannot_be_asked_is_refused_in_one_line():
    with pytest.raises(RecipeError, match=r"split of 'colors' must be one of .*got 'test_word'"):
        held_out("colors", 1, "test_word")
    with pytest.raises(RecipeError, match="split of 'poems' must be one of none"):
        held_out("poems", 1)
    with pytest.raises(RecipeError, match="count must be at most"):
        held_out("single_object", 10_000)
