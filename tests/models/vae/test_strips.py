"""A picture that goes through in strips comes out as if it had gone through at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.models.vae import VAE, VAEConfig, strips

EXACT = {"atol": 1e-5, "rtol": 0}
WHOLE = 1 << 40


@torch.no_grad()
def equal(vae, batch, height, width, strip_bytes):
    latents = torch.randn(batch, 16, height, width)
    image = torch.rand(batch, 3, vae.factor * height, vae.factor * width) * 2 - 1
    whole, striped = (
        (vae.encode(image, strip_bytes=size), vae.decode(latents, strip_bytes=size))
        for size in (WHOLE, strip_bytes)
    )
    torch.testing.assert_close(striped, whole, **EXACT)


@settings(max_examples=10, deadline=None, database=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 3),
    batch=st.integers(1, 2),
    strip_bytes=st.integers(1, 20_000),
)
def test_strips_of_any_size_equal_the_whole(nano, height, width, batch, strip_bytes):
    equal(nano.vae, batch, height, width, strip_bytes)


@pytest.mark.parametrize("strip_bytes", [3000, 30_000])
def test_strips_of_the_published_network_equal_the_whole(pair, strip_bytes):
    equal(pair.vae, 1, 7, 3, strip_bytes)


@pytest.mark.parametrize("way", ["encode", "decode"])
@torch.no_grad()
def test_no_layer_at_full_resolution_ever_holds_a_large_picture(way, monkeypatch):
    vae = VAE(VAEConfig(base=8, multipliers=(1, 2), res_blocks=1)).eval()
    tall = {"encode": torch.zeros(1, 3, 256, 8), "decode": torch.zeros(1, 16, 128, 4)}[way]
    seen = []
    monkeypatch.setattr(torch, "cat", record(torch.cat, seen))
    getattr(vae, way)(tall, strip_bytes=16 * 8 * 8 * 4)
    # The only large thing is what the strips are put together to in the end.
    *strips_seen, result = seen
    assert max(strips_seen) <= 48
    assert result == {"encode": 128, "decode": 256}[way]


@torch.no_grad()
def test_a_small_picture_is_not_cut(pair, latents, monkeypatch):
    def no_strips(*_):
        raise AssertionError("cut a picture that fits")

    monkeypatch.setattr(strips, "Rows", no_strips)
    pair.vae.decode(latents)
    with pytest.raises(AssertionError, match="fits"):
        pair.vae.decode(latents, strip_bytes=1000)


def test_gradients_see_the_whole_picture(pair, latents):
    latents.requires_grad_()
    pair.vae.decode(latents, strip_bytes=1).sum().backward()
    assert latents.grad.abs().min() > 0


def record(function, heights):
    def recorded(tensors, dim):
        joined = function(tensors, dim=dim)
        heights.append(joined.shape[1])
        return joined

    return recorded
