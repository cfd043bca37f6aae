"""The fastest way that fits, or the smallest one and the truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.memory.plan import Machine, Part, make_plan

GB = 10**9
QWEN = [
    Part(name="transformer", plain=27 * GB, packed=18 * GB, largest=75 * 10**6, uses=50),
    Part(name="modulations", plain=14 * GB, packed=9 * GB, largest=113 * 10**6, uses=1),
    Part(name="text encoder", plain=13 * GB, packed=9 * GB, largest=136 * 10**6, uses=2),
    Part(name="vae", plain=GB // 4, packed=None, largest=7 * 10**6, uses=1),
]


def ways(plan):
    return {place.part.name: place.way for place in plan.places}


def test_a_card_of_24_gb_keeps_the_compressed_transformer_and_streams_what_is_used_once():
    plan = make_plan(QWEN, Machine(device=24 * GB, host=64 * GB, decode=400e9), reserve=2 * GB)
    assert plan.fits
    assert ways(plan) == {
        "transformer": "compressed",
        "modulations": "streamed from host",
        "text encoder": "streamed from host",
        "vae": "plain",
    }
    assert plan.room == 136 * 10**6


def test_with_room_for_all_nothing_is_decoded():
    plan = make_plan(QWEN, Machine(device=80 * GB, host=64 * GB), reserve=2 * GB)
    assert set(ways(plan).values()) == {"plain"}
    assert plan.seconds == plan.room == 0


def test_without_a_host_s_memory_things_come_from_disk():
    plan = make_plan(QWEN, Machine(device=22 * GB), reserve=GB)
    assert ways(plan)["text encoder"] == "streamed from disk"
    assert ways(plan)["transformer"] == "compressed"


def test_a_cap_counts_as_all_there_is():
    machine = Machine(device=80 * GB, host=64 * GB)
    capped = make_plan(QWEN, machine, reserve=GB, cap=24 * GB)
    assert capped.peak <= 24 * GB
    assert make_plan(QWEN, machine, GB, cap=100 * GB).machine.device == 80 * GB


def test_what_does_not_fit_is_said_with_what_it_takes():
    plan = make_plan(QWEN, Machine(device=2 * GB), reserve=3 * GB)
    assert not plan.fits
    assert plan.sentence() == "does not fit: it takes at least 3.1 GB and 2.0 GB are free"


def test_the_plan_is_one_sentence_and_one_table():
    plan = make_plan(QWEN, Machine(device=24 * GB, host=64 * GB, decode=400e9), reserve=2 * GB)
    assert plan.sentence().startswith("fits in 20.4 GB of 24.0 GB free: transformer compressed; ")
    assert "modulations and text encoder streamed from host" in plan.sentence()
    lines = plan.table().splitlines()
    assert len(lines) == 1 + len(QWEN) + 3
    assert lines[-1].split()[:2] == ["all", "20.39"]


PARTS = st.builds(
    Part,
    name=st.just("part"),
    plain=st.integers(1, 100),
    packed=st.none() | st.integers(1, 70),
    largest=st.integers(1, 5),
    uses=st.integers(1, 50),
)


@given(
    parts=st.lists(PARTS, min_size=1, max_size=3),
    device=st.integers(1, 300),
    more=st.integers(0, 100),
    host=st.none() | st.integers(0, 300),
    reserve=st.integers(0, 50),
)
def test_more_memory_never_makes_it_slower_and_what_fits_fits(parts, device, more, host, reserve):
    small = make_plan(parts, Machine(device=device, host=host), reserve)
    large = make_plan(parts, Machine(device=device + more, host=host), reserve)
    if small.fits:
        assert small.peak <= device
        assert large.fits
        assert large.seconds <= small.seconds
    else:
        assert small.peak > device or host == 0 or small.peak >= reserve


@pytest.mark.parametrize("uses", [1, 50])
def test_the_part_that_is_used_more_is_kept(uses):
    parts = [
        Part(name="a", plain=10, packed=7, largest=1, uses=uses),
        Part(name="b", plain=10, packed=7, largest=1, uses=51 - uses),
    ]
    plan = make_plan(parts, Machine(device=13, decode=1.0, disk=1.0), reserve=0)
    assert ways(plan)["a" if uses == 50 else "b"] == "plain"


def test_what_must_be_plain_is_kept_plain_or_nothing_fits():
    control = Part(name="control", plain=4 * GB, largest=10**8, uses=50, fixed=True)
    plan = make_plan([*QWEN, control], Machine(device=28 * GB, host=64 * GB), reserve=GB)
    assert plan.fits
    assert ways(plan)["control"] == "plain"
    assert not make_plan([*QWEN, control], Machine(device=4 * GB, host=64 * GB), reserve=GB).fits
