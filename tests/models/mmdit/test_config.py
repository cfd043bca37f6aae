"""Published settings and names, there and back."""

import json
from dataclasses import replace

import pytest
from diffusers import QwenImageTransformer2DModel

from danqing.core.errors import RecipeError
from danqing.models.mmdit import MMDiT, MMDiTConfig
from danqing.models.mmdit.names import ours, published

LAYERED = {"layered": True, "addition_t_cond": True}


@pytest.mark.parametrize("variant", [{}, {"zero_cond_t": True}, LAYERED, {"exact_timestep": True}])
def test_a_configuration_survives_its_published_form(small, variant):
    config = replace(small, **variant)
    written = json.loads(json.dumps(config.to_published()))
    assert MMDiTConfig.from_published(written) == config


def test_the_published_configuration_is_the_default():
    config = {
        "_class_name": "QwenImageTransformer2DModel",
        "_diffusers_version": "0.35.0",
        "attention_head_dim": 128,
        "axes_dims_rope": [16, 56, 56],
        "guidance_embeds": False,
        "in_channels": 64,
        "joint_attention_dim": 3584,
        "num_attention_heads": 24,
        "num_layers": 60,
        "out_channels": 16,
        "patch_size": 2,
        "pooled_projection_dim": 768,
    }
    assert MMDiTConfig.from_published(config) == MMDiTConfig()


def test_no_output_channels_means_as_many_as_came_in():
    config = {"in_channels": 8, "out_channels": None}
    assert MMDiTConfig.from_published(config).out_channels == 8


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"num_layer": 2}, "Did you mean 'num_layers'"),
        ({"_class_name": "FluxTransformer2DModel"}, "got FluxTransformer2DModel"),
        ({"num_layers": "many"}, "depth must be int"),
        ({"axes_dims_rope": [16, 16, 16]}, "add up to head_dim"),
    ],
)
def test_a_configuration_of_something_else_is_refused(config, message):
    with pytest.raises(RecipeError, match=message):
        MMDiTConfig.from_published(config)


@pytest.mark.parametrize("variant", [{}, LAYERED])
def test_every_weight_has_its_published_name_and_shape(small, variant):
    config = replace(small, **variant)
    reference = QwenImageTransformer2DModel.from_config(config.to_published()).state_dict()
    network = MMDiT(config).state_dict()

    assert {published(name): weight.shape for name, weight in network.items()} == {
        name: weight.shape for name, weight in reference.items()
    }
    assert {ours(name) for name in reference} == set(network)
    assert all(published(ours(name)) == name for name in reference)


def test_a_name_that_nobody_knows_stays_as_it_is():
    assert ours("blocks.0.attn.lora.weight") == "blocks.0.attn.lora.weight"
    assert ours("__index_timestep_zero__") == "__index_timestep_zero__"
