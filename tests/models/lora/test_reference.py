"""Our files load in diffusers, and mean the same velocity there."""

import pytest
import torch
from diffusers import QwenImagePipeline, QwenImageTransformer2DModel
from safetensors.torch import load_file

from danqing.models.lora import save
from danqing.models.mmdit.names import ours
from danqing.testing import MMDIT, toy_mmdit

from .test_lora import EACH, LAYOUT, trained


@pytest.fixture
def reference():
    """The published network with the weights of ours."""
    network = QwenImageTransformer2DModel.from_config(MMDIT.to_published()).eval()
    weights = toy_mmdit().state_dict()
    network.load_state_dict({name: weights[ours(name)] for name in network.state_dict()})
    return network


def both(mmdit, reference):
    """Return the velocities of both networks."""
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randn(1, 6, MMDIT.in_channels, generator=draw)
    text = torch.randn(1, 5, MMDIT.text_channels, generator=draw)
    sigma = torch.tensor([0.7])
    theirs = reference(tokens, text, None, sigma, [[(1, 3, 2)]], return_dict=False)[0]
    return mmdit(tokens, text, sigma, LAYOUT), theirs


@EACH
@torch.no_grad()
def test_a_file_of_ours_is_an_adapter_of_theirs(tmp_path, reference, fresh):
    mmdit = trained(layers="", fresh=fresh)
    save(mmdit, tmp_path / "a.safetensors")
    got, before = both(mmdit, reference)
    reference.load_lora_adapter(load_file(tmp_path / "a.safetensors"), prefix="transformer")
    _, after = both(mmdit, reference)
    assert (after - before).abs().max() > 0.01
    torch.testing.assert_close(after, got, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_lora_of_ours_is_one_of_their_pipeline(tmp_path, reference):
    mmdit = trained()
    save(mmdit, tmp_path / "a.safetensors", {"danqing_manner": "what is ours alone"})
    parts = dict.fromkeys(("scheduler", "vae", "text_encoder", "tokenizer"))
    pipeline = QwenImagePipeline(transformer=reference, **parts)
    pipeline.load_lora_weights(str(tmp_path), weight_name="a.safetensors")
    got, after = both(mmdit, reference)
    torch.testing.assert_close(after, got, atol=1e-5, rtol=0)
