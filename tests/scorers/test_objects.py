"""Recordings give back what was recorded, of that very picture."""

import json

import pytest
from PIL import Image

from danqing.core.config import parse
from danqing.core.errors import SourceError
from danqing.scorers.objects import Recorded, Thing, object_detectors, thing
from danqing.scorers.recording import fingerprint

DOG = Thing("dog", 0.8, (1.0, 2.0, 30.0, 40.0), "brown")


def test_a_thing_goes_into_plain_data_and_back():
    assert thing(json.loads(json.dumps(DOG.record))) == DOG


def test_a_picture_is_known_by_its_pixels_alone(tmp_path):
    image = Image.new("RGB", (8, 4), "red")
    image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as again:
        assert fingerprint(again) == fingerprint(image)
    assert fingerprint(image.resize((4, 8))) != fingerprint(image)


def test_a_recording_is_replayed(tmp_path):
    image = Image.new("RGB", (8, 4), "red")
    path = tmp_path / "found.json"
    path.write_text(json.dumps({fingerprint(image): [DOG.record]}))
    detector = parse(Recorded, {"path": str(path)})
    assert detector.find(image) == [DOG]
    assert object_detectors["recorded"] is Recorded
    assert detector.identity.startswith("recorded ")
    with pytest.raises(SourceError, match="must have been recorded, got an unknown one"):
        detector.find(image.resize((4, 4)))
    with pytest.raises(SourceError, match="must be files of JSON"):
        Recorded(path=tmp_path / "none").find(image)
