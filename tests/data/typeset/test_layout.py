"""Setting a text loses nothing, keeps the order, and breaks lines where they may be broken."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from danqing.data.typeset.fonts import faces
from danqing.data.typeset.layout import CLOSING, OPENING, Setting, fit, set_text, units

FACES = {"en": next(f for f in faces() if f.name == "Danqing Plain Sans Regular"),
         "zh": next(f for f in faces() if f.name == "Danqing Hei Regular")}  # fmt: skip
CHINESE = "天地人你我他春夏秋冬山水火木"
TEXTS = st.text(alphabet=f"{CHINESE}，。：！（）《》“”—、abcXYZ 12.,?!", min_size=1, max_size=60)
SETTINGS = st.builds(
    Setting,
    align=st.sampled_from(["left", "center", "right", "justify"]),
    leading=st.sampled_from([1.2, 1.5]),
    tracking=st.sampled_from([0.0, 0.1]),
    balance=st.booleans(),
)
FACE = FACES["zh"]


@given(TEXTS)
def test_units_are_the_text(text):
    assert "".join(unit.text + unit.gap for unit in units(text)) == text.strip()


@given(TEXTS, SETTINGS, st.integers(60, 500))
def test_lines_are_the_text_and_runs_are_the_lines(text, setting, width):
    assume(text.strip())
    block = set_text(text, FACE, 20, float(width), setting)
    assume(block is not None)
    assert block.text == text.strip()
    for line in block.lines:
        drawn = "".join(run.text for run in line.runs)
        assert drawn.replace(" ", "") == line.text.replace(" ", "")
        assert line.text == line.text.strip()


@given(TEXTS, SETTINGS, st.integers(60, 500))
def test_no_line_begins_or_ends_with_the_wrong_punctuation(text, setting, width):
    block = set_text(text, FACE, 20, float(width), setting) if text.strip() else None
    assume(block is not None)
    for before, after in zip(block.lines, block.lines[1:], strict=False):
        if not before.after:  # at a space, a text may be broken whatever stands there
            assert after.text[0] not in CLOSING
            assert before.text[-1] not in OPENING


@given(TEXTS, SETTINGS, st.integers(60, 500))
def test_no_pen_leaves_the_width(text, setting, width):
    block = set_text(text, FACE, 20, float(width), setting) if text.strip() else None
    assume(block is not None)
    for line in block.lines:
        assert min(run.x for run in line.runs) >= -1e-6
        last = line.runs[-1]
        assert last.x + FACE.advance(last.text, 20) <= width + 1.0


def test_words_are_not_broken_and_a_word_too_wide_is_refused():
    block = set_text("one incomprehensible word", FACES["en"], 20, 190.0, Setting())
    assert [line.text for line in block.lines] == ["one", "incomprehensible", "word"]
    assert set_text("incomprehensible", FACES["en"], 20, 60.0, Setting()) is None


def test_chinese_breaks_anywhere_but_before_closing_punctuation():
    block = set_text("天地人天地，人天地", FACE, 20, 102.0, Setting())
    assert [line.text for line in block.lines] == ["天地人天", "地，人天地"]
    block = set_text("天地人天“地人”", FACE, 20, 102.0, Setting())
    assert [line.text for line in block.lines] == ["天地人天", "“地人”"]


def test_justified_lines_reach_both_edges_but_the_last_one():
    text = "the quick brown fox jumps over the lazy dog and runs away again"
    block = set_text(text, FACES["en"], 20, 240.0, Setting(align="justify"))
    assert len(block.lines) > 2
    for line in block.lines[:-1]:
        end = line.runs[-1].x + FACES["en"].advance(line.runs[-1].text, 20)
        assert line.runs[0].x == 0
        assert end == pytest.approx(240, abs=0.5)
    assert len(block.lines[-1].runs) == 1


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_alignment_puts_the_spare_room_where_it_should(align):
    block = set_text("word", FACES["en"], 20, 200.0, Setting(align=align))
    spare = 200 - FACES["en"].advance("word", 20)
    assert block.lines[0].runs[0].x == pytest.approx(
        {"left": 0, "center": spare / 2}.get(align, spare)
    )


@settings(max_examples=40)
@given(TEXTS, SETTINGS, st.integers(80, 400), st.integers(20, 200))
def test_what_fits_fits_and_the_next_size_does_not(text, setting, width, height):
    assume(text.strip())
    block = fit(text, FACE, (float(width), float(height)), setting, largest=60)
    assume(block is not None)
    assert block.height <= height
    assert block.text == text.strip()
    if block.em < 60:
        larger = set_text(text, FACE, block.em + 1, float(width), setting)
        assert larger is None or larger.height > height


def test_balanced_lines_are_no_more_and_more_alike():
    text = "a title of seven words that wraps"
    lengths = {}
    for balance in (False, True):
        block = set_text(text, FACES["en"], 30, 330.0, Setting(balance=balance))
        lengths[balance] = [FACES["en"].advance(line.text, 30) for line in block.lines]
    assert len(lengths[True]) == len(lengths[False])
    assert max(lengths[True]) - min(lengths[True]) < max(lengths[False]) - min(lengths[False])


def test_more_lines_than_allowed_are_refused():
    assert set_text("one two three", FACES["en"], 20, 60.0, Setting(lines=2)) is None
    assert fit("one two three", FACES["en"], (60.0, 500.0), Setting(lines=1), largest=40).em < 20
