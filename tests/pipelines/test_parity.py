"""The published pipeline, saved to a folder and loaded here, paints the same picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import (
    QwenImageEditInpaintPipeline,
    QwenImageImg2ImgPipeline,
    QwenImageInpaintPipeline,
    QwenImagePipeline,
)
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint
from einops import rearrange
from PIL import Image
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.flow.samplers import ignore
from danqing.pipelines.job import walk
from danqing.pipelines.mask import parse_mask
from danqing.pipelines.over import begin, encode, on_tokens
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Defaults, Request
from danqing.pipelines.save import save
from danqing.pipelines.text_to_image import text_to_image
from danqing.pipelines.window import Window


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


SIZE = (40, 24)  # multiples of 8, so that the published pipelines do not stretch the picture


@pytest.fixture(scope="module")
def ours(loaded):
    """The loaded networks as a model that is at home at a size of a few tokens."""
    parts = (loaded.mmdit, loaded.vae, loaded.conditioner, loaded.schedule)
    return Pipeline(*parts, Defaults(sizes=(SIZE,), area=(8 * 8, 64 * 64)))


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8))


@pytest.fixture(scope="module")
def mask():
    """White in whole latents: of a latent that is cut, the published pipeline asks one pixel."""
    mask = Image.new("L", SIZE)
    mask.paste(255, (8, 4, 28, 16))
    return mask


def like(published, kind, **parts):
    pipe = kind(**published.components, **parts)
    pipe.set_progress_bar_config(disable=True)
    pipe.prompt_template_encode_start_idx = published.prompt_template_encode_start_idx
    return pipe


def settings(request):
    return {
        "prompt": request.prompt,
        "negative_prompt": request.negative if request.guidance > 1 else None,
        "true_cfg_scale": request.guidance,
        "width": SIZE[0],
        "height": SIZE[1],
        "num_inference_steps": request.steps,
        "strength": request.strength or 1.0,
        "generator": generator(request.seed),
        "output_type": "latent",
    }


def check(found, expected):
    assert expected.std() > 0.1
    assert_close(found, expected, atol=1e-5 * expected.std().item(), rtol=0)


@pytest.mark.parametrize(
    ("strength", "steps", "guidance"), [(0.6, 5, 4.0), (0.35, 4, 1.0), (1.0, 2, 1.0)]
)
def test_image_to_image(published, ours, picture, strength, steps, guidance):
    request = Request(
        "a red square",
        negative="a",
        over=picture,
        strength=strength,
        steps=steps,
        guidance=guidance,
        seed=5,
    )
    pipe = like(published, QwenImageImg2ImgPipeline)
    check(ours.paint(request).tokens, pipe(image=picture, **settings(request)).images)


@pytest.mark.parametrize(("strength", "steps", "guidance"), [(None, 4, 4.0), (0.6, 6, 1.0)])
def test_inpainting(published, ours, picture, mask, strength, steps, guidance):
    request = Request(
        "a red square",
        negative="a",
        over=picture,
        mask=mask,
        strength=strength,
        steps=steps,
        guidance=guidance,
        seed=6,
    )
    pipe = like(published, QwenImageInpaintPipeline)
    theirs = pipe(image=picture, mask_image=mask, **settings(request)).images
    check(ours.paint(request).tokens, theirs)


def test_inpainting_of_an_edit(published, ours, picture, mask, monkeypatch):
    """The job of an edit, made by hand of what the published pipeline read, begins likewise."""
    request = Request(
        "a red square",
        over=picture,
        mask=mask,
        strength=0.7,
        steps=4,
        guidance=2.0,
        seed=7,
    )
    pipe = like(published, QwenImageEditInpaintPipeline, processor=None)
    monkeypatch.setattr(
        pipeline_qwenimage_edit_inpaint, "calculate_dimensions", lambda area, ratio: (*SIZE, None)
    )
    texts = [ours.read([text], 1)[0] for text in (request.prompt, "blue")]
    read = {"prompt_embeds": texts[0], "negative_prompt_embeds": texts[1]}
    asked = settings(request) | {"prompt": None, "negative_prompt": None} | read
    theirs = pipe(image=picture, mask_image=mask, **asked).images

    plan = ours.plan(request)
    ends = encode(ours, picture, plan)
    job = text_to_image(ours, plan)
    job = replace(job, texts=texts, sources=ends.x0, source_grids=[job.grid])
    window = Window.whole(SIZE, ours.defaults.area, ours.multiple)
    free = on_tokens(ours, window.on_latents(parse_mask(mask, SIZE), ours.vae.factor))
    with torch.no_grad():
        check(walk(ours, plan, begin(job, ends, request.strength, free), ignore), theirs)
