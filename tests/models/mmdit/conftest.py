"""A small network and the reference's, with the same random weights."""

from collections.abc import Callable

import pytest
import torch
from diffusers import QwenImageTransformer2DModel

from danqing.models.mmdit import MMDiT, MMDiTConfig
from danqing.models.mmdit.names import ours

SMALL = MMDiTConfig(
    in_channels=16,
    out_channels=4,
    depth=2,
    heads=2,
    head_dim=32,
    text_channels=24,
    rope_axes=(8, 12, 12),
)

Twins = Callable[[MMDiTConfig], tuple[QwenImageTransformer2DModel, MMDiT]]


@pytest.fixture
def small() -> MMDiTConfig:
    return SMALL


@pytest.fixture
def twins() -> Twins:
    def make(config: MMDiTConfig) -> tuple[QwenImageTransformer2DModel, MMDiT]:
        torch.manual_seed(0)
        reference = QwenImageTransformer2DModel.from_config(config.to_published()).eval()
        with torch.no_grad():
            for weight in reference.parameters():
                # Norms start at one and would hide a weight that goes to the wrong place.
                weight.add_(0.2 * torch.randn_like(weight) if weight.ndim == 1 else 0)
        network = MMDiT(config)
        network.load_state_dict(
            {ours(name): weight.clone() for name, weight in reference.state_dict().items()}
        )
        return reference, network

    return make


@pytest.fixture
def network(twins: Twins, small: MMDiTConfig) -> MMDiT:
    """Return the small text-to-image network with random weights."""
    return twins(small)[1]
