"""What holds for any weights: samples do not touch each other, padding does not count."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from danqing.models.mmdit import Branch, Grid, MMDiT, MMDiTConfig

SAMPLES = [
    ([Grid(1, 4, 4)], 7),
    ([Grid(1, 3, 5), Grid(1, 6, 2)], 3),
    ([Grid(1, 5, 5), Grid(1, 2, 2), Grid(1, 3, 3)], 5),
]


def draw(layout, length):
    return torch.randn(1, sum(grid.tokens for grid in layout), 16), torch.randn(1, length, 24)


def batch(samples):
    """Return tokens and text, padded with noise, and their masks."""
    stacked = []
    for rows in zip(*samples, strict=True):
        longest = max(row.shape[1] for row in rows)
        padded = [
            torch.cat((row, torch.randn(1, longest - row.shape[1], row.shape[2])), dim=1)
            for row in rows
        ]
        lengths = torch.tensor([[row.shape[1]] for row in rows])
        stacked += [torch.cat(padded), torch.arange(longest) < lengths]
    return stacked


@pytest.mark.parametrize(
    "variant",
    [{}, {"zero_cond_t": True}, {"layered": True, "addition_t_cond": True}],
    ids=lambda variant: "+".join(variant) or "plain",
)
@torch.no_grad()
def test_each_sample_of_a_mixed_batch_gives_what_it_gives_alone(twins, small, variant):
    _, network = twins(replace(small, **variant))
    samples = [draw(*sample) for sample in SAMPLES]
    layouts = [layout for layout, _ in SAMPLES]
    sigma = torch.tensor([1.0, 0.5, 0.1])
    addition = torch.tensor([0, 1, 0]) if "addition_t_cond" in variant else None
    tokens, token_mask, text, text_mask = batch(samples)

    together = network(tokens, text, sigma, layouts, text_mask, token_mask, addition)

    for k, (alone, words) in enumerate(samples):
        flag = None if addition is None else addition[k : k + 1]
        expected = network(alone, words, sigma[k : k + 1], [layouts[k]], addition=flag)
        got = together[k : k + 1, : alone.shape[1]]
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_the_loss_of_a_sample_does_not_reach_padding_or_other_samples(network):
    layouts = [layout for layout, _ in SAMPLES]
    tokens, token_mask, text, text_mask = batch([draw(*sample) for sample in SAMPLES])
    tokens.requires_grad_()
    text.requires_grad_()
    sigma = torch.tensor([1.0, 0.5, 0.1], requires_grad=True)

    velocity = network(tokens, text, sigma, layouts, text_mask, token_mask)
    velocity[1][token_mask[1]].square().sum().backward()

    for x, mask in ((tokens, token_mask), (text, text_mask)):
        reached = x.grad.abs().sum(-1) > 0
        assert reached[1].equal(mask[1])
        assert not reached[[0, 2]].any()
    assert (sigma.grad != 0).tolist() == [False, True, False]


@torch.no_grad()
def test_one_sigma_and_one_layout_serve_a_whole_batch(network):
    layout = [Grid(1, 3, 4)]
    tokens, text = torch.randn(3, 12, 16), torch.randn(3, 5, 24)

    shared = network(tokens, text, torch.tensor([0.4]), [layout])
    repeated = network(tokens, text, torch.tensor([0.4] * 3), [layout] * 3)

    torch.testing.assert_close(shared, repeated, atol=1e-5, rtol=0)


def test_an_untrained_network_says_nothing_and_can_learn(small):
    torch.manual_seed(0)
    network = MMDiT(small)
    layout = [Grid(1, 3, 4)]
    tokens, text, sigma = torch.randn(2, 12, 16), torch.randn(2, 5, 24), torch.tensor([0.4, 0.9])
    assert not network(tokens, text, sigma, [layout]).any()

    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(4):  # gates open one after the other, from the output backwards
        optimizer.zero_grad()
        (network(tokens, text, sigma, [layout]) - tokens).square().mean().backward()
        optimizer.step()

    weights = network.named_parameters()
    still = {name for name, weight in weights if weight.grad is None or not weight.grad.any()}
    # Nothing reads the text stream after the last attention.
    last = f"blocks.{small.depth - 1}.text."
    unread = ("to_q.", "norm_q.", "to_out.", "mlp.")
    assert all(name.removeprefix(last).startswith(unread) for name in still), still


@torch.no_grad()
def test_float16_stays_finite_where_a_stream_overflows(small):
    block = MMDiT(small).blocks[0].half()
    block.image.modulate.bias.view(6, -1)[5] = 1  # open the gate of the MLP
    block.image.mlp.down.bias.fill_(60_000)
    image = torch.full((1, 4, small.width), 60_000.0).half()
    rotation = torch.ones(1, 5, 1, small.head_dim // 2, dtype=torch.complex64)

    steering = block.steer(torch.zeros(1, 1, small.width).half())
    _, (image,) = block([image[:, :1]], [image], steering, [rotation], [None], [None])

    assert image.isfinite().all()
    assert image.max() == 65504


def test_the_published_network_has_the_published_size():
    with torch.device("meta"):
        weights = MMDiT(MMDiTConfig()).state_dict()
    assert len(weights) == 1_933
    assert sum(weight.numel() for weight in weights.values()) == 20_430_401_088


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("variant", [{}, {"zero_cond_t": True}])
@torch.no_grad()
def test_branches_give_bit_for_bit_what_each_gives_alone_with_steering_made_before(
    twins, small, variant, dtype
):
    _, network = twins(replace(small, **variant))
    network = network.to(dtype)
    sigma = torch.tensor([0.7])
    steering = network.steer(sigma)
    branches = []
    for layout, length in SAMPLES:
        tokens, text = draw(layout, length)
        branches.append(Branch(tokens.to(dtype), text.to(dtype), [layout]))
    for branch, got in zip(branches, network.side_by_side(branches, steering), strict=True):
        assert torch.equal(got, network(branch.tokens, branch.text, sigma, branch.layouts))


COMPILE = """
import torch
from danqing.models.mmdit.block import MMDiTBlock

torch.manual_seed(0)
block = MMDiTBlock(64, 2)
text, image, temb = torch.randn(2, 5, 64), torch.randn(2, 9, 64), torch.randn(1, 2, 64)
rotation = torch.polar(torch.ones(2, 14, 1, 16), torch.randn(2, 14, 1, 16))
mask = torch.arange(14) < torch.tensor([[14], [12]])
grads = []
for run in (block, torch.compile(block, fullgraph=True, backend="eager")):
    block.zero_grad()
    texts, images = run([text], [image], block.steer(temb), [rotation], [mask], [None])
    (texts[0].square().sum() + images[0].square().sum()).backward()
    grads.append([weight.grad for weight in block.parameters()])
torch.testing.assert_close(*grads)
"""


@pytest.mark.slow
def test_a_block_is_one_graph_to_the_compiler_in_training():
    """Run apart, because the shape checks of the test run would break the graph."""
    subprocess.run([sys.executable, "-c", COMPILE], check=True, timeout=200)
