"""Stage 5: compression, exposure, bars, codes and names on pictures."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.data.filters import Batch, filters
from danqing.data.sources.planted import encode, scene

SCENES = [scene(np.random.default_rng(seed), 320) for seed in range(4)]


def measured(name, *images, kind="PNG", **settings):
    data = [encode(image, kind, **settings) for image in images]
    names = [f"a.{kind.lower()}" for _ in data]
    part = filters[name]()
    found = part.measure(Batch({"image": data, "name": names}, 256))
    return [m.value for m in found], [part.cut.reason(m.value) for m in found]


def test_a_strong_compression_leaves_a_grid():
    squeezed = measured("blockiness", *SCENES, kind="JPEG", quality=8)
    assert all(squeezed[1])
    for quality in (75, 90):
        assert not any(measured("blockiness", *SCENES, kind="JPEG", quality=quality)[1])
    assert not any(measured("blockiness", *SCENES)[1])


@pytest.mark.parametrize(
    ("quality", "usual"), [(90, 1.05), (75, 1.2), (50, 1.4), (30, 1.6), (10, 2.6)]
)
def test_the_grid_grows_as_the_docstring_says(quality, usual):
    values, _ = measured("blockiness", *SCENES, kind="JPEG", quality=quality)
    assert np.median(values) == pytest.approx(usual, rel=0.1)


def test_the_grid_is_found_after_a_crop():
    small = [Image.open(io.BytesIO(encode(s, "JPEG", quality=8))) for s in SCENES]
    cropped = [image.convert("RGB").crop((3, 5, 300, 300)) for image in small]
    assert all(measured("blockiness", *cropped)[1])


@pytest.mark.parametrize("level", [0, 255])
def test_what_is_burnt_out_or_drowned_is_found(level):
    image = SCENES[0].copy()
    image.paste((level,) * 3, (0, 0, image.width, image.height // 2))
    (share,), (reason,) = measured("exposure", image)
    assert share == pytest.approx(0.5, abs=0.05)
    assert reason
    assert not any(measured("exposure", *SCENES)[1])


@pytest.mark.parametrize("upright", [True, False])
def test_bars_at_the_edges_are_found(upright):
    image = SCENES[1].copy()
    pen = ImageDraw.Draw(image)
    width, height = image.size
    if upright:
        pen.rectangle((0, 0, width, height // 10), fill="black")
        pen.rectangle((0, height - height // 10, width, height), fill="black")
    else:
        pen.rectangle((0, 0, width // 5, height), fill="black")
    (share,), (reason,) = measured("bars", image)
    assert share == pytest.approx(0.2, abs=0.02)
    assert reason
    assert not any(measured("bars", *SCENES)[1])


def test_what_is_even_at_an_edge_is_no_bar_unless_it_ends_at_once():
    image = SCENES[1].copy()
    width, height = image.size
    sky = np.asarray(image).copy()
    sky[: height // 2] = np.linspace(120, 200, height // 2)[:, None, None]
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image.resize((width // 3, height // 3)), (width // 3, height // 3))
    assert measured("bars", Image.fromarray(sky), paper)[0] == [0, 0]
    assert measured("bars", Image.new("RGB", image.size, "gray"))[0] == [1]


def test_a_code_is_found():
    code = cv2.QRCodeEncoder.create().encode("https://example.org/a")
    code = Image.fromarray(code).resize((110, 110), Image.Resampling.NEAREST).convert("RGB")
    image = SCENES[2].copy()
    image.paste(code, (40, 60))
    assert measured("codes", image)[1] == ["1 is above 0"]
    assert not any(measured("codes", *SCENES)[1])
