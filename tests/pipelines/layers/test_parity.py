"""The published pipeline of layers, saved to a folder and loaded here, finds the same layers."""

import numpy as np
import pytest
import torch
from diffusers.pipelines.qwenimage import pipeline_qwenimage_layered as reference
from einops import rearrange
from PIL import Image
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.flow.schedule import LayeredShift
from danqing.pipelines.layers.split import split
from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.testing import CONDITIONER

SHRINK = 10
"""Real areas are too large for a test; ours and the reference's are divided by this, squared."""


@pytest.fixture(scope="module")
def published(random_parts, assembled):
    """A tiny QwenImageLayeredPipeline with random weights."""
    transformer = {
        "in_channels": 32,
        "out_channels": 8,
        "use_additional_t_cond": True,
        "use_layer3d_rope": True,
    }
    vae = {
        "z_dim": 8,  # the reference takes a picture of as many channels for latents
        "input_channels": 4,
        "latents_mean": [0.1, -0.2, 0.3, 0.0] * 2,
        "latents_std": [1.5, 0.8, 1.0, 1.2] * 2,
    }
    parts = random_parts(CONDITIONER, transformer, vae)
    return assembled("QwenImageLayeredPipeline", parts, LayeredShift(), processor=None)


@pytest.fixture(scope="module")
def loaded(published, tmp_path_factory):
    """The same pipeline, by way of the disk."""
    folder = tmp_path_factory.mktemp("published") / "tiny-layered"
    published.save_pretrained(folder)
    pipeline = load(folder, device="cpu", dtype="float32")
    assert pipeline.defaults.sizes == ((640, 640), (1024, 1024))
    assert pipeline.schedule == LayeredShift()
    pipeline.defaults = type(pipeline.defaults)(sizes=((640 // SHRINK, 640 // SHRINK),))
    return pipeline


def picture(size):
    """A picture with hard edges and every alpha."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    pixels = np.stack((rows * 3, columns * 5, (rows // 8 + columns // 8) % 2 * 255, rows + columns))
    return Image.fromarray((pixels % 256).astype(np.uint8).transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("size", "guidance", "batch", "count"),
    [((64, 64), 4.0, 1, 2), ((128, 32), 2.5, 2, 3), ((160, 160), 1.0, 1, 1)],
)
def test_final_latents_and_layers_equal_the_published_ones(
    published, loaded, monkeypatch, size, guidance, batch, count
):
    dimensions = reference.calculate_dimensions
    monkeypatch.setattr(
        reference, "calculate_dimensions", lambda area, ratio: dimensions(area / SHRINK**2, ratio)
    )
    settings = {
        "image": picture(size),
        "prompt": "a red square",
        "negative_prompt": " " if guidance > 1 else None,
        "true_cfg_scale": guidance,
        "layers": count,
        "num_inference_steps": 4,
        "num_images_per_prompt": batch,
        "cfg_normalize": True,
    }
    states = []

    def see(_pipe, _step, _time, given):
        states.append(given["latents"])
        return given

    # Asked for latents alone, the reference ends in an error.
    seeds = [generator(5 + k) for k in range(batch)]
    shown = published(
        **settings, generator=seeds, output_type="pt", callback_on_step_end=see
    ).images
    expected = states[-1]
    # The reference cuts a batch wrongly: its pictures are right only in one row.
    pixels = rearrange(torch.cat(list(shown)), "(b f) c h w -> b f h w c", b=batch)

    request = Request("a red square", guidance=guidance, steps=4, seed=5, batch=batch)
    found = split(loaded, picture(size), request, count=count)
    assert expected.std() > 0.1
    assert_close(found.tokens, expected, atol=1e-5 * expected.std().item(), rtol=0)
    assert len(found.images) == batch
    for layers, wanted in zip(found.images, pixels, strict=True):
        for layer, one in zip(layers, wanted, strict=True):
            assert layer.size == size
            if one.shape[:2] == size[::-1]:
                ours = torch.from_numpy(np.array(layer)) / 255
                assert_close(ours, one, atol=0.51 / 255, rtol=0)
                assert one.std() > 0.01
