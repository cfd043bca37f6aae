"""Which bent words are asked for, in which words, and how they are drawn."""

import re
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from danqing.core.errors import RecipeError
from danqing.data.synthesis.arches import STRINGS, arches, draw_arch
from danqing.data.synthesis.prompts import normalized
from danqing.data.typeset.fonts import choose, faces
from danqing.scorers.world import BACKGROUNDS, PALETTE

KINDS = [(bend, script) for bend in ("up", "down") for script in ("en", "zh")]


@pytest.mark.parametrize(("bend", "script"), KINDS)
def test_words_are_different_the_same_every_time_and_in_one_part(bend, script):
    test, dev = (arches(bend, script, 30, part) for part in ("test", "dev"))
    assert test == arches(bend, script, 30)
    assert test[:10] == arches(bend, script, 10)
    ids = [wanted.id for wanted, _, _ in test + dev]
    assert len(set(ids)) == 60
    assert len({normalized(prompt) for _, prompt, _ in test}) == 30
    assert {(wanted.bend, wanted.script) for wanted, _, _ in test} == {(bend, script)}


@pytest.mark.parametrize(("bend", "script"), KINDS)
def test_a_prompt_says_all_that_is_asked_in_its_language(bend, script):
    for number, (wanted, prompt, language) in enumerate(arches(bend, script, 30)):
        assert language == ("en", "zh")[number % 2]
        assert f'"{wanted.string}"' in prompt or f"“{wanted.string}”" in prompt
        if language == "en":
            assert {wanted.color, wanted.background} <= set(prompt.replace(",", " ").split())
            assert ("higher" in prompt or "rainbow" in prompt) == (bend == "up")
            assert ("lower" in prompt or "bowl" in prompt) == (bend == "down")
        else:
            assert bool(re.search("向上|上弧", prompt)) == (bend == "up")
    assert {language for *_, language in arches(bend, script, 4, language="zh")} == {"zh"}


def test_more_words_than_there_are_are_refused_in_one_line(monkeypatch):
    monkeypatch.setitem(STRINGS, "en", ("STAR",))
    assert len(arches("up", "en", 4)) == 4
    with pytest.raises(RecipeError, match=r"at most \d+ for test of en, got 17; lower it"):
        arches("up", "en", 17)


def test_every_string_can_be_written_in_the_packages_typefaces():
    assert all(4 <= len(word) <= 8 for word in STRINGS["en"])
    assert all(3 <= len(phrase) <= 4 for phrase in STRINGS["zh"])
    for script, strings in STRINGS.items():
        assert choose(Random(0), faces(), strings, language=script) is not None


@pytest.mark.parametrize("bend", ["up", "down"])
@pytest.mark.parametrize("size", [(256, 256), (320, 192)])
def test_a_drawn_arch_lies_whole_in_its_picture_with_its_colours(bend, size):
    for number, (wanted, *_) in enumerate(arches(bend, "en", 12)):
        picture = draw_arch(wanted, Random(number), size=size)
        assert (picture.size, picture.mode) == (size, "RGB")
        pixels = np.asarray(picture).reshape(-1, 3)
        assert (pixels == PALETTE[wanted.color]).all(1).sum() > 0.004 * len(pixels)
        border = np.asarray(picture).copy()
        border[2:-2, 2:-2] = BACKGROUNDS[wanted.background]
        assert (border == BACKGROUNDS[wanted.background]).all()
        assert picture.tobytes() == draw_arch(wanted, Random(number), size=size).tobytes()


def test_the_middle_of_a_rainbow_is_higher_than_its_ends():
    wanted = replace(arches("up", "en", 1)[0][0], string="HHHHH")
    ink = np.asarray(draw_arch(wanted, Random(3)).convert("L")) < 150
    tops = ink.argmax(0)[ink.any(0)]
    assert tops[len(tops) // 2] < min(tops[0], tops[-1]) - 20
