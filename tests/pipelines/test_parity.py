"""The published pipeline, saved to a folder and loaded here, paints the same picture."""

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from einops import rearrange
from torch.testing import assert_close
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)

from danqing.core.seed import generator
from danqing.flow.schedule import DynamicShift, to_published
from danqing.pipelines.load import load, save
from danqing.pipelines.request import Request
from danqing.testing import CONDITIONER, toy_conditioner


@pytest.fixture(scope="module")
def published():
    """A tiny QwenImagePipeline with random weights."""
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


@pytest.mark.parametrize(
    ("size", "guidance", "negative", "batch"),
    [((40, 24), 4.0, " ", 1), ((24, 56), 1.0, " ", 1), ((32, 32), 2.5, "a blue circle", 2)],
)
def test_final_latents_and_pixels_equal_the_published_ones(
    published, loaded, size, guidance, negative, batch
):
    request = Request(
        "a red square",
        negative=negative,
        size=size,
        steps=4,
        guidance=guidance,
        seed=5,
        batch=batch,
    )
    settings = {
        "prompt": request.prompt,
        "negative_prompt": negative if guidance > 1 else None,
        "true_cfg_scale": guidance,
        "width": size[0],
        "height": size[1],
        "num_inference_steps": request.steps,
        "num_images_per_prompt": batch,
    }
    seeds = [generator(request.seed + k) for k in range(batch)]
    expected = published(**settings, generator=seeds, output_type="latent").images
    seeds = [generator(request.seed + k) for k in range(batch)]
    pixels = published(**settings, generator=seeds, output_type="pt").images

    result = loaded.paint(request)
    assert expected.std() > 0.1
    assert_close(result.tokens, expected, atol=1e-5 * expected.std().item(), rtol=0)
    for picture, wanted in zip(result.pictures, pixels, strict=True):
        wanted = rearrange(wanted, "c h w -> h w c")
        ours = torch.from_numpy(np.array(picture.image))
        assert_close(ours / 255, wanted, atol=0.51 / 255, rtol=0)
        assert wanted.std() > 0.01


def test_a_folder_that_we_save_is_read_by_the_published_pipeline(loaded, published, tmp_path):
    save(loaded, tmp_path / "ours")
    back = QwenImagePipeline.from_pretrained(tmp_path / "ours")
    for name in ("transformer", "vae", "text_encoder"):
        expected = getattr(published, name).state_dict()
        assert getattr(back, name).state_dict().keys() == expected.keys()
    back.set_progress_bar_config(disable=True)
    back.prompt_template_encode_start_idx = published.prompt_template_encode_start_idx
    settings = {"true_cfg_scale": 1.0, "width": 24, "height": 24, "num_inference_steps": 2}
    theirs = back("a red square", **settings, generator=generator(5), output_type="pt").images
    ours = loaded.paint(Request("a red square", size=(24, 24), guidance=1.0, steps=2, seed=5))
    found = torch.from_numpy(np.array(ours.pictures[0].image)) / 255
    assert_close(found, rearrange(theirs, "1 c h w -> h w c"), atol=0.51 / 255, rtol=0)
