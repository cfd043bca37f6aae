"""Reading strings: the rules of comparison first, then real pictures."""

import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import MissingPackage
from danqing.data.synthesis import draw
from danqing.scorers import ocr
from danqing.scorers.ocr import TextScorer, extra, normalized, similarity
from danqing.scorers.world import Object, Scene, TextSpec

words = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Open", "OPEN"), ("ＯＫ", "ok"), ("中 国", "中国"), ("強", "强"), ("內戶", "内户")],
)
def test_width_case_space_and_regional_variants_are_no_errors(one, other):
    assert normalized(one) == normalized(other)


def test_different_characters_stay_different():
    assert len({normalized(c) for c in "土士未末日曰0O1l"}) == 10


@given(words, words)
def test_similarity_is_symmetric_one_for_equals_and_bounded(a, b):
    assert similarity(a, b) == similarity(b, a)
    assert (similarity(a, b) == 1) == (a == b)
    assert similarity(a, b) >= 0


@given(words, words, st.integers(0, 6))
def test_one_inserted_letter_costs_one_edit(a, b, place):
    longer = a[:place] + "x" + a[place:]
    assert similarity(longer, a) == pytest.approx(1 - 1 / len(longer))


def test_extra_characters_are_counted_as_often_as_they_exceed():
    assert extra("catt", "cat") == "t"
    assert extra("ct", "cat") == ""
    assert extra("dog", "cat") == "dog"


def written(string, language="en", color="blue", seed=0):
    spec = TextSpec(f"text_{language}", string, language, color, "cream")
    return draw(spec, Random(seed)), spec


@pytest.mark.parametrize(
    ("string", "language", "color"),
    [("OPEN", "en", "black"), ("TAXI", "en", "red"), ("国", "zh", "green"), ("鱼", "zh", "blue")],
)
def test_a_drawn_string_is_read_exactly_in_its_colour(string, language, color):
    image, spec = written(string, language, color)
    (score,) = TextScorer().score([image], [spec])
    assert score.value == 1
    assert score.details["similarity"] == 1
    assert score.details["extra_text"] == ""
    assert score.details["color"] == color


def test_another_word_scores_zero_and_the_reason_quotes_it():
    image, _ = written("TENT")
    (score,) = TextScorer().score([image], [written("TEXT")[1]])
    assert score.value == 0
    assert score.reason == "reads 'TENT' where 'TEXT' was asked"
    assert score.details["similarity"] == 0.75


def test_a_second_word_is_reported_as_extra_text():
    image, spec = written("OPEN")
    both = Image.new("RGB", (256, 512), image.getpixel((0, 0)))
    both.paste(image, (0, 0))
    both.paste(written("TAXI")[0], (0, 256))
    (score,) = TextScorer().score([both], [spec])
    assert score.value == 0
    assert sorted(score.details["extra_text"]) == sorted("taxi")


def test_two_readings_that_differ_are_a_class_of_their_own(monkeypatch):
    monkeypatch.setattr(ocr, "read_line", lambda image: "Cat")
    monkeypatch.setattr(ocr, "read_page", lambda image: "C at s")
    (score,) = TextScorer().score(*([x] for x in written("CAT")))
    assert score.value == 1
    assert score.details["disagree"]
    assert not score.details["exact_page"]


def test_a_blank_picture_reads_as_nothing():
    (score,) = TextScorer().score([Image.new("RGB", (64, 64), "white")], [written("OK")[1]])
    assert score.value == 0
    assert score.details["line"] == score.details["page"] == ""


def test_what_asks_for_no_string_is_unscored_and_needs_no_reader(monkeypatch):
    monkeypatch.setattr(ocr, "_engine", None)
    scene = Scene("single_object", (Object("star"),))
    assert TextScorer().score([Image.new("RGB", (64, 64))], [scene])[0].value is None


def test_without_the_reader_one_line_says_how_to_get_it(monkeypatch):
    ocr._engine.cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingPackage, match=r'pip install "danqing\[eval\]"'):
        TextScorer().score(*([x] for x in written("OK")))
