"""The character table tells the truth, and damaged files of strangers do no harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from danqing.core.errors import SourceError
from danqing.data.typeset import cmap
from danqing.data.typeset.fonts import BUNDLED, faces

SMALL = min(BUNDLED.glob("*.otf"), key=lambda file: file.stat().st_size)
ABSENT = "\ue000"  # private use: no face has it, so it shows the box for missing characters


def picture(face, character):
    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).text((12, 50), character, font=face.at(32), fill=255, anchor="ls")
    return image.tobytes()


@pytest.mark.parametrize("face", faces(), ids=lambda face: face.name)
def test_what_the_table_has_is_drawn_and_what_it_lacks_is_a_box(face):
    box = picture(face, ABSENT)
    codes = sorted(face.characters)
    for code in codes[:: max(1, len(codes) // 60)]:
        # Squares look like the box for what is missing; in some faces that is blank.
        if not (0x2500 <= code < 0x2600 or chr(code).isspace() or code == 0xAD):
            assert picture(face, chr(code)) != box, hex(code)
    lacking = [code for code in range(0x0250, 0x3000, 211) if code not in face.characters]
    for code in lacking:
        assert picture(face, chr(code)) == box, hex(code)


def test_a_file_that_is_no_font_is_refused(tmp_path):
    file = tmp_path / "a.ttf"
    file.write_bytes(b"no font at all")
    with pytest.raises(SourceError, match="take it out of the folder"):
        cmap.characters(file)


@settings(max_examples=60)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_a_damaged_font_is_read_or_refused_but_nothing_else(tmp_path_factory, at, change):
    data = bytearray(SMALL.read_bytes())
    data[at : at + len(change)] = change
    file = tmp_path_factory.mktemp("fonts") / "a.otf"
    file.write_bytes(bytes(data))
    try:
        found = cmap.characters(file)
    except SourceError:
        return
    assert all(max(codes, default=0) <= 0x10FFFF for codes in found)


@pytest.mark.parametrize("length", [0, 3, 11, 40, 300, 2000])
def test_a_font_that_ends_early_is_refused(tmp_path, length):
    file = tmp_path / "a.otf"
    file.write_bytes(SMALL.read_bytes()[:length])
    with pytest.raises(SourceError, match="take it out of the folder"):
        faces(tmp_path)
