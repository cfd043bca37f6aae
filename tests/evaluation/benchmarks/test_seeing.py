"""What is seen by painting, painted by the renderer instead of a model."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from danqing.data.seeing import asked
from danqing.evaluation.benchmarks.seeing import Seeing
from danqing.evaluation.harness import digest, run

SMALL = Seeing(per_category=2, seeds=1)
TASKS = ("depth", "segmentation", "detection", "viewpoint")


def truth(ask):
    return asked(ask.category, ask.data).pictures((256, 256))[1]


def unchanged(ask):
    with Image.open(ask.sources[0]) as source:
        return source.convert("RGB")


def test_the_truth_scores_one_and_the_source_itself_less(tmp_path, painter, rows):
    found = run(SMALL, painter(truth), tmp_path / "true")
    assert rows(found) == dict.fromkeys((*TASKS, "AP .5", "macro average"), 1)
    told = {row["name"]: row["more"] for row in found["table"]["rows"]}
    assert told["depth"]["abs_rel"] < 0.01
    assert told["segmentation"]["unread"] == 0
    copied = rows(run(SMALL, painter(unchanged, "copier"), tmp_path / "copied"))
    assert copied["segmentation"] < 0.5
    assert copied["depth"] < 0.8  # fog is white as well
    assert copied["AP .5"] < 0.5
    assert copied["viewpoint"] == 0


def test_a_picture_that_is_not_there_is_wrong(tmp_path, painter, rows):
    found = run(SMALL, painter(lambda ask: "no lamp"), tmp_path)
    assert rows(found)["macro average"] == 0
    assert len(found["missing"]) == 8


def test_empty_rooms_have_the_depth_of_few_of_their_things():
    told = []
    for ask in Seeing(categories=("depth",), per_category=6).asks():
        question = asked("depth", ask.data)
        empty = replace(question, room=replace(question.room, things=()))
        details = SMALL.look(ask, empty.pictures((256, 256))[1])["details"]
        told.append((details["of_things"], details["delta1"]))
    of_things, whole = np.mean(told, axis=0)
    assert of_things < whole - 0.2


def test_depth_that_is_a_third_too_far_is_wrong_and_a_tenth_is_right():
    (ask,) = Seeing(categories=("depth",), per_category=1).asks()
    shown = np.asarray(truth(ask), float)
    for factor, right in ((1.33, False), (1.1, True)):
        off = 255 * np.log(factor) / np.log(3)
        image = Image.fromarray(np.rint(np.clip(shown + off, 0, 255)).astype(np.uint8))
        seen = SMALL.look(ask, image)
        # The wall may be as far as can be shown, and nothing is further.
        assert (seen["details"]["delta1"] > 0.99) == right


def test_a_missing_box_and_one_too_many_cost_as_much():
    asks = Seeing(categories=("detection",), per_category=12).asks()
    ask = next(a for a in asks if len(asked("detection", a.data).boxes((256, 256))) == 2)
    boxes = asked("detection", ask.data).boxes((256, 256))
    blank = np.asarray(truth(ask)).copy()
    left, top, right, bottom = boxes[0].box
    blank[top:bottom, left:right] = (176, 176, 176)
    assert SMALL.look(ask, Image.fromarray(blank))["value"] == 0.5


def test_answers_of_another_size_are_read_at_the_size_of_the_scene():
    for task in TASKS:
        (ask,) = Seeing(categories=(task,), per_category=1).asks()
        large = truth(ask).resize((512, 512), Image.Resampling.NEAREST)
        assert SMALL.look(ask, large)["value"] > 0.98


def test_references_tell_truth_luck_and_ceiling_apart():
    found = SMALL.references(lambda image: Image.new("RGB", image.size, "gray"))
    assert set(found) == set(TASKS)
    for task, row in found.items():
        assert row["oracle"] == pytest.approx(1, abs=1e-3), task
        assert row["floor"] < 1
        assert row["ceiling"] < 1


def test_prompts_are_different_and_the_same_every_time():
    asks = SMALL.asks()
    assert len({ask.id for ask in asks}) == len(asks) == 8
    assert digest(asks) == digest(SMALL.asks())
    assert {ask.language for ask in asks} == {"en", "zh"}
    assert not {a.id for a in asks} & {a.id for a in replace(SMALL, part="dev").asks()}
    assert (Seeing().per_category, Seeing().seeds) == (40, 2)
