"""Small VAEs, ours and the reference's, on the same random weights."""

from typing import NamedTuple

import pytest
import torch
from diffusers import AutoencoderKLQwenImage

from danqing.models.vae import VAE, VAEConfig
from danqing.models.vae.names import fold, ours


class Pair(NamedTuple):
    """Our network, and the reference with the same weights."""

    vae: VAE
    reference: AutoencoderKLQwenImage


def random_weights(module):
    """Give weights values wide enough that a mistake in any layer shows."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        else:
            torch.nn.init.normal_(parameter, std=0.2)
    for name, parameter in module.named_parameters():
        if name.endswith("gamma"):
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)


def pair_of(**settings):
    config = VAEConfig(**{"base": 8, **settings})
    published = config.to_published()
    published.pop("patch_size", None)
    torch.manual_seed(0)
    reference = AutoencoderKLQwenImage.from_config(published).eval()
    with torch.no_grad():
        random_weights(reference)
    vae = VAE(config).eval()
    weights = {ours(name): tensor for name, tensor in reference.state_dict().items()}
    weights.pop(None, None)
    vae.load_state_dict({name: fold(name, tensor) for name, tensor in weights.items()})
    return Pair(vae, reference)


@pytest.fixture(scope="session")
def build_pair():
    """Builds a pair from settings that differ from the published ones."""
    return pair_of


@pytest.fixture(scope="session")
def pair():
    """The published network, a twelfth as wide."""
    return pair_of()


@pytest.fixture(scope="session")
def nano():
    """A network in the manner of the embedded model's: large patches, few levels."""
    return pair_of(multipliers=(1, 2), res_blocks=1, patch=4, latent_channels=16)


@pytest.fixture
def image():
    return torch.rand(2, 3, 72, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def latents():
    return torch.randn(2, 16, 9, 5, generator=torch.Generator().manual_seed(2))
