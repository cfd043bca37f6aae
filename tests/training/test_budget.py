"""More work takes more of everything; what is divided is divided, and changes help."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.errors import RequestError
from danqing.models.lora import LowRank
from danqing.models.mmdit import MMDiTConfig
from danqing.training.budget import Budget, Devices, Training, changes, cheapest
from danqing.training.sizes import Network, Sample

GB = 10**9


def fresh(width, out):
    return LowRank.fresh(width, out, 16, 16.0)


LAYERS = r"blocks\..*\.(to_|mlp\.)"
WHOLE, LORA = Network(MMDiTConfig()), Network(MMDiTConfig(), fresh, LAYERS)
SMALL = MMDiTConfig(depth=3)
READER = 7 * 10**9
DEVICE = Devices(memory=80 * GB)


def run(network=WHOLE, **settings):
    told = {"sample": Sample(image=1600, text=200), "batch": 8, "reader": READER, "reads": True}
    return Training(network=network, **(told | settings))


def budget(run, **devices):
    return Budget(run=run, devices=replace(DEVICE, **devices))


@given(
    st.integers(1, 64),
    st.integers(16, 7000),
    st.sampled_from([Network(SMALL), Network(SMALL, fresh, LAYERS)]),
)
@settings(max_examples=25, deadline=None)
def test_more_pictures_and_larger_ones_take_more(batch, image, network):
    one = budget(run(network, batch=batch, sample=Sample(image=image, text=100)))
    for more in ({"batch": batch + 1}, {"sample": Sample(image=image + 64, text=100)}):
        other = budget(replace(one.run, **more))
        assert other.rows["activations"] > one.rows["activations"]
        assert other.peak >= one.peak
        assert other.run.batch / other.rate > one.run.batch / one.rate
    assert budget(replace(one.run, recompute=1.0)).peak <= one.peak
    assert budget(replace(one.run, recompute=1.0)).rate < one.rate


@given(st.sampled_from(["shard", "tensor"]), st.integers(1, 5))
@settings(max_examples=10, deadline=None)
def test_what_learns_is_halved_by_twice_the_devices(kind, power):
    one, two = (budget(run(), **{kind: 2**p}) for p in (power, power + 1))
    for row in ("weights that learn", "float32 masters", "optimizer", "average", "gradients"):
        assert two.rows[row] == one.rows[row] / 2
    assert two.piece == (one.piece + 1) // 2 if kind == "shard" else one.piece


@pytest.mark.parametrize("kind", ["tensor", "context", "shard", "replicate"])
def test_each_way_to_share_takes_less_activations_and_is_faster(kind):
    one, two = budget(run()), budget(run(), **{kind: 2})
    assert two.rows["activations"] < one.rows["activations"]
    assert two.rate > one.rate
    assert not one.sent
    assert sum(two.sent.values()) > 0


def test_adam_with_all_weights_is_22_bytes_a_number_beside_the_reader():
    """Two of a copy, four each of master, gradient and average, eight of the moments."""
    rows = budget(run()).rows
    kinds = ("weights that learn", "float32 masters", "optimizer", "average", "gradients")
    assert sum(rows[kind] for kind in kinds) == 22 * WHOLE.learned
    assert rows["frozen weights"] == 2 * READER
    muon = budget(run(matrices=LAYERS)).rows
    moved = 2 * 60 * 12 * 3072**2
    assert muon["optimizer"] == 8 * WHOLE.learned - 4 * moved


def test_frozen_weights_may_be_small_or_elsewhere():
    plain, packed, streamed = (
        budget(run(LORA, base=base, batch=1)) for base in ("plain", "packed", "streamed")
    )
    held = [one.rows["frozen weights"] for one in (plain, packed, streamed)]
    assert held[0] == 2 * (LORA.frozen + READER)
    # Modulations and the text encoder do not stay.
    kept = 2 * (LORA.frozen - LORA.steering) * 10.95 / 16
    assert held[1] == pytest.approx(kept + 2 * LORA.largest)
    assert held[2] == 2 * LORA.largest
    assert plain.rate > packed.rate > streamed.rate


def test_the_cheapest_change_is_the_fastest_that_fits():
    lora = budget(run(LORA, batch=1), memory=24 * GB)
    change, then = cheapest(lora)
    assert not lora.fits
    assert then.fits
    assert change == "recompute = 1 and a packed base"
    assert all(not one.fits or one.rate <= then.rate for _, one in changes(lora))
    # Decoding for each of many pieces takes longer than reading once for all.
    change, _ = cheapest(budget(run(LORA, batch=4), memory=24 * GB))
    assert change == "recompute = 1 and a streamed base"


def test_where_no_change_helps_more_devices_do():
    change, then = cheapest(budget(run()))
    assert change == "shard = 8"
    assert then.fits
    assert not budget(run(), shard=4).fits
    assert cheapest(budget(run(LORA, batch=1), memory=10**6)) is None


def test_several_pieces_hold_their_gradients_beside_activations():
    one, two = budget(run(batch=2)), budget(run(batch=2, accumulate=2))
    assert two.rows["activations"] == one.rows["activations"] / 2
    turns = [sum(b.rows[k] for k in ("activations", "gradients")) for b in (one, two)]
    assert two.peak == sum(two.rows.values())
    assert one.peak < sum(one.rows.values())
    assert turns[0] > turns[1]


def test_there_is_no_half_of_nothing():
    with pytest.raises(RequestError, match=r"shard must be above 0, got 0"):
        replace(DEVICE, shard=0)
