"""Copies are found, whatever was done to them; others are not."""

import numpy as np
import pytest

from danqing.data.filters import duplicates
from danqing.data.filters.base import Batch, Listed
from danqing.data.filters.duplicates import Duplicate
from danqing.data.sources.planted import PLANTS, Planted, scene

SOURCE = Planted(rows=2000, side=288)
COPIES = [name for name, plant in PLANTS.items() if plant.filter == "duplicate"]
COUNT = 40


def sketches(records):
    columns = {name: [getattr(r, name) for r in records] for name in ("name", "image")}
    return Duplicate().sketch(Batch(columns, 256))


def compare(rows):
    return Duplicate().compare(Listed(rows))


@pytest.fixture(scope="module")
def sound():
    return sketches([SOURCE.record(row, "sound-jpeg") for row in range(COUNT)])


def copies(name):
    rng = np.random.default_rng(5)
    images = [scene(np.random.default_rng((0, row)), SOURCE.side) for row in range(COUNT)]
    return sketches([PLANTS[name].make(rng, image) for image in images])


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found_and_name_their_original(sound, name):
    measured = compare(sound + copies(name))
    pairs = list(zip(measured[:COUNT], measured[COUNT:], strict=True))
    dropped = [[m for m in pair if Duplicate().cut.reason(m.value)] for pair in pairs]
    assert sum(len(pair) == 1 for pair in dropped) >= 0.95 * COUNT
    for row, (_, copy) in enumerate(pairs):
        assert copy.note in (None, f"like row {row}")


def test_different_pictures_are_not_copies(sound):
    assert not any(Duplicate().cut.reason(m.value) for m in compare(sound))


def test_the_larger_picture_stays():
    image = scene(np.random.default_rng(1), 400)
    small = image.resize((image.width // 2, image.height // 2))
    records = [PLANTS["sound-png"].make(np.random.default_rng(0), i) for i in (small, image)]
    first, second = compare(sketches(records))
    assert first.note == "like row 1"
    assert second.value == 0


def test_one_of_many_alike_stays():
    record = SOURCE.record(3, "sound-jpeg")
    measured = compare(sketches([record] * 300))
    kept = [m for m in measured if not Duplicate().cut.reason(m.value)]
    assert len(kept) == 1


def test_what_is_in_memory_together_changes_nothing(sound, monkeypatch):
    rows = [*sound, None, *copies("duplicate-cropped"), *copies("duplicate-encoded")]
    whole = [m.value for m in compare(rows)]
    monkeypatch.setattr(duplicates, "_BLOCK", 3)
    monkeypatch.setattr(duplicates, "_GATHERED", 8)
    few = [m.value for m in compare(rows)]
    assert few == pytest.approx(whole, abs=1e-5)


def test_colour_tells_apart_what_has_the_same_shapes():
    thumbnails = np.full((2, 36, 36, 3), 128, np.uint8)
    thumbnails[0, 10:20, 10:20] = 200, 60, 60
    thumbnails[1, 10:20, 10:20] = 60, 130, 60
    _, green = compare([bytes(8) + thumbnail.tobytes() for thumbnail in thumbnails])
    assert green.value < 0.9


def test_rows_without_a_picture_are_left_out(sound):
    measured = compare([None, sound[0], None, sound[0]])
    assert [m.value is None for m in measured] == [True, False, True, False]
    assert measured[3].note == "like row 1"


def test_nothing_is_like_nothing():
    assert compare([]) == []
    assert compare([None])[0].value is None
