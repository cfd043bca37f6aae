"""Every filter finds its planted fault, and leaves sound pictures alone."""

from functools import cache

import numpy as np
import pytest

from danqing.data.filters.base import Batch, Filter, filters
from danqing.data.sources.planted import FAULTS, PLANTS, SOUND, Planted

SOURCE = Planted(rows=2000, side=288)
COLUMNS = ("name", "image", "raw", "recaption", "fused", "trouble")
HERE = [name for name in filters if name in {plant.filter for plant in PLANTS.values()}]
ALONE = [name for name in HERE if isinstance(filters[name](), Filter)]


@cache
def batch(name, count):
    records = [SOURCE.record(row, name) for row in range(count)]
    return Batch({column: [getattr(r, column) for r in records] for column in COLUMNS}, 256)


def drops(part, rows):
    return [part.cut.reason(measured.value) for measured in part.measure(rows)]


@pytest.mark.parametrize("name", [name for name in FAULTS if "duplicate" not in name])
def test_a_planted_fault_is_found(name):
    part = filters[PLANTS[name].filter]()
    assert all(drops(part, batch(name, 4)))


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("part", ALONE)
def test_a_sound_picture_is_left_alone(name, part):
    assert not any(drops(filters[part](), batch(name, 4)))


@pytest.mark.parametrize("name", [n for n in FAULTS if PLANTS[n].filter not in ("broken",)])
def test_a_fault_is_found_by_its_own_filter_alone(name):
    rows = batch(name, 4)
    others = set(ALONE) - {PLANTS[name].filter, *PLANTS[name].also}
    found = {part: drops(filters[part](), rows) for part in others}
    assert not {part: said for part, said in found.items() if any(said)}


def test_a_picture_depends_on_its_number_alone():
    first, again = (SOURCE.record(7, "sound-jpeg") for _ in range(2))
    assert first == again
    assert first != SOURCE.record(8, "sound-jpeg")


def test_half_of_the_rows_are_sound_and_every_fault_occurs():
    keys = [item.key.partition("-")[2] for item in Planted(rows=200).items()]
    assert sum(key in SOUND for key in keys) == 100
    assert set(keys) == set(PLANTS)


def test_measuring_does_not_depend_on_the_rows_beside():
    rows = batch("sound-jpeg", 4)
    one = Batch({name: values[2:3] for name, values in rows.columns.items()}, 256)
    for name in HERE:
        part = filters[name]()
        if isinstance(part, Filter):
            assert part.measure(rows)[2] == part.measure(one)[0]
        else:
            assert part.sketch(rows)[2] == part.sketch(one)[0]


def test_numbers_are_single_numbers():
    rows = batch("sound-png", 4)
    for name in HERE:
        part = filters[name]()
        if isinstance(part, Filter):
            values = [measured.value for measured in part.measure(rows)]
            assert all(v is None or np.isfinite(v) for v in values)
