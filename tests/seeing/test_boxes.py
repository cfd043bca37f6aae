"""Boxes go into a picture as frames and come out again."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from danqing.seeing.boxes import Box, read, show

COLORS = {"star": (255, 0, 255), "circle": (0, 255, 255)}
GROUND = Image.new("RGB", (128, 128), (176, 176, 176))


@st.composite
def boxes(draw):
    """Draw a box, or none, in each quarter of the picture, so that no frames touch."""
    found = []
    for x, y in ((0, 0), (64, 0), (0, 64), (64, 64)):
        if draw(st.booleans()):
            left, top = x + draw(st.integers(0, 20)), y + draw(st.integers(0, 20))
            width, height = draw(st.integers(12, 40)), draw(st.integers(12, 40))
            label = draw(st.sampled_from(sorted(COLORS)))
            found.append(Box(label, (left, top, left + width, top + height)))
    return found


@given(boxes())
def test_what_is_shown_is_read_back(there):
    seen = read(show(GROUND, there, COLORS), GROUND, COLORS)
    assert set(seen.found) == set(there)
    assert seen.unread == 0


def test_what_the_source_had_is_no_frame():
    source = show(GROUND, [Box("star", (10, 10, 60, 60))], COLORS)
    assert read(source, source, COLORS).found == ()


def test_boxes_are_told_in_pixels_of_the_source():
    large = show(GROUND, [Box("star", (20, 40, 80, 100))], COLORS).resize((256, 256), 0)
    assert [box.box for box in read(large, GROUND, COLORS).found] == [(20, 40, 80, 100)]


def test_what_is_no_whole_frame_comes_last_or_is_told_as_unread():
    image = show(GROUND, [Box("star", (10, 10, 50, 50))], COLORS)
    ImageDraw.Draw(image).line((70, 70, 70, 100, 100, 100), fill=COLORS["star"])
    image.putpixel((120, 5), COLORS["star"])
    *whole, corner = read(image, GROUND, COLORS).found
    assert whole == [Box("star", (10, 10, 50, 50))]
    assert 0.5 < corner.confidence < 0.6
    seen = read(image, GROUND, COLORS, sure=0.6)
    assert list(seen.found) == whole
    assert seen.unread == (61 + 1) / 128**2
