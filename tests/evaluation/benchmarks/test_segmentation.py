"""Masks that are painted, against masks that are true."""

import pytest
from PIL import Image

from danqing.evaluation.benchmarks.segmentation import Segmentation
from danqing.evaluation.harness import run


def painted(box, color="white", ground="black", size=(16, 16)):
    image = Image.new("RGB", size, ground)
    image.paste(color, box)
    return image


@pytest.fixture
def data(tmp_path, listed):
    painted((0, 0, 16, 16), "green").save(tmp_path / "photo.png")
    for name, box in (("left", (0, 0, 8, 16)), ("corner", (0, 0, 4, 4))):
        painted(box).convert("L").save(tmp_path / f"{name}.png")
    told = {"source": "photo.png", "prompt": "paint it white"}
    return listed({**told, "mask": "left.png"}, {**told, "mask": "corner.png"})


def test_a_true_mask_scores_one_and_another_its_overlap(data, tmp_path, painter, rows):
    masks = {"00000": (0, 0, 8, 16), "00001": (0, 0, 4, 8)}
    result = run(Segmentation(data=data), painter(lambda ask: painted(masks[ask.id])), tmp_path)
    found = rows(result)
    assert found["mean IoU"] == 0.75
    assert found["IoU of all pixels"] == (128 + 16) / (128 + 32)


def test_a_missing_picture_counts_as_the_mode_says(data, tmp_path, painter, rows):
    half = painter(lambda ask: painted((0, 0, 8, 16)) if ask.id == "00000" else "no lamp")
    assert rows(run(Segmentation(data=data), half, tmp_path))["mean IoU"] == 0.5
    official = run(Segmentation(data=data, mode="official"), half, tmp_path)
    assert rows(official)["mean IoU"] == 1


def test_a_mask_may_have_another_colour_and_size(data, tmp_path, painter, rows):
    masks = {"00000": (0, 0, 16, 32), "00001": (0, 0, 8, 8)}
    red = painter(lambda ask: painted(masks[ask.id], (250, 10, 5), "green", (32, 32)))
    benchmark = Segmentation(data=data, color=(255, 0, 0), reach=20.0)
    assert rows(run(benchmark, red, tmp_path))["mean IoU"] == 1


def test_nothing_there_and_nothing_found_is_right(data):
    benchmark = Segmentation(data=data)
    assert benchmark.score(benchmark.asks()[0], [{"shared": 0, "either": 0}])[0].value == 1
