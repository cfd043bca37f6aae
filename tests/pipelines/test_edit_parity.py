"""The published editing pipelines, saved to a folder and loaded here, paint the same latents."""

import json

import numpy as np
import pytest
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus
from PIL import Image
from torch.testing import assert_close

from danqing.core.seed import generator
from danqing.models.conditioner.vision import EDIT_AREA, EDIT_PLUS_AREA
from danqing.pipelines import edit, frame
from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.pipelines.save import save

EDIT, PLUS = "QwenImageEditPipeline", "QwenImageEditPlusPipeline"


SMALLER = 64
"""Published areas are divided by this, on both sides, so that a test takes seconds."""


@pytest.fixture(autouse=True)
def _smaller(monkeypatch):
    assert pipeline_qwenimage_edit_plus.VAE_IMAGE_SIZE == EDIT_AREA
    assert pipeline_qwenimage_edit_plus.CONDITION_IMAGE_SIZE == EDIT_PLUS_AREA
    places = [
        (pipeline_qwenimage_edit, "calculate_dimensions"),
        (pipeline_qwenimage_edit_plus, "calculate_dimensions"),
        (frame, "fit"),
        (edit, "fit"),
    ]
    for module, name in places:
        whole = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda area, *shape, whole=whole: whole(area // SMALLER, *shape)
        )


def picture(width, height, seed):
    """Return a picture with something at every scale."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8))
    fine = rng.integers(0, 64, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(np.asarray(coarse.resize((width, height))) // 4 * 3 + fine)


@pytest.fixture(scope="module")
def pair(request, editor):
    """A published pipeline, and ours of the same folder."""
    kind, variant = request.param
    pipe, folder = editor(kind, **variant)
    return kind, pipe, load(folder, device="cpu", dtype="float32"), folder


@pytest.mark.parametrize(
    ("pair", "cases"),
    [
        pytest.param(
            (EDIT, {}),
            [
                ([(300, 200)], (64, 48), {"guidance": 3.0, "batch": 2}),
                ([(90, 160)], None, {"guidance": 1.0}),
            ],
            id="edit",
        ),
        pytest.param(
            (PLUS, {}),
            [
                ([(300, 200), (90, 160)], (50, 72), {"guidance": 2.5}),
                ([(120, 100)], None, {"guidance": 1.0}),
            ],
            id="edit-plus",
        ),
        pytest.param(
            (PLUS, {"zero_cond_t": True}),
            [([(300, 200), (90, 160)], (64, 48), {"guidance": 4.0, "negative": "a blue circle"})],
            id="2511",
        ),
    ],
    indirect=["pair"],
)
def test_final_latents_equal_the_published_ones(pair, cases):
    kind, pipe, ours, _ = pair
    for sizes, size, settings in cases:
        sources = tuple(picture(*own, seed) for seed, own in enumerate(sizes))
        request = Request(
            "a red square",
            sources=sources,
            sizing="published",
            size=size,
            steps=2,
            seed=5,
            **settings,
        )
        result = ours.paint(request)
        plan = result.pictures[0].record
        expected = pipe(
            image=sources[0] if kind == EDIT else list(sources),
            prompt=request.prompt,
            negative_prompt=plan.negative if plan.guidance > 1 else None,
            true_cfg_scale=plan.guidance,
            width=size and size[0],
            height=size and size[1],
            num_inference_steps=2,
            num_images_per_prompt=request.batch,
            generator=[generator(5 + k) for k in range(request.batch)],
            output_type="latent",
        ).images
        assert expected.std() > 0.1
        assert_close(result.tokens, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("pair", [(PLUS, {"zero_cond_t": True})], indirect=True, ids=["2511"])
def test_an_editing_model_is_saved_and_loaded_as_one(pair, tmp_path):
    _, _, ours, folder = pair
    save(ours, tmp_path / "copy")
    index = json.loads((tmp_path / "copy" / "model_index.json").read_text())
    assert index["_class_name"] == PLUS
    assert set(index) - {"_class_name", "_danqing"} == {
        path.name for path in folder.iterdir() if path.is_dir()
    }
    copy = load(tmp_path / "copy", device="cpu", dtype="float32")
    request = Request("a red square", sources=(picture(60, 40, 0),), steps=1)
    first, second = ours.paint(request), copy.paint(request)
    assert_close(first.tokens, second.tokens, atol=1e-5, rtol=0)
    assert first.pictures[0].image.size == (60, 40)
