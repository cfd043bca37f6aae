"""Vectors are the library's, of unit length, and the same however they are batched."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoModel,
    AutoProcessor,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
)

from danqing.core.errors import RecipeError
from danqing.scorers.embed import Embedder, Towers, cosine, embedders

from .conftest import SMALL, save_clip, tokenizer

TEXTS = ["a hill", "a cat", "a cat a hill a cat a hill a cat a hill", "cat"]


def save_siglip():
    text = SMALL | {"vocab_size": 16, "max_position_embeddings": 8, "projection_size": 32}
    vision = SMALL | {"image_size": 32, "patch_size": 8}
    network = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    images = SiglipImageProcessor(size={"height": 32, "width": 32})
    return network, SiglipProcessor(images, tokenizer())


@pytest.fixture(scope="module", params=[save_siglip, save_clip])
def towers(request, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("towers")
    network, processor = request.param()
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return Towers(model=str(folder), device="cpu", dtype="float32", batch=3)


def pictures():
    dice = np.random.default_rng(0)
    sizes = [(40, 40), (64, 40), (33, 50), (40, 40)]
    return [Image.fromarray(dice.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes]


def test_vectors_are_the_library_s(towers):
    network, process = AutoModel.from_pretrained(towers.model), AutoProcessor.from_pretrained(
        towers.model
    )  # fmt: skip
    inputs = process(
        text=TEXTS, images=pictures(), padding="max_length", truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        told = network.eval()(**inputs)
    images, texts = towers.images(pictures()), towers.texts(TEXTS)
    np.testing.assert_allclose(images, told.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(texts, told.text_embeds.numpy(), atol=1e-5)
    wanted = torch.cosine_similarity(told.image_embeds, told.text_embeds).numpy()
    np.testing.assert_allclose(cosine(images, texts), wanted, atol=1e-5)
    assert images.dtype == np.float32


def test_vectors_have_unit_length_and_tell_apart(towers):
    for vectors in (towers.images(pictures()), towers.texts(TEXTS)):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert len({vector.tobytes() for vector in vectors}) == 4
    assert len(towers.images([])) == 0


def test_a_vector_is_the_same_alone(towers):
    together = towers.images(pictures())
    alone = np.concatenate([towers.images([picture]) for picture in pictures()])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_it_is_an_embedder(towers):
    assert isinstance(towers, Embedder)
    assert "towers" in embedders
    assert towers.identity["model"] == towers.model


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(RecipeError, match="must be on this machine or on the hub"):
        Towers(model=str(tmp_path / "none")).texts(["a"])
    with pytest.raises(RecipeError, match="batch must be at least 1"):
        Towers(batch=0)


def test_cosines_do_not_depend_on_lengths():
    a, b = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0]])
    np.testing.assert_allclose(cosine(a, b), [1, 0])
