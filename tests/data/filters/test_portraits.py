"""What hides a face is found: a mosaic of any size, and a blur over the face alone.

`astronaut.jpg` is NASA's portrait of Eileen Collins, in the public domain.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from danqing.core.errors import RecipeError
from danqing.data.filters import Batch, filters
from danqing.data.filters.portraits import sharpness
from danqing.data.sources.planted import encode

ASTRONAUT = Image.open(Path(__file__).with_name("astronaut.jpg")).convert("RGB")
BOX = (84, 26, 146, 112)
FACE = np.array([90, 34, 44, 52, 102, 52, 121, 52, 113, 62, 104, 72, 119, 72, 0.9], np.float32)


def measured(name, *images, kind="PNG", **settings):
    columns = {"image": [encode(image, kind) for image in images], "name": ["a"] * len(images)}
    part = filters[name](**settings)
    found = [m.value for m in part.measure(Batch(columns, 256))]
    return found, [part.cut.reason(value) for value in found]


def blurred(radius):
    image = ASTRONAUT.copy()
    image.paste(image.crop(BOX).filter(ImageFilter.GaussianBlur(radius)), BOX[:2])
    return image


def pixelated(image, block, box):
    part = image.crop(box)
    small = part.resize((part.width // block, part.height // block), Image.Resampling.BOX)
    size = small.width * block, small.height * block
    covered = image.copy()
    covered.paste(small.resize(size, Image.Resampling.NEAREST), box[:2])
    return covered


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_mosaic_over_a_face_is_found(scale, kind):
    image = ASTRONAUT.resize((256 * scale, 256 * scale), Image.Resampling.LANCZOS)
    box = tuple(scale * edge for edge in BOX)
    (plain, covered), (kept, gone) = measured(
        "mosaic", image, pixelated(image, 10 * scale, box), kind=kind
    )
    assert kept is None
    assert gone
    assert covered > 1.5 * plain


def test_a_chess_board_and_a_fence_are_no_mosaics():
    down, across = np.mgrid[:256, :256] // 16
    board = Image.fromarray(((down + across) % 2 * 200).astype(np.uint8))
    fence = Image.fromarray((across * 37 % 256).astype(np.uint8))
    assert measured("mosaic", board, fence)[1] == [None, None]


def test_shades_on_a_grid_are_a_mosaic_wherever_it_begins():
    shades = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    image = Image.fromarray(np.kron(shades, np.ones((11, 11), np.uint8)))
    for left, top in ((0, 0), (3, 7)):
        (value,), (reason,) = measured("mosaic", image.crop((left, top, 176, 176)))
        assert value > 20
        assert reason


def test_a_picture_too_small_for_a_mosaic_has_none():
    assert measured("mosaic", ASTRONAUT.resize((10, 200)))[0] == [1]


def test_a_blurred_face_is_far_less_sharp_than_the_rest():
    sharp, blur = (sharpness(np.asarray(i.convert("L")), [FACE]) for i in (ASTRONAUT, blurred(3)))
    low = filters["face_blur"]().cut.low
    assert sharp > 3 * low
    assert blur < low / 3


def test_only_the_largest_face_counts_and_small_ones_do_not():
    gray = np.asarray(blurred(3).convert("L"))
    other = FACE * 0.7
    assert sharpness(gray, [other, FACE]) == sharpness(gray, [FACE])
    assert sharpness(gray, [FACE * 0.4]) is None
    assert sharpness(gray, []) is None


def test_a_detector_that_is_not_there_is_said_before_anything_is_measured():
    with pytest.raises(RecipeError, match=r"face_detection_yunet_2023mar\.onnx.*opencv_zoo"):
        filters["face_blur"]().load()


@pytest.mark.weights
@pytest.mark.skipif("DANQING_YUNET" not in os.environ, reason="DANQING_YUNET names no detector")
def test_the_detector_finds_the_face():
    (plain, blur), (kept, gone) = measured(
        "face_blur", ASTRONAUT, blurred(3), detector=Path(os.environ["DANQING_YUNET"])
    )
    assert kept is None
    assert gone
    assert plain > 10 * blur
