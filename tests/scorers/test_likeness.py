"""The right one of several pictures is told from the others, and from one of something else."""

from random import Random

import pytest
from PIL import Image, ImageFilter

from danqing.data.edits import STYLES
from danqing.data.edits.scenes import scene
from danqing.data.edits.stream import ASKED
from danqing.scorers.likeness import LikenessJudge

JUDGE = LikenessJudge()


def looks(seed):
    source = scene(Random(seed), ASKED, 3, 4).draw()
    return {name: STYLES[name](source) for name in STYLES} | {"unchanged": source}


@pytest.mark.parametrize("seed", range(3))
def test_every_look_is_itself_even_blurred_and_no_other(seed):
    found = looks(seed)
    for wanted, image in found.items():
        soft = image.filter(ImageFilter.GaussianBlur(1))
        for name in found:
            assert JUDGE.judge(image, found, name).value == (name == wanted)
            assert JUDGE.judge(soft, found, name).value == (name == wanted)


def test_the_right_look_of_another_picture_is_wrong():
    found, other = looks(0), looks(1)
    for name in STYLES:
        verdict = JUDGE.judge(other[name], found, name)
        assert verdict.value == 0
        assert verdict.details["correlation"] < 0.6


def test_what_lies_halfway_is_not_clear():
    found = {name: Image.new("RGB", (64, 64), tone) for name, tone in (("a", "red"), ("b", "blue"))}
    for image in found.values():
        image.paste("white", (20, 20, 40, 40))
    middle = Image.blend(found["a"], found["b"], 0.4)
    assert JUDGE.judge(found["a"], found, "a").value == 1
    assert JUDGE.judge(middle, found, "a").reason == "not clearly a"
    assert JUDGE.judge(found["b"], found, "a").reason == "b rather than a"


@pytest.mark.parametrize("color", ["black", "white", "gray"])
def test_a_blank_picture_is_none_of_them(color):
    found = looks(0)
    blank = Image.new("RGB", (256, 256), color)
    for name in found:
        verdict = JUDGE.judge(blank, found, name)
        assert verdict.value == 0
        assert verdict.details["correlation"] == pytest.approx(0, abs=0.1)
