"""Laws of the layers that every transformer shares."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from danqing.models import layers
from danqing.models.layers import Linear, RMSNorm, _attend_by_products, attend, linear, rotate


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("gelu", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_product_is_the_exact_one_rounded(monkeypatch, native, grad, gelu, dtype):
    monkeypatch.setattr(layers, "native_bf16", lambda device: native)
    monkeypatch.setattr(layers, "SCRATCH", 5 * 64)  # 12 features in slices of 5, 5 and 2
    torch.manual_seed(0)
    x, weight = torch.randn(2, 7, 64).to(dtype), torch.randn(12, 64).to(dtype)

    for bias in (torch.randn(12).to(dtype), None):
        with torch.set_grad_enabled(grad):
            got = linear(x, weight, bias, gelu=gelu)
        exact = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
        exact = F.gelu(exact, approximate="tanh") if gelu else exact
        assert got.dtype == dtype
        # With gradients GELU is a step of its own, and what it is given is rounded.
        rtol, atol = (2**-7, 0.02) if dtype == torch.bfloat16 else (1e-5, 1e-5)
        torch.testing.assert_close(got.double(), exact, rtol=rtol, atol=atol)


def test_the_emulated_product_has_the_gradients_of_the_native_one(monkeypatch):
    monkeypatch.setattr(layers, "SCRATCH", 5 * 64)
    torch.manual_seed(0)
    module = Linear(64, 12).bfloat16()
    x = torch.randn(7, 64).bfloat16().requires_grad_()
    slope = torch.randn(7, 12).bfloat16()

    def grads(emulated):
        monkeypatch.setattr(layers, "native_bf16", lambda device: not emulated)
        return torch.autograd.grad(module(x), (x, *module.parameters()), slope)

    for emulated, native in zip(grads(True), grads(False), strict=True):
        torch.testing.assert_close(emulated, native, rtol=0.02, atol=0.05)


def test_a_view_multiplies_as_its_copy_does():
    torch.manual_seed(0)
    weight, bias = torch.randn(16, 32).bfloat16(), torch.randn(16).bfloat16()
    view = torch.randn(2, 9, 32).bfloat16()[:, 4:]
    assert linear(view, weight, bias).equal(linear(view.clone(), weight, bias))


def test_the_norm_is_that_of_torch_with_float32_statistics():
    torch.manual_seed(0)
    norm = RMSNorm(8, eps=1e-3)
    torch.nn.init.normal_(norm.weight)
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(norm(x), F.rms_norm(x, (8,), norm.weight, 1e-3))

    huge = torch.full((1, 8), 3e4).half()  # its square is beyond float16
    assert norm.half()(huge).isfinite().all()


def test_the_norm_of_zero_has_a_gradient():
    x = torch.zeros(1, 4, requires_grad=True)
    RMSNorm(4)(x).sum().backward()
    assert x.grad.isfinite().all()


def test_rotated_queries_and_keys_see_only_how_far_apart_they_are():
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 8)
    angle = torch.randn(4)

    def score(query_at, key_at):
        turn = [
            torch.polar(torch.ones(4), at * angle)[None, None, None] for at in (query_at, key_at)
        ]
        return (rotate(q, turn[0]) * rotate(k, turn[1])).sum()

    torch.testing.assert_close(score(3, 1), score(12, 10), atol=1e-5, rtol=0)
    assert (score(3, 1) - score(3, 2)).abs() > 1e-3


def test_masked_tokens_are_not_read():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 6, 8)
    mask = torch.arange(6) < torch.tensor([[6], [4]])
    read = attend(q, k, v, mask)
    torch.testing.assert_close(read[1:], attend(q[1:], k[1:, :, :4], v[1:, :, :4]))


@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_attention_by_products_is_attention_to_the_precision_of_bfloat16(batch, t, s, masked):
    """Also where a processor has no bfloat16 instructions: there it is slow, and no different."""
    with torch.random.fork_rng():
        torch.manual_seed(t * 41 + s)
        q = F.rms_norm(torch.randn(batch, 2, t, 16), (16,)).bfloat16().requires_grad_()
        k = F.rms_norm(torch.randn(batch, 2, s, 16), (16,)).bfloat16().requires_grad_()
        v = torch.randn(batch, 2, s, 16).bfloat16().requires_grad_()
    mask = torch.arange(s).expand(batch, 1, 1, s) < max(1, s - 3) if masked else None
    read = _attend_by_products(q, k, v, mask)
    exact = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), attn_mask=mask)
    assert read.dtype == torch.bfloat16
    for got, want in zip(
        (read, *torch.autograd.grad(read.float().square().sum(), (q, k, v))),
        (exact, *torch.autograd.grad(exact.square().sum(), (q, k, v))),
        strict=True,
    ):
        assert (got.double() - want.double()).norm() <= 0.03 * want.double().norm() + 0.02
