"""Depth goes into a picture and comes out again, up to the picture's eight bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from danqing.core.errors import RequestError
from danqing.seeing.depth import Scale, levels, read, show

SCALES = st.builds(
    lambda near, ratio, colors, shows: Scale(
        near=near, far=near * ratio, colors=colors, shows=shows
    ),
    st.floats(0.1, 10),
    st.floats(1.5, 20),
    st.sampled_from(["gray", "fog", "spectral"]),
    st.sampled_from(["depth", "disparity", "ratio"]),
)


@given(SCALES, arrays(np.float64, (3, 4), elements=st.floats(0, 1)))
def test_what_is_shown_is_read_back(scale, place):
    metres = scale.near + place * (scale.far - scale.near)
    seen = read(show(metres, scale), scale)
    assert (seen.metres.dtype, seen.metres.shape) == (np.float32, (3, 4))
    assert seen.unread == 0
    # Half a level of gray; Spectral has fewer colours that differ.
    part = 0.02 if scale.colors == "spectral" else 0.51 / 255
    even = {"depth": lambda x: x, "disparity": lambda x: 1 / x, "ratio": np.log}[scale.shows]
    assert (
        np.abs(even(seen.metres) - even(metres)).max()
        <= part * np.abs(even(scale.far) - even(scale.near)) + 1e-6 * np.abs(even(metres)).max()
    )


@given(SCALES)
def test_what_is_beyond_an_end_is_at_it(scale):
    beyond = np.array([[scale.near / 2, scale.far * 2]])
    assert read(show(beyond, scale), scale).metres == pytest.approx(
        np.array([[scale.near, scale.far]]), rel=1e-5
    )


def test_near_is_white_black_or_red():
    ends = np.array([[2.0, 6.0]])
    for colors, near, far in (
        ("gray", (255, 255, 255), (0, 0, 0)),
        ("fog", (0, 0, 0), (255, 255, 255)),
        ("spectral", (158, 1, 66), (94, 79, 162)),
    ):
        shown = show(ends, Scale(colors=colors))
        assert (shown.getpixel((0, 0)), shown.getpixel((1, 0))) == (near, far)


def test_colours_that_are_none_of_depth_are_not_read():
    image = Image.new("RGB", (4, 1), (90, 90, 90))
    image.putpixel((0, 0), (255, 0, 0))
    seen = read(image, Scale())
    assert seen.read.tolist() == [[False, True, True, True]]
    assert seen.unread == 0.25
    assert read(Image.new("RGB", (2, 1), (0, 255, 0)), Scale(colors="spectral")).unread == 1


def test_a_colour_map_is_read_back():
    stops = show(np.linspace(2, 6, 11)[None], Scale(colors="spectral", shows="depth"))
    assert levels(stops, "spectral")[0] == pytest.approx(np.linspace(0, 1, 11))
    assert stops.getpixel((5, 0)) == (255, 255, 191)
    between = Image.new("RGB", (1, 1), (185, 32, 72))  # halfway from the first to the second
    assert levels(between, "spectral") == pytest.approx(0.05, abs=2e-3)
    assert levels(Image.new("RGB", (1, 1), (0, 51, 102)), "gray") == pytest.approx(0.2)


@pytest.mark.parametrize(("near", "far"), [(0.0, 6.0), (6.0, 2.0), (2.0, 2.0), (-1.0, 1.0)])
def test_ends_that_do_not_rise_are_refused(near, far):
    with pytest.raises(RequestError, match="near and far must be rising"):
        Scale(near=near, far=far)
