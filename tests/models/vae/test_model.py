"""Encoding and decoding, apart from which numbers come out (`test_parity.py`)."""

import pytest
import torch

from danqing.core.errors import RequestError
from danqing.models.vae import VAE, Posterior, VAEConfig
from danqing.models.vae.alpha import with_alpha
from danqing.models.vae.config import MEAN, STD

EXACT = {"atol": 1e-5, "rtol": 0}


@torch.no_grad()
def test_a_batch_gives_what_each_gives_alone(pair, image, latents):
    vae = pair.vae
    alone = [vae.encode(one[None]).mean for one in image]
    torch.testing.assert_close(vae.encode(image).mean, torch.cat(alone), **EXACT)
    alone = [vae.decode(one[None]) for one in latents]
    torch.testing.assert_close(vae.decode(latents), torch.cat(alone), **EXACT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_it_answers_in_the_dtype_of_its_weights(dtype, image, latents):
    vae = VAE(VAEConfig(base=8)).to(dtype)
    assert vae.encode(image).mean.dtype == dtype
    assert vae.decode(latents).dtype == dtype


def test_the_mode_is_the_mean_and_samples_spread_around_it():
    mean, logvar = torch.full((1, 4, 50, 50), 2.0), torch.full((1, 4, 50, 50), -1.0)
    posterior = Posterior(mean, logvar)
    sample = posterior.sample(torch.Generator().manual_seed(0))
    assert posterior.mode() is mean
    assert sample.mean().item() == pytest.approx(2.0, abs=0.03)
    assert sample.std().item() == pytest.approx(torch.tensor(-0.5).exp().item(), abs=0.02)


@torch.no_grad()
def test_the_spread_is_kept_within_bounds(image):
    vae = VAE(VAEConfig(base=8))
    vae.encoder.quant.bias[16:24] = 1000.0
    vae.encoder.quant.bias[24:] = -1000.0
    logvar = vae.encode(image).logvar
    assert (logvar[:, :8] == 20).all()
    assert (logvar[:, 8:] == -30).all()


def test_model_space_is_raw_space_normalized(latents):
    vae = VAE(VAEConfig(base=8))
    raw = torch.tensor(MEAN)[:, None, None] + latents * torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(vae.normalize(raw), latents, atol=1e-5, rtol=0)
    torch.testing.assert_close(vae.denormalize(latents), raw, atol=1e-5, rtol=0)


def test_every_weight_learns(nano):
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    posterior = nano.vae.encode(image)
    loss = (nano.vae.decode(posterior.sample()) - image).square().mean()
    loss = loss + posterior.logvar.square().mean()
    gradients = torch.autograd.grad(loss, list(nano.vae.parameters()))
    assert all(gradient.abs().max() > 0 for gradient in gradients)


def test_a_pixel_beyond_the_range_still_learns(latents):
    vae = VAE(VAEConfig(base=8))
    with torch.no_grad():
        vae.decoder.head.conv.bias.fill_(3.0)
    image = vae.decode(latents)
    torch.testing.assert_close(image, torch.ones_like(image))
    image.mean().backward()
    learned = vae.decoder.head.conv.bias.grad
    torch.testing.assert_close(learned, torch.full((3,), 1 / 3), atol=1e-3, rtol=0)


def test_a_size_that_does_not_fit_is_refused_with_one_that_does(pair):
    with pytest.raises(RequestError, match=r"multiples of 8, got 20 x 9; pad it to 24 x 16\."):
        pair.vae.encode(torch.zeros(1, 3, 9, 20))


@pytest.mark.parametrize("kind", ["pair", "nano"])
@torch.no_grad()
def test_alpha_begins_unseen_and_opaque(kind, request):
    rgb = request.getfixturevalue(kind).vae
    rgba = with_alpha(rgb)
    image, latents = torch.rand(1, 4, 16, 16) * 2 - 1, torch.randn(1, 16, 3, 2)
    torch.testing.assert_close(rgba.encode(image).mean, rgb.encode(image[:, :3]).mean, **EXACT)
    painted = rgba.decode(latents)
    torch.testing.assert_close(painted[:, :3], rgb.decode(latents), **EXACT)
    assert (painted[:, 3] == 1).all()
    assert rgba.config.image_channels == 4


def test_it_can_be_built_without_memory():
    with torch.device("meta"):
        vae = VAE(VAEConfig())
    assert sum(parameter.numel() for parameter in vae.parameters()) < 50_000_000
