"""Every filter finds its planted fault, and leaves sound pictures and other faults alone."""

from functools import cache

import numpy as np
import pytest

from danqing.core.errors import SourceError
from danqing.data.filters.base import Batch, Filter, Reads, filters
from danqing.data.filters.text import LANGUAGES
from danqing.data.sources.planted import FAULTS, PLANTS, SOUND, Planted

COLUMNS = ("name", "image", "raw", "recaption", "fused", "trouble")
HERE = {name: filters[name]() for name in filters if name in {p.filter for p in PLANTS.values()}}
READERS = {name: part for name, part in HERE.items() if isinstance(part, Reads)}
ALONE = {n: p for n, p in HERE.items() if isinstance(p, Filter) and n not in READERS}
# Codes, mosaics and letters are as small as in the stages that look for them.
LARGE = {*READERS, "blockiness", "exposure", "bars", "codes", "mosaic"}


def is_large(name):
    return PLANTS[name].filter in LARGE or "sign" in name


def can_read():
    pytest.importorskip("rapidocr", reason="reading needs the extra `eval`")


@cache
def batch(name, count, large=False):
    # Decoding may take off the frame of pixels that a crop at the end of a fault took.
    side, seen = (704, 640) if large or is_large(name) else (288, 256)
    source = Planted(rows=2000, side=side)
    records = [source.record(row, name) for row in range(count)]
    return Batch({column: [getattr(r, column) for r in records] for column in COLUMNS}, seen)


def rows(name):
    return batch(name, 2 if is_large(name) else 4)


def judges(name):
    """Filters whose stage sees pictures of this size."""
    return {n: p for n, p in ALONE.items() if is_large(name) or n not in LARGE}


def drops(part, rows):
    return [part.cut.reason(measured.value) for measured in part.measure(rows)]


UNREAD = [name for name in PLANTS if PLANTS[name].filter not in ("duplicate", *READERS)]


@pytest.mark.parametrize("name", [name for name in UNREAD if name in FAULTS])
def test_a_planted_fault_is_found(name):
    assert all(drops(HERE[PLANTS[name].filter], rows(name)))


@pytest.mark.parametrize("name", [n for n in PLANTS if PLANTS[n].filter in READERS])
def test_a_fault_that_must_be_read_is_found(name):
    can_read()
    assert all(drops(READERS[PLANTS[name].filter], batch(name, 1)))


@pytest.mark.parametrize("name", [name for name in SOUND if "sign" in name])
def test_a_sign_is_kept_and_its_language_known(name):
    can_read()
    seen = batch(name, 2)
    assert not any(reason for part in READERS.values() for reason in drops(part, seen))
    told = [LANGUAGES[int(m.value)] for m in filters["text_language"]().measure(seen)]
    assert told == [PLANTS[name].language] * 2


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_picture_is_left_alone(name):
    found = {part: drops(ALONE[part], rows(name)) for part in judges(name)}
    assert not {part: said for part, said in found.items() if any(said)}


@pytest.mark.parametrize("name", ["sound-sky", "sound-screen"])
def test_a_large_sound_picture_is_left_alone(name):
    seen = batch(name, 2, large=True)
    assert not any(reason for part in ALONE.values() for reason in drops(part, seen))


@pytest.mark.parametrize(
    "name", [name for name in UNREAD if PLANTS[name].filter not in ("broken", "")]
)
def test_a_fault_is_found_by_its_own_filter_alone(name):
    others = set(judges(name)) - {PLANTS[name].filter, *PLANTS[name].also}
    found = {part: drops(ALONE[part], rows(name)) for part in others}
    assert not {part: said for part, said in found.items() if any(said)}


def test_a_picture_depends_on_its_number_alone():
    source = Planted(rows=2000, side=288)
    for name in ("sound-jpeg", "sound-sign-zh", "mosaic-jpeg"):
        first, again = (source.record(7, name) for _ in range(2))
        assert first == again
        assert first != source.record(8, name)


def test_half_of_the_rows_are_sound_and_every_fault_occurs():
    keys = [item.key.partition("-")[2] for item in Planted(rows=200).items()]
    assert sum(key in SOUND for key in keys) == 100
    assert set(keys) == set(PLANTS)


def test_faults_can_be_chosen():
    keys = [item.key.partition("-")[2] for item in Planted(rows=60, filters=("luma",)).items()]
    assert {PLANTS[key].filter for key in keys} == {"", "luma"}
    with pytest.raises(SourceError, match="Did you mean 'luma'"):
        Planted(filters=("lumma",))


def test_measuring_does_not_depend_on_the_rows_beside():
    seen = batch("sound-jpeg", 4)
    one = Batch({name: values[2:3] for name, values in seen.columns.items()}, 256)
    for part in (*ALONE.values(), HERE["duplicate"]):
        if isinstance(part, Filter):
            assert part.measure(seen)[2] == part.measure(one)[0]
        else:
            assert part.sketch(seen)[2] == part.sketch(one)[0]


def test_numbers_are_single_numbers():
    for part in ALONE.values():
        values = [measured.value for measured in part.measure(batch("sound-png", 4))]
        assert all(v is None or np.isfinite(v) for v in values)
