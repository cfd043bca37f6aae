"""Bent words: drawn ones are right, and what differs a little is wrong."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from danqing.data.synthesis.arches import draw_arch
from danqing.data.typeset.fonts import choose, faces
from danqing.evaluation.degradations import noise
from danqing.scorers.arch import ArchedText, ArchJudge

BOLD = ArchedText(string="STAR", script="en", color="red", background="cream", bend="up")
HAN = ArchedText(string="春天风雨", script="zh", color="black", background="mint", bend="down")
OTHER = {"up": "down", "down": "up"}


def drawn(wanted, **how):
    return draw_arch(wanted, Random(0), **how)


@pytest.mark.parametrize("bend", ["up", "down"])
@pytest.mark.parametrize("wanted", [BOLD, HAN], ids=lambda wanted: wanted.script)
def test_a_drawn_arch_is_right_and_wrong_where_the_other_bend_is_asked(wanted, bend):
    wanted = replace(wanted, bend=bend)
    picture = drawn(wanted)
    right = ArchJudge().judge(picture, wanted)
    assert (right.value, right.reason) == (1, "as asked")
    assert right.details["line"] == wanted.string
    assert right.details["similarity"] == 1
    assert right.details["color"] == wanted.color
    assert (right.details["sagitta"] > 0) == (bend == "up")
    wrong = ArchJudge().judge(picture, replace(wanted, bend=OTHER[bend]))
    assert (wrong.value, wrong.reason) == (0, f"is bent {bend}")


@pytest.mark.parametrize("wanted", [BOLD, HAN], ids=lambda wanted: wanted.script)
def test_a_straight_word_reads_well_and_is_wrong(wanted):
    found = ArchJudge().judge(drawn(wanted, sagitta=0.002), wanted)
    assert (found.value, found.reason) == (0, "is bent neither way")
    assert found.details["exact_line"]


def test_more_bend_is_more_sagitta_and_the_threshold_decides():
    found = [
        ArchJudge().judge(drawn(BOLD, sagitta=sagitta), BOLD)
        for sagitta in (0.002, 0.05, 0.12, 0.2, 0.3)
    ]
    sagittas = [score.details["sagitta"] for score in found]
    assert sagittas == sorted(sagittas)
    assert [score.value for score in found] == [0, 0, 1, 1, 1]
    assert ArchJudge(sagitta=0.03).judge(drawn(BOLD, sagitta=0.05), BOLD).value == 1


def test_another_letter_and_a_mirrored_word_are_told_in_one_sentence():
    found = ArchJudge().judge(drawn(replace(BOLD, string="STIR")), BOLD)
    assert (found.value, found.reason) == (0, "reads 'STIR' where 'STAR' was asked")
    assert found.details["similarity"] == 0.75
    mirrored = ArchJudge().judge(ImageOps.mirror(drawn(BOLD)), BOLD)
    assert (mirrored.value, mirrored.details["bent"]) == (0, True)


def test_small_letters_are_wrong_since_straight_ones_may_look_bent():
    plain = choose(Random(0), faces(), ["gulp"], language="en", kind="sans", bold=False)
    capitals = replace(BOLD, string="GULP")
    straight = drawn(replace(BOLD, string="gulp"), face=plain, sagitta=0.002)
    found = ArchJudge().judge(straight, capitals)
    assert (found.value, found.reason) == (0, "reads 'gulp' where 'GULP' was asked")
    assert found.details["bent"]
    straight = ArchJudge().judge(drawn(capitals, face=plain, sagitta=0.002), capitals)
    assert (straight.value, straight.details["bent"]) == (0, False)


@pytest.mark.parametrize("turn", [80, -80, 180])
def test_an_arch_that_stands_on_its_end_or_head_is_wrong(turn):
    assert ArchJudge().judge(drawn(BOLD).rotate(turn, fillcolor=(236, 220, 188)), BOLD).value == 0


def test_size_does_not_matter():
    large = ArchJudge().judge(drawn(BOLD, size=(768, 512)), BOLD)
    small = ArchJudge().judge(drawn(BOLD, size=(192, 192)), BOLD)
    assert large.value == small.value == 1


def test_grain_is_no_ink():
    assert ArchJudge().judge(noise(drawn(BOLD)), BOLD).value == 1


def test_pictures_without_writing_are_wrong_and_no_error():
    blank = Image.new("RGB", (256, 256), "gray")
    found = ArchJudge().judge(blank, BOLD)
    assert (found.value, found.reason) == (0, "nothing is written")
    bar = blank.copy()
    ImageDraw.Draw(bar).rectangle((20, 100, 230, 140), fill="black")
    dot = blank.copy()
    ImageDraw.Draw(dot).ellipse((120, 120, 136, 136), fill="black")
    grain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    assert [ArchJudge().judge(image, BOLD).value for image in (bar, dot, grain)] == [0, 0, 0]


def test_the_id_tells_specifications_apart():
    ids = {wanted.id for wanted in (BOLD, HAN, replace(BOLD, bend="down"), replace(BOLD))}
    assert len(ids) == 3
