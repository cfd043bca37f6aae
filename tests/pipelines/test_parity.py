"""The published pipeline, saved to a folder and loaded here, paints the same picture."""

import numpy as np
import pytest
import torch
from diffusers import QwenImagePipeline
from einops import rearrange
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.pipelines.load import save
from danqing.pipelines.request import Request


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
