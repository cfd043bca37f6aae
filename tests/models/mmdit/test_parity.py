"""The same weights give the same velocity as in diffusers."""

from dataclasses import replace

import pytest
import torch

from danqing.models.mmdit import Grid

TARGET, SOURCE, SMALLER = Grid(1, 5, 3), Grid(1, 4, 7), Grid(1, 3, 3)

CASES = {
    "text to image, odd grid": ({}, [TARGET]),
    "two sources": ({}, [TARGET, SOURCE, SMALLER]),
    "sources as at sigma 0": ({"zero_cond_t": True}, [TARGET, SOURCE]),
    "layered": ({"layered": True, "addition_t_cond": True}, [TARGET] * 4),
    "more layers than half a side": ({"layered": True, "addition_t_cond": True}, [SMALLER] * 6),
}


def inputs(layout, dtype=torch.float32):
    """Return tokens, text, sigma of two samples."""
    torch.manual_seed(1)
    tokens = torch.randn(2, sum(grid.tokens for grid in layout), 16, dtype=dtype)
    return tokens, torch.randn(2, 6, 24, dtype=dtype), torch.tensor([0.75, 0.25])


def reference_velocity(reference, layout, tokens, text, sigma, mask=None, addition=None):
    shapes = [[tuple(grid) for grid in layout]] * len(tokens)
    return reference(
        tokens, text, mask, sigma, shapes, additional_t_cond=addition, return_dict=False
    )[0]


@pytest.mark.parametrize("mask", [None, [6, 4]], ids=["whole", "padded"])
@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_the_velocity_is_that_of_the_reference(twins, small, case, mask):
    variant, layout = CASES[case]
    reference, network = twins(replace(small, **variant))
    tokens, text, sigma = inputs(layout)
    mask = None if mask is None else torch.arange(6) < torch.tensor(mask)[:, None]
    addition = torch.tensor([0, 1]) if network.config.addition_t_cond else None

    expected = reference_velocity(reference, layout, tokens, text, sigma, mask, addition)
    got = network(tokens, text, sigma, [layout], text_mask=mask, addition=addition)

    assert expected.std() > 0.1
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_bfloat16_is_no_further_from_float32_than_the_reference(twins, small):
    """Fused steps round less often, so equality is not asked for, but accuracy is."""
    reference, network = twins(replace(small, heads=4))
    reference, network = reference.bfloat16(), network.bfloat16()
    layout = [Grid(1, 16, 16)]
    tokens, text, sigma = inputs(layout, torch.bfloat16)

    theirs = reference_velocity(reference, layout, tokens, text, sigma)
    got = network(tokens, text, sigma, [layout])
    exact = reference_velocity(reference.float(), layout, tokens.float(), text.float(), sigma)

    def error(velocity):
        return (velocity - exact).square().mean().sqrt().item()

    assert got.dtype == torch.bfloat16
    assert error(got) <= 1.02 * error(theirs)
    assert error(got) < 0.01 * exact.std().item()


@torch.no_grad()
def test_the_timestep_is_rounded_as_in_the_reference_unless_it_is_to_be_exact(twins, small):
    _, rounding = twins(small)
    _, exact = twins(replace(small, exact_timestep=True))
    tokens, text, _ = inputs([TARGET], torch.bfloat16)
    near, nearer = torch.tensor([0.7]), torch.tensor([0.701])
    assert near.bfloat16() == nearer.bfloat16()

    def differs(network):
        network.bfloat16()
        a, b = (network(tokens, text, sigma, [[TARGET]]) for sigma in (near, nearer))
        return not a.equal(b)

    assert not differs(rounding)
    assert differs(exact)
