"""A Kronecker product is what it says, at a fraction of its size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.models.lora import Kronecker, LowRank

SIDES = st.integers(1, 6)


@given(SIDES, SIDES, SIDES, SIDES, st.none() | st.integers(1, 3), st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
@torch.no_grad()
def test_a_kronecker_product_is_the_matrix_that_it_never_makes(rows, tall, columns, wide, rank, by):
    draw = torch.Generator().manual_seed(rows + 7 * columns)
    outer = torch.randn(rows, columns, generator=draw)
    up = torch.randn(tall, rank or wide, generator=draw)
    down = torch.randn(rank, wide, generator=draw) if rank else None
    change = Kronecker(outer, up, down, by)
    x = torch.randn(2, 3, columns * wide, generator=draw)
    inner = up if down is None else up @ down
    blocks = torch.cat([torch.cat([a * inner for a in row], dim=1) for row in outer])
    torch.testing.assert_close(change.matrix(), by * blocks)
    torch.testing.assert_close(by * change(x), x @ change.matrix().T, atol=1e-4, rtol=1e-4)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_fresh_change_is_of_the_maps_shape_and_nothing(width, out, rank, factor):
    change = Kronecker.fresh(width, out, rank=rank, alpha=1.0, factor=factor)
    assert not change.matrix().any()
    assert change.matrix().shape == (out, width)
    assert change.outer.any()
    assert max(change.outer.shape) <= factor
    # The parts say less than the matrix, except where sides cannot be split.
    count = sum(part.numel() for part in change.parameters())
    assert count <= out * width + change.outer.numel() + rank * (out + width)
    assert (change.down is None) == (
        rank >= max(change.up.shape[0], width // change.outer.shape[1]) / 2
    )


def test_a_kronecker_product_may_be_of_full_rank_where_a_low_rank_is_not():
    torch.manual_seed(0)
    ranks = []
    for change in (
        LowRank.fresh(64, 64, rank=4, alpha=4.0),
        Kronecker.fresh(64, 64, rank=8, alpha=4.0, factor=8),
    ):
        torch.nn.init.normal_(change.up)
        ranks.append(int(torch.linalg.matrix_rank(change.matrix())))
    assert ranks == [4, 64]


@pytest.mark.parametrize("factor", [16, 5])
def test_published_maps_are_split_evenly(factor):
    change = Kronecker.fresh(3072, 12288, rank=16, alpha=16.0, factor=factor)
    side = {16: 16, 5: 4}[factor]
    assert change.outer.shape == (side, side)
    assert change.up.shape == (12288 // side, 16)
