"""The published pipelines with control networks end in the same latents."""

import numpy as np
import pytest
import torch
from diffusers import (
    QwenImageControlNetInpaintPipeline,
    QwenImageControlNetModel,
    QwenImageControlNetPipeline,
)
from diffusers.models.controlnets.controlnet_qwenimage import QwenImageMultiControlNetModel
from diffusers.pipelines.qwenimage import pipeline_qwenimage_controlnet
from PIL import Image
from torch.testing import assert_close

from danqing.core.seed import derive, generator
from danqing.flow.noise import draw
from danqing.pipelines.control import Control
from danqing.pipelines.latents import pack
from danqing.pipelines.load import load_leader
from danqing.pipelines.request import Request

SIZE = (40, 24)
SEED = 5
SIZES = (
    "in_channels",
    "out_channels",
    "num_attention_heads",
    "attention_head_dim",
    "joint_attention_dim",
    "axes_dims_rope",
)


@pytest.fixture(scope="module")
def networks(published, loaded, tmp_path_factory):
    """Two published control networks, as they are and as we load them."""
    sizes = {name: published.transformer.config[name] for name in SIZES}
    made = {}
    for name, settings in {
        "union": {"num_layers": 1},
        "deep": {"num_layers": 2},
        "inpaint": {"num_layers": 2, "extra_condition_channels": 4},
    }.items():
        torch.manual_seed(len(name))
        network = QwenImageControlNetModel(**sizes | settings).eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        folder = tmp_path_factory.mktemp("control") / name
        network.save_pretrained(folder)
        load_leader(loaded, str(folder))
        made[name] = network, str(folder)
    return made


def picture(seed, size=SIZE):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), np.uint8))


def request(controls, **settings):
    return Request(
        "a red square",
        negative="a",
        size=SIZE,
        seed=SEED,
        steps=4,
        controls=tuple(controls),
        **{"guidance": 2.5} | settings,
    )


def theirs(kind, published, loaded, network, wish, **settings):
    """The final latents of a published pipeline, from the noise that our seed means."""
    pipe = kind(**published.components, controlnet=network)
    pipe.set_progress_bar_config(disable=True)
    pipe.prompt_template_encode_start_idx = published.prompt_template_encode_start_idx
    noise = pack(draw(1, 4, SIZE[1] // loaded.vae.factor, SIZE[0] // loaded.vae.factor, SEED))
    return pipe(
        prompt=wish.prompt,
        negative_prompt=wish.negative if wish.guidance > 1 else None,
        true_cfg_scale=wish.guidance,
        width=SIZE[0],
        height=SIZE[1],
        num_inference_steps=wish.steps,
        latents=noise,
        output_type="latent",
        **settings,
    ).images


def check(loaded, wish, expected):
    found = loaded.paint(wish).tokens
    assert expected.std() > 0.1
    assert_close(found, expected, atol=1e-5 * expected.std().item(), rtol=0)
    without = loaded.paint(request([], guidance=wish.guidance)).tokens
    assert (found - without).abs().max() > 0.01


@pytest.mark.parametrize("name", ["union", "deep"])
@pytest.mark.parametrize(
    ("scale", "interval", "guidance"),
    [(1.0, (0.0, 1.0), 2.5), (0.6, (0.0, 1.0), 1.0), (1.5, (0.25, 0.8), 2.5)],
)
def test_a_network_with_one_picture(published, loaded, networks, name, scale, interval, guidance):
    network, folder = networks[name]
    image = picture(1)
    control = Control(folder, image, scale=scale, interval=interval)
    wish = request([control], guidance=guidance)
    expected = theirs(
        QwenImageControlNetPipeline,
        published,
        loaded,
        network,
        wish,
        control_image=image,
        controlnet_conditioning_scale=scale,
        control_guidance_start=interval[0],
        control_guidance_end=interval[1],
        generator=generator(derive(SEED, "control", 0)),
    )
    check(loaded, wish, expected)


def test_a_network_with_two_pictures(published, loaded, networks, monkeypatch):
    network, folder = networks["deep"]
    images, scales, intervals = [picture(1), picture(2)], [0.5, 0.9], [(0.0, 0.5), (0.25, 1.0)]
    wish = request(
        Control(folder, image, scale=scale, interval=interval)
        for image, scale, interval in zip(images, scales, intervals, strict=True)
    )
    # The published pipeline draws for both pictures by one generator, we by one for each.
    ours = iter([generator(derive(SEED, "control", number)) for number in range(2)])
    monkeypatch.setattr(
        pipeline_qwenimage_controlnet,
        "retrieve_latents",
        lambda posterior, generator: posterior.latent_dist.sample(next(ours)),
    )
    expected = theirs(
        QwenImageControlNetPipeline,
        published,
        loaded,
        QwenImageMultiControlNetModel([network]),
        wish,
        control_image=images,
        controlnet_conditioning_scale=scales,
        control_guidance_start=[start for start, _ in intervals],
        control_guidance_end=[end for _, end in intervals],
    )
    check(loaded, wish, expected)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_network_that_inpaints(published, loaded, networks, guidance):
    network, folder = networks["inpaint"]
    image, mask = picture(3), Image.new("L", SIZE)
    mask.paste(255, (9, 5, 30, 17))
    wish = request([Control(folder, image, mask=mask)], guidance=guidance)
    # The published pipeline draws from the global generator here.
    torch.manual_seed(derive(SEED, "control", 0))
    expected = theirs(
        QwenImageControlNetInpaintPipeline,
        published,
        loaded,
        network,
        wish,
        control_image=image,
        control_mask=mask,
    )
    check(loaded, wish, expected)
