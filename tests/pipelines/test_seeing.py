"""What is painted is read, told and written, whoever paints."""

import json
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.core.errors import RequestError
from danqing.data.seeing import example
from danqing.pipelines.seeing import see_boxes, see_classes, see_depth
from danqing.seeing.boxes import Box, show
from danqing.seeing.depth import Scale
from danqing.seeing.manners import manners

WORLD, PLAIN = manners["small_world"](), manners["plain"]()


def ask(task):
    """Return a question in English that training has, and a painter who knows its answer."""
    one = example(task, Random(1), (96, 64), "en")
    return one, lambda instruction, source: one.target


def test_depth_is_an_array_in_metres(tmp_path):
    one, paint = ask("depth")
    seen = see_depth(paint, one.source, WORLD)
    folder = seen.save(tmp_path / "seen")
    metres = np.load(folder / "depth.npy")
    assert (metres.dtype, metres.shape) == (np.float32, (64, 96))
    assert metres == pytest.approx(one.question.metres((96, 64)), rel=0.01)
    told = json.loads((folder / "seen.json").read_text())
    assert (told["task"], told["scale"]["near"], told["unread"]) == ("depth", 2.0, 0)
    with Image.open(folder / "overlay.png") as overlay:
        assert overlay.size == one.source.size
    own = see_depth(paint, one.source, WORLD, Scale(near=1.0, far=3.0)).arrays["depth.npy"]
    assert own == pytest.approx(metres / 2, rel=1e-5)


def test_classes_are_numbers_with_a_legend(tmp_path):
    one, paint = ask("segmentation")
    classes = one.question.classes
    folder = see_classes(paint, one.source, WORLD, classes).save(tmp_path / "seen")
    with Image.open(folder / "labels.png") as image:
        numbers = np.asarray(image)
    truth = one.question.labels((96, 64))
    told = json.loads((folder / "seen.json").read_text())
    assert list(told["legend"]) == ["rest", *classes]
    for name in classes:
        mask = numbers == told["legend"][name]["number"]
        assert (mask == truth.mask(name)).all()
        assert told["legend"][name]["pixels"] == mask.sum() > 0


def test_boxes_are_told_as_json(tmp_path):
    one, paint = ask("detection")
    folder = see_boxes(paint, one.source, WORLD, one.question.classes).save(tmp_path / "seen")
    told = json.loads((folder / "seen.json").read_text())
    wanted = [box.record for box in one.question.boxes((96, 64))]
    assert sorted(map(str, told["boxes"])) == sorted(map(str, wanted))
    assert told["size"] == [96, 64]


def test_plain_models_frame_things_in_the_picture_itself():
    source = Image.new("RGB", (128, 96), "white")
    ImageDraw.Draw(source).rectangle((5, 5, 30, 30), fill=(214, 32, 38))  # red, and no frame
    there = [Box("dog", (60, 20, 110, 80))]
    asked = []

    def paint(instruction, picture):
        asked.append(instruction)
        return show(picture, there, PLAIN.legend(["dog"]))

    seen = see_boxes(paint, source, PLAIN, ["dog"])
    assert seen.record["boxes"] == [there[0].record]
    assert asked == [seen.instruction] == [PLAIN.detection(PLAIN.legend(["dog"]))]


def test_what_cannot_be_read_is_told():
    source = Image.new("RGB", (64, 64), "white")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    for see in (
        lambda paint: see_depth(paint, source, PLAIN),
        lambda paint: see_classes(paint, source, PLAIN, ["dog"]),
        lambda paint: see_boxes(paint, source, PLAIN, ["dog"]),
    ):
        assert see(lambda instruction, picture: noise).record["unread"] > 0


def test_nothing_is_painted_for_classes_that_cannot_be_asked_for():
    with pytest.raises(RequestError, match="classes must be of circle"):
        see_classes(lambda *_: pytest.fail("painted"), Image.new("RGB", (8, 8)), WORLD, ["dog"])
