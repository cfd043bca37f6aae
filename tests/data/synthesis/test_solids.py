"""Which solids are to be turned, in which words, and how they are drawn."""

from random import Random

import numpy as np
import pytest

from danqing.data.synthesis.captions import COLORS_ZH
from danqing.data.synthesis.instructions import CHANGES, TURNS
from danqing.data.synthesis.prompts import normalized
from danqing.data.synthesis.solids import draw_solid, turn, turns
from danqing.scorers.world import BACKGROUNDS


@pytest.mark.parametrize("change", CHANGES)
def test_solids_are_different_the_same_every_time_and_in_one_part(change):
    test, dev = (turns(change, 24, part) for part in ("test", "dev"))
    assert test == turns(change, 24)
    assert test[:8] == turns(change, 8)
    assert len({wanted.id for wanted, *_ in test + dev}) == 48
    assert all(wanted.change == change for wanted, *_ in test)
    assert [language for *_, language in test[:4]] == ["en", "zh", "en", "zh"]
    assert {language for *_, language in turns(change, 4, language="zh")} == {"zh"}


@pytest.mark.parametrize("change", TURNS)
def test_a_prompt_names_every_face_that_comes_into_view_and_no_other(change):
    for wanted, prompt, language in turns(change, 24):
        before, after = (
            {color for color, _ in solid.seen()} for solid in (wanted.solid, wanted.outcome)
        )
        assert after != before
        names = {
            c: COLORS_ZH[c] if language == "zh" else f" {c}" for c in wanted.solid.colors.values()
        }
        assert {c for c, name in names.items() if name in prompt} == after - before


def test_a_description_names_all_that_shows_and_the_ground():
    for wanted, prompt, language in turns("described", 24, language="en"):
        shown = {color for color, _ in wanted.solid.seen()}
        assert wanted.outcome == wanted.solid
        assert language == "en"
        assert all(color in prompt for color in (*shown, wanted.ground))
        assert len(wanted.truths) > 10
    assert len({normalized(prompt) for _, prompt, _ in turns("described", 24)}) == 24


def test_a_described_prism_may_lie_either_way():
    for wanted, *_ in turns("described", 12):
        other = wanted.solid.turned(1).painted(wanted.solid.left, wanted.solid.right)
        assert other.seen() in wanted.truths
        assert wanted.solid.seen() in wanted.truths
        assert {color for truth in wanted.truths for color, _ in truth} == {
            color for color, _ in wanted.solid.seen()
        }


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_gives_the_turn_back(change):
    for wanted, *_ in turns(change, 4):
        assert turn(wanted.record) == wanted


@pytest.mark.parametrize("size", [(256, 256), (192, 320)])
def test_a_drawn_solid_lies_whole_in_its_picture_with_all_its_colours(size):
    for number, (wanted, *_) in enumerate(turns("below", 12)):
        picture = draw_solid(wanted.outcome, wanted.ground, Random(number), size=size, jitter=0)
        assert (picture.size, picture.mode) == (size, "RGB")
        border = np.asarray(picture).copy()
        border[2:-2, 2:-2] = BACKGROUNDS[wanted.ground]
        assert (border == BACKGROUNDS[wanted.ground]).all()
        again = draw_solid(wanted.outcome, wanted.ground, Random(number), size=size, jitter=0)
        assert picture.tobytes() == again.tobytes()
