"""Frames that are painted, or boxes in numbers, against boxes that are true."""

import json

import pytest
from PIL import Image, ImageDraw

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks.detection import Detection
from danqing.evaluation.harness import run

DOG, CAT = (10, 10, 40, 30), (30, 40, 60, 60)


def framed(*frames, ground="gray"):
    image = Image.new("RGB", (64, 64), ground)
    for (left, top, right, bottom), color in frames:
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), None, color, 2)
    return image


@pytest.fixture
def data(tmp_path, listed):
    photo = framed()
    photo.paste("red", (50, 0, 64, 10))
    photo.save(tmp_path / "photo.png")
    boxes = [{"label": "dog", "box": DOG}, {"label": "cat", "box": CAT}]
    colors = {"dog": [255, 0, 0], "cat": [0, 0, 255]}
    return listed({"source": "photo.png", "prompt": "frame", "boxes": boxes, "colors": colors})


def test_frames_of_a_labels_colour_are_its_boxes(data, tmp_path, painter, rows):
    benchmark = Detection(data=data)
    image = framed((DOG, "red"), (CAT, "blue"))
    image.paste("red", (50, 0, 64, 10))
    seen = benchmark.look(benchmark.asks()[0], image)
    # What is red in the source is no frame.
    assert [(b["label"], b["box"], b["confidence"]) for b in seen["boxes"]] == [
        ("dog", [*DOG], 1.0),
        ("cat", [*CAT], 1.0),
    ]
    result = run(benchmark, painter(lambda ask: image), tmp_path)
    assert rows(result) == {"AP .5:.95": 1, "AP .5": 1, "cat": 1, "dog": 1}
    assert "<rect" in (tmp_path / "index.html").read_text()


def test_a_frame_that_is_not_closed_is_less_sure(data):
    image = framed((DOG, "red"))
    image.paste("gray", (12, 28, 38, 30))
    benchmark = Detection(data=data)
    (box,) = benchmark.look(benchmark.asks()[0], image)["boxes"]
    assert box["box"] == [*DOG]
    assert box["confidence"] == pytest.approx(1 - 26 / 100)


def test_a_frame_beside_the_thing_costs_the_strict_overlaps(data, tmp_path, painter, rows):
    shifted = (10, 10, 40, 33)  # IoU 20/23 = .87: right up to .85
    image = framed((shifted, "red"), (CAT, "blue"))
    found = rows(run(Detection(data=data), painter(lambda ask: image), tmp_path))
    assert found == {
        "AP .5:.95": pytest.approx((1 + 0.8) / 2),
        "AP .5": 1,
        "cat": 1,
        "dog": pytest.approx(0.8),
    }


def test_a_missing_picture_counts_as_the_mode_says(data, tmp_path, painter, rows):
    none = painter(lambda ask: "no lamp")
    assert rows(run(Detection(data=data), none, tmp_path))["AP .5"] == 0
    assert rows(run(Detection(data=data, mode="official"), none, tmp_path))["AP .5"] is None


def test_boxes_in_numbers_are_read_beside_the_pictures(data, tmp_path, painter, rows):
    answers = tmp_path / "answers"
    answers.mkdir()
    benchmark = Detection(data=data, answers=answers)
    blank = painter(lambda ask: framed())
    assert rows(run(benchmark, blank, tmp_path))["AP .5"] == 0
    told = [
        {"label": "dog", "box": DOG, "confidence": 0.9},
        {"label": "dog", "box": CAT, "confidence": 0.95},
        {"label": "cat", "box": CAT, "confidence": 0.5},
    ]
    (answers / "00000.json").write_text(json.dumps(told))
    # The surest dog is none: precision is a half wherever the other one is found.
    assert rows(run(benchmark, blank, tmp_path))["AP .5"] == 0.75
    (answers / "00000.json").write_text('[{"label": "dog"}]')
    with pytest.raises(SourceError, match="answers must be lists of label, box and confidence"):
        run(benchmark, blank, tmp_path)


def test_lines_must_say_what_is_there(listed):
    with pytest.raises(SourceError, match="must have a list of boxes, got none in 00000"):
        Detection(data=listed({"source": "a.png", "prompt": "frame"})).asks()


def test_a_picture_with_nothing_to_find_is_right_if_nothing_is_found(data):
    benchmark = Detection(data=data)
    (ask,) = benchmark.asks()
    both = [{"label": "dog", "box": DOG, "confidence": 1.0}]
    scores = benchmark.score(ask, [{"boxes": both, "size": [64, 64]}])
    assert scores[0].value == 0.5
