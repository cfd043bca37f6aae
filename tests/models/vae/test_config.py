"""The configuration decides the network, and says so in published words."""

import pytest
import torch
from diffusers import AutoencoderKLQwenImage

from danqing.core.errors import RecipeError
from danqing.models.vae import VAE, VAEConfig


def test_the_defaults_are_the_reference_s():
    reference = AutoencoderKLQwenImage.from_config({"base_dim": 8}).config
    assert VAEConfig.from_published(reference) == VAEConfig(base=8)


@pytest.mark.parametrize(
    "config",
    [
        VAEConfig(),
        VAEConfig(image_channels=4),
        VAEConfig(base=32, multipliers=(1, 2, 4), res_blocks=1, patch=4, image_channels=4),
        VAEConfig(latent_channels=2, latents_mean=(0.5, 1.0), latents_std=(2.0, 3.0)),
        VAEConfig(temporal_downsample=(True, True, False)),
    ],
)
def test_what_is_written_is_read_back(config):
    assert VAEConfig.from_published(config.to_published()) == config


def test_the_reference_knows_every_setting_we_write():
    known = AutoencoderKLQwenImage.from_config({"base_dim": 8}).config
    assert set(VAEConfig().to_published()) <= {*known, "_class_name"}


@pytest.mark.parametrize(
    ("patch", "multipliers", "factor"), [(1, (1, 2, 4, 4), 8), (4, (1, 2, 4), 16), (8, (1, 2), 16)]
)
@pytest.mark.parametrize("channels", [3, 4])
@torch.no_grad()
def test_a_factor_is_patch_times_halvings(patch, multipliers, factor, channels):
    vae = VAE(
        VAEConfig(
            base=8, res_blocks=1, multipliers=multipliers, patch=patch, image_channels=channels
        )
    )
    image = torch.zeros(1, channels, 2 * factor, 3 * factor)
    latents = vae.encode(image).mode()
    assert vae.factor == factor
    assert latents.shape == (1, 16, 2, 3)
    assert vae.decode(latents).shape == image.shape


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"_class_name": "AutoencoderKL"}, "vae must be an AutoencoderKLQwenImage, got Auto"),
        ({"attn_scales": [1.0]}, "vae.attn_scales must be []"),
        ({"dropout": 0.1}, "vae.dropout must be 0.0, got 0.1"),
        ({"z_dims": 16}, "Did you mean 'z_dim'?"),
        ({"z_dim": 8}, "latents_mean must have 8 entries, got 16"),
        ({"dim_mult": [1, 2]}, "temporal_downsample must have 1 entries"),
        ({"patch_size": 2, "input_channels": 3}, "vae.input_channels must be a multiple of 4"),
        ({"base_dim": 3, "dim_mult": [1, 1, 2, 2]}, "even widths"),
        ({"base_dim": "wide"}, "vae.base must be int"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_in_one_line(settings, words):
    published = VAEConfig(base=8).to_published() | settings
    with pytest.raises(RecipeError) as refused:
        VAEConfig.from_published(published)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
