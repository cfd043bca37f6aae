"""Batches are of one size, use every row as often as asked, and follow from their number."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.errors import RecipeError
from danqing.data.buckets import Deal, scales


def deal(count=100, kinds=3, room=(4, 4, 4), seed=0, times=None):
    buckets = np.arange(count) % kinds
    return Deal(buckets, np.ones(count) if times is None else times, room, seed), buckets


@given(count=st.integers(1, 200), kinds=st.integers(1, 4), size=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_an_epoch_has_every_row_and_each_batch_one_bucket_and_its_length(count, kinds, size):
    dealt, buckets = deal(count, kinds, (size,) * kinds)
    batches = [dealt[step] for step in range(dealt.batches)]
    assert all(len(batch) == size and len(set(buckets[batch])) == 1 for batch in batches)
    assert set(np.concatenate(batches)) == set(range(count))


def test_epochs_deal_anew_and_seeds_deal_otherwise():
    dealt, _ = deal()
    first = np.concatenate([dealt[step] for step in range(dealt.batches)])
    second = np.concatenate([dealt[dealt.batches + step] for step in range(dealt.batches)])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:4], deal(seed=1)[0][0])


def test_a_batch_follows_from_its_number_alone():
    forwards, _ = deal()
    wanted = [forwards[step] for step in range(40)]
    backwards, _ = deal()
    for step in reversed(range(40)):
        assert np.array_equal(backwards[step], wanted[step])


def test_any_number_of_ranks_share_the_same_batches():
    dealt, _ = deal(room=(8, 8, 8))
    for step in range(10):
        for ranks in (1, 2, 4, 8):
            shares = [dealt[step][rank::ranks] for rank in range(ranks)]
            assert sorted(np.concatenate(shares)) == sorted(dealt[step])
            assert {len(share) for share in shares} == {8 // ranks}


def test_rows_come_as_often_as_asked():
    times = np.repeat([0.0, 0.5, 1.0, 3.0], 100)
    dealt = Deal(np.zeros(400, int), times, (5,), 0)
    epochs = 8
    count = Counter(int(e) for step in range(epochs * dealt.batches) for e in dealt[step])
    share = [sum(count[e] for e in range(k * 100, k * 100 + 100)) / 100 / epochs for k in range(4)]
    assert share == pytest.approx([0, 0.5, 1, 3], abs=0.01)
    assert dealt.batches == 90


def test_nothing_to_deal_is_said():
    with pytest.raises(RecipeError, match="must have rows to train on"):
        Deal(np.zeros(0, int), np.zeros(0), (4,), 0)


def test_scales_have_the_ratios_of_the_report_and_about_one_area():
    (scale,) = scales(["640p"], 16)
    assert scale.sizes[0] == (640, 640)
    assert len(scale.sizes) == 9
    for width, height in scale.sizes:
        assert width % 16 == height % 16 == 0
        assert width * height == pytest.approx(640**2, rel=0.06)


def test_sizes_told_one_by_one_are_one_scale():
    first, second = scales(["256x256", "640p", "288x224"], 32)
    assert first.name == "640p"
    assert second.sizes == ((256, 256), (288, 224))


def test_a_picture_falls_into_the_nearest_ratio_and_is_not_enlarged():
    (scale,) = scales(["640p"], 16)
    assert scale.bucket(4000, 3000) == (736, 560)
    assert scale.bucket(640, 640) == (640, 640)
    assert scale.bucket(639, 640) is None
    assert scale.bucket(9000, 1000) is not None


@pytest.mark.parametrize(
    ("sizes", "said"),
    [(["640"], "like 640p"), ([], "at least one"), (["250x256"], "multiples of 32")],
)
def test_sizes_that_make_no_sense_are_refused(sizes, said):
    with pytest.raises(RecipeError, match=said):
        scales(sizes, 32)
