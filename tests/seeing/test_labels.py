"""Classes go into a picture and come out again."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from danqing.core.errors import RequestError, SourceError
from danqing.data.synthesis.propose import COMMON_SHAPES
from danqing.scorers.color import swatches
from danqing.seeing.labels import (
    SHAPE_COLORS,
    Labels,
    legend,
    read,
    show,
    with_rest,
    within,
)

NAMES = ("star", "circle", "heart", "cross", "square", "diamond", "triangle")


@given(st.integers(1, 7), st.data())
def test_what_is_shown_is_read_back(count, data):
    colors = with_rest(legend(NAMES[:count]))
    map_ = data.draw(arrays(np.uint8, (3, 4), elements=st.integers(0, count + 1)))
    labels = Labels(tuple(colors), map_)
    seen = read(show(labels, colors), colors)
    assert seen.classes == ("rest", *NAMES[:count])
    assert (seen.map == map_).all()
    assert seen.unread == (map_ == 0).mean()
    assert (seen.mask("star") == (map_ == 2)).all()


def test_colours_of_classes_are_far_from_each_other_and_from_the_ground():
    points = swatches(with_rest(legend(NAMES)).values())
    assert min(np.linalg.norm(a - b) for a, b in combinations(points, 2)) > 40


def test_every_common_shape_has_a_colour():
    assert set(SHAPE_COLORS) == set(COMMON_SHAPES)


def test_a_pixel_is_of_the_nearest_class_and_of_none_far_from_all():
    colors = {"warm": (230, 0, 0), "cold": (0, 0, 255)}
    image = Image.new("RGB", (3, 1))
    for x, color in enumerate([(200, 30, 20), (40, 20, 230), (120, 120, 120)]):
        image.putpixel((x, 0), color)
    assert read(image, colors).map.tolist() == [[1, 2, 0]]


def test_within_some_distance_of_white_is_the_lighter_half():
    image = Image.frombytes("L", (4, 1), bytes([0, 110, 130, 255]))
    assert within(image, (255, 255, 255), 50.0).tolist() == [[False, False, True, True]]
    with pytest.raises(SourceError, match=r"three numbers of 8 bits, got \(256, 0, 0\)"):
        within(image, (256, 0, 0), 50.0)


@pytest.mark.parametrize("classes", [(), ("star", "star"), tuple("abcdefgh")])
def test_classes_without_a_colour_each_are_refused(classes):
    with pytest.raises(RequestError, match="classes must be 1 to 7 different names"):
        legend(classes)
