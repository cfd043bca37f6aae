"""All three kinds: strings lie in the picture, do not cover each other, and are all in captions."""

from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.data.typeset.captions import caption, quote
from danqing.data.typeset.colors import NAMES, contrast, mix, name
from danqing.data.typeset.fonts import faces
from danqing.data.typeset.placed import Refused
from danqing.data.typeset.pure import pure
from danqing.data.typeset.source import KINDS, RenderedText
from danqing.data.typeset.texts import Texts

SIDE = 352


@pytest.fixture(scope="module", params=KINDS)
def pictures(request):
    source = RenderedText(kinds={request.param: 1.0}, side=SIDE, seed=5)
    return [source.picture(number) for number in range(10)]


def test_no_string_leaves_the_picture(pictures):
    for picture in pictures:
        width, height = picture.image.size
        assert picture.strings
        for string in picture.strings:
            for line in string.lines:
                assert len(line.polygon) >= 4
                for x, y in line.polygon:
                    assert -0.5 <= x <= width + 0.5, (picture.template, string.text)
                    assert -0.5 <= y <= height + 0.5, (picture.template, string.text)


def test_strings_do_not_cover_each_other(pictures):
    for picture in pictures:
        taken = np.zeros(picture.image.size[::-1], int)
        for string in picture.strings:
            for line in string.lines:
                mask = Image.new("L", picture.image.size)
                ImageDraw.Draw(mask).polygon(line.polygon, fill=1)
                taken += np.asarray(mask)
        assert (taken > 1).sum() <= 0.06 * (taken > 0).sum(), picture.template


def test_lines_of_a_string_are_the_string(pictures):
    for picture in pictures:
        for string in picture.strings:
            lines = "".join(line.text for line in string.lines)
            assert lines.replace(" ", "") == string.text.replace(" ", "")


def test_captions_quote_every_string_in_both_languages(pictures):
    for picture in pictures:
        for language in ("en", "zh"):
            said = caption(picture, language)
            assert "{" not in said
            for string in picture.strings:
                assert quote(string.text, language) in said


def test_a_quote_is_not_ended_by_its_own_text():
    assert quote('say "no"', "en") == '“say "no"”'
    assert quote("他说“好”", "zh") == "「他说“好”」"


def test_colours_have_their_own_names():
    for (english, chinese), color in NAMES.items():
        assert name(color, "en") == english
        assert name(color, "zh") == chinese
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert mix((0, 0, 0), (200, 100, 50), 0.5) == (100, 50, 25)


def test_ink_of_pure_pages_differs_from_the_ground_inside_boxes_only():
    for number in range(6):
        picture = RenderedText(kinds={"pure": 1.0}, side=SIDE, seed=9).picture(number)
        pixels = np.asarray(picture.image).astype(int)
        ink = np.abs(pixels - pixels[0, 0]).max(-1) > 0
        inside = np.zeros_like(ink)
        for string in picture.strings:
            for line in string.lines:
                (left, top), _, (right, bottom), _ = line.polygon
                inside[int(top) : int(bottom) + 1, int(left) - 1 : int(right) + 2] = True
        assert ink.any()
        assert not (ink & ~inside).any()


def test_a_paragraph_with_a_missing_glyph_is_dropped_whole(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("A line that every face can draw.\nA line with a rune ᚠ in it.\n", "utf-8")
    texts, drawn = Texts(file), 0
    for seed in range(12):
        try:
            picture = pure(Random(seed), (480, 320), "en", faces(), texts)
        except Refused:
            continue
        drawn += 1
        for string in picture.strings:
            assert "ᚠ" not in string.text
            if string.role == "paragraph":
                assert string.text == "A line that every face can draw."
    assert drawn > 3


def test_where_nothing_can_be_drawn_there_is_a_trouble_and_no_picture(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("ᚠᚢᚦ\n", encoding="utf-8")
    for kind in ("pure", "compositional"):
        source = RenderedText(
            kinds={kind: 1.0}, languages={"en": 1.0}, side=256, texts=file, seed=1
        )
        record = source.record(0)
        assert record.image == b""
        assert "cannot be drawn" in record.trouble
