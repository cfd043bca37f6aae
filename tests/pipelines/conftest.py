"""A published pipeline of toy size, and the same one as we load it."""

import pytest
import torch

from danqing.flow.schedule import DynamicShift, to_published
from danqing.pipelines.load import load
from danqing.testing import CONDITIONER, toy_conditioner


@pytest.fixture(scope="module")
def published():
    """A tiny QwenImagePipeline with random weights."""
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
    )

    torch.manual_seed(0)
    conditioner = toy_conditioner()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=conditioner.writer.tokenizer,
        pad_token="<|endoftext|>",
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )
    sizes = Qwen2_5_VLConfig.from_dict(CONDITIONER.to_published(conditioner.writer.tokenizer))
    parts = {
        "transformer": QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=2,
            num_attention_heads=2,
            attention_head_dim=16,
            joint_attention_dim=CONDITIONER.width,
            axes_dims_rope=(4, 6, 6),
        ),
        "vae": AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[1.5, 0.8, 1.0, 1.2],
        ),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(sizes),
    }
    with torch.no_grad():
        for part in parts.values():
            for weight in part.eval().parameters():
                weight.add_(0.05 * torch.randn_like(weight))
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(to_published(DynamicShift()))
    pipe = QwenImagePipeline(scheduler=scheduler, tokenizer=tokenizer, **parts)
    pipe.set_progress_bar_config(disable=True)
    # The toy tokenizer counts the template's opening otherwise than the published one.
    template = pipe.prompt_template_encode.partition("{}")[0]
    pipe.prompt_template_encode_start_idx = len(tokenizer(template).input_ids)
    return pipe


@pytest.fixture(scope="module")
def loaded(published, tmp_path_factory):
    """The same pipeline, by way of the disk."""
    folder = tmp_path_factory.mktemp("published") / "tiny-qwen"
    published.save_pretrained(folder)
    return load(folder, device="cpu", dtype="float32")
