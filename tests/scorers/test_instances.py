"""Things with masks: the library's, all of them, and the same again from a file."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoImageProcessor, Mask2FormerForUniversalSegmentation

from danqing.core.errors import RecipeError, StorageError
from danqing.scorers.chat.base import digest
from danqing.scorers.instances import (
    Detector,
    Instance,
    Mask2Former,
    Replay,
    _packed,
    _unpacked,
    detectors,
)


def pictures():
    dice = np.random.default_rng(0)
    return [
        Image.fromarray(dice.integers(0, 256, (h, w, 3), np.uint8)) for h, w in ((50, 70), (64, 40))
    ]


def test_all_is_told_with_masks_boxes_and_the_network_s_own_confidences(detector):
    found = detector.detect(pictures())
    network = Mask2FormerForUniversalSegmentation.from_pretrained(detector.model).eval()
    process = AutoImageProcessor.from_pretrained(detector.model)
    for image, things in zip(pictures(), found, strict=True):
        with torch.inference_mode():
            told = network(**process(images=image, return_tensors="pt"))
        chances = told.class_queries_logits[0].softmax(-1)[:, :-1]
        assert 0 < len(things) <= 9
        sure = [thing.confidence for thing in things]
        assert sure == sorted(sure, reverse=True)
        # A confidence is a kind's probability times the mean probability of the mask's pixels.
        assert all(0 <= value <= float(chances.max()) + 1e-5 for value in sure)
        for thing in things:
            assert thing.label in ("person", "clock", "cat")
            assert thing.mask.shape == image.size[::-1]
            left, top, right, bottom = map(int, thing.box)
            inside = thing.mask[top:bottom, left:right]
            assert inside.sum() == thing.mask.sum()
            edges = inside[0], inside[-1], inside[:, 0], inside[:, -1]
            assert all(edge.any() for edge in edges)


def test_masks_may_overlap(detector):
    (things, _) = detector.detect(pictures())
    total = np.sum([thing.mask for thing in things], axis=0)
    assert total.max() > 1


def same(a, b):
    return [(t.label, t.confidence, t.box) for t in a] == [
        (t.label, t.confidence, t.box) for t in b
    ] and all(np.array_equal(s.mask, t.mask) for s, t in zip(a, b, strict=True))


def test_what_was_found_is_found_again(detector, tmp_path):
    found = detector.detect(pictures())
    path = tmp_path / "found.jsonl"
    filling = Replay(path=path, detector=detector)
    assert all(map(same, filling.detect(pictures()), found))
    assert all(map(same, filling.detect(pictures()), found))
    assert len(path.read_text().splitlines()) == 2
    replay = Replay(path=path)
    assert all(map(same, replay.detect(pictures()), found))
    assert replay.identity == detector.identity
    with pytest.raises(RecipeError, match="must hold what every picture shows"):
        replay.detect([Image.new("RGB", (4, 4))])
    assert isinstance(replay, Detector)
    assert isinstance(detector, Detector)
    assert {"mask2former", "replay"} <= set(detectors)


def line(**changes):
    thing = {"label": "cat", "confidence": 0.4, "box": [1, 1, 3, 2], "mask": [5, 2, 5]}
    picture = digest(Image.new("RGB", (4, 3)))
    whole = {"picture": picture, "size": [4, 3], "who": {"model": "hand"}}
    return whole | {"things": [thing | changes, thing | {"confidence": 1, "mask": None}]}


def test_a_file_may_be_written_by_hand(tmp_path):
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps(line()) + "\n")
    (things,) = Replay(path=path).detect([Image.new("RGB", (4, 3))])
    assert [thing.confidence for thing in things] == [1, 0.4]
    assert things[0].mask is None
    assert np.argwhere(things[1].mask).tolist() == [[1, 1], [1, 2]]


@pytest.mark.parametrize(
    "bad",
    [
        {"label": 3}, {"confidence": 1.5}, {"confidence": float("nan")}, {"confidence": None},
        {"box": [1, 2, 3]}, {"box": [1, 2, 3, "x"]}, {"box": [0, 0, 1, float("inf")]},
        {"mask": [5, 2]}, {"mask": [-1, 13]}, {"mask": []}, {"mask": ["a"]}, {"mask": 7},
    ],
)  # fmt: skip
def test_damage_is_said_with_its_line(tmp_path, bad):
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps(line(**bad)) + "\n")
    with pytest.raises(StorageError, match=r"line 1 of .* take that line out"):
        Replay(path=path).detect([Image.new("RGB", (4, 3))])


def test_another_detector_s_finds_are_not_taken_for_ones_own(detector, tmp_path):
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps(line()) + "\n")
    Replay(path=path, detector=detector).detect([Image.new("RGB", (4, 3))])
    assert len(path.read_text().splitlines()) == 2
    with pytest.raises(RecipeError, match="what one detector found, got 2"):
        Replay(path=path).detect([Image.new("RGB", (4, 3))])


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(RecipeError, match="must be on this machine or on the hub"):
        Mask2Former(model=str(tmp_path / "none")).detect(pictures())
    with pytest.raises(RecipeError, match="got 0"):
        Replay(path=tmp_path / "none.jsonl").detect(pictures())


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_masks_are_packed_without_loss(height, width, seed):
    mask = np.random.default_rng(seed).random((height, width)) < seed % 5 / 4
    runs = _packed(mask)
    assert np.array_equal(_unpacked(runs, height, width), mask)
    assert sum(runs) == mask.size


def test_instances_are_told_apart_by_being():
    assert Instance("cat", 0.5, (0.0, 0.0, 1.0, 1.0)) != Instance("cat", 0.5, (0.0, 0.0, 1.0, 1.0))
