"""Positions: golden values of the reference, and no end to them."""

import pytest
import torch
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedLayer3DRope, QwenEmbedRope

from danqing.models.mmdit import Grid
from danqing.models.mmdit.rope import positions, rotation

AXES = (16, 56, 56)


def test_an_odd_side_is_centred_with_one_more_position_before_zero():
    text, image = positions([Grid(1, 83, 83)], 10)
    assert image[0].tolist() == [0, -42, -42]
    assert image[1].tolist() == [0, -42, -41]
    assert image[-1].tolist() == [0, 40, 40]
    assert text[0].tolist() == [41, 41, 41]
    assert text[-1].tolist() == [50, 50, 50]


def test_layers_count_up_and_their_condition_comes_before_them():
    text, image = positions([Grid(1, 40, 40)] * 6, 1, layered=True)
    assert image[:: 40 * 40, 0].tolist() == [0, 1, 2, 3, 4, -1]
    assert text[0].tolist() == [20, 20, 20]


def test_layers_may_be_the_frames_of_one_picture():
    apart = positions([Grid(1, 4, 6)] * 9, 3, layered=True)
    together = positions([Grid(8, 4, 6), Grid(1, 4, 6)], 3, layered=True)
    for one, other in zip(apart, together, strict=True):
        assert torch.equal(one, other)


def test_the_text_starts_beyond_the_largest_picture_and_the_last_layer():
    small, wide = Grid(1, 4, 4), Grid(1, 2, 20)
    assert positions([small, wide], 1)[0][0, 0] == 10
    assert positions([small] * 8, 1)[0][0, 0] == 2
    assert positions([small] * 8, 1, layered=True)[0][0, 0] == 7


@pytest.mark.parametrize("layered", [False, True])
def test_the_rotation_is_that_of_the_reference(layered):
    layout = [Grid(1, 7, 4), Grid(1, 9, 13), Grid(1, 7, 4)]
    rope = QwenEmbedLayer3DRope if layered else QwenEmbedRope
    reference = rope(theta=10_000, axes_dim=list(AXES), scale_rope=True)
    image, text = reference([[tuple(grid) for grid in layout]], max_txt_seq_len=11)
    tokens = sum(grid.tokens for grid in layout)

    got = rotation([layout], 11, tokens, AXES, layered=layered)

    torch.testing.assert_close(got[0, :, 0], torch.cat((text, image)), atol=1e-6, rtol=0)


def test_a_row_each_only_where_layouts_differ():
    one, other = [Grid(1, 3, 3)], [Grid(1, 2, 2)]
    assert len(rotation([one, one], 4, 9, AXES)) == 1
    both = rotation([one, other], 4, 9, AXES)
    assert both[1:, :8].equal(rotation([other], 4, 4, AXES))


def test_the_longest_prompt_and_the_largest_picture_have_positions():
    side = 3584 // 16
    turn = rotation([[Grid(1, side, side)]], 32_768, side**2, AXES)
    assert turn.shape == (1, 32_768 + side**2, 1, 64)
    last = torch.tensor(float(side // 2 + 32_767)).double()
    # The fastest pair of the frame axis turns by one radian per position.
    expected = torch.polar(torch.ones_like(last), last).to(torch.complex64)
    torch.testing.assert_close(turn[0, 32_767, 0, 0], expected, atol=1e-5, rtol=0)
