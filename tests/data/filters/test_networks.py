"""Filters that ask networks, with small random networks of the published kinds."""

import numpy as np
import pytest
import torch

pytest.importorskip("daft", reason="filtering needs the extra `data`")

from danqing.core.errors import RecipeError
from danqing.data.filters import Batch, filters
from danqing.data.filters.base import Listed
from danqing.data.run import Recipe, run
from danqing.data.sources.planted import Planted, encode, scene
from danqing.data.stages import Stage


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("vit")
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        id2label={0: "normal", 1: "nsfw"},
        label2id={"normal": 0, "nsfw": 1},
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return str(folder)


def rows(count, captions=None):
    images = [encode(scene(np.random.default_rng(seed), 96), "PNG") for seed in range(count)]
    names = ["a.png"] * count
    texts = captions or ["a hill"] * count
    none = [None] * count
    return Batch(
        {"image": images, "name": names, "raw": texts, "recaption": none, "fused": none}, 64
    )


def test_a_classifier_gives_the_library_s_probabilities(classifier):
    from transformers import pipeline

    batch = rows(20)
    part = filters["nsfw"](model=classifier)
    values = [measured.value for measured in part.measure(batch)]
    from PIL import Image

    reference = pipeline("image-classification", classifier, use_fast=False)
    for pixels, value in zip(batch.images, values, strict=True):
        told = {row["label"]: row["score"] for row in reference(Image.fromarray(pixels))}
        assert value == pytest.approx(told["nsfw"], abs=1e-5)


def test_a_broken_picture_has_no_number(classifier):
    batch = rows(2)
    batch.columns["image"][0] = b"none"
    first, second = filters["nsfw"](model=classifier).measure(batch)
    assert first.value is None
    assert first.note
    assert second.value is not None


def test_an_unknown_label_is_said(classifier):
    with pytest.raises(RecipeError, match="normal, nsfw"):
        filters["nsfw"](model=classifier, label="bad").load()


@pytest.mark.parametrize("name", ["nsfw", "siglip"])
def test_a_network_that_is_not_there_stops_the_run_before_it_begins(tmp_path, name):
    part = filters[name](model=str(tmp_path / "none"))
    recipe = Recipe(
        corpus=tmp_path / "corpus",
        sources={"made": Planted(rows=4, side=96)},
        stages={"initial": Stage(filters={name: part})},
    )
    with pytest.raises(RecipeError, match="take the filter out"):
        run(recipe)
    assert not (tmp_path / "corpus" / "manifest.json").exists()


@pytest.fixture(scope="module")
def towers(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessor,
        SiglipModel,
        SiglipProcessor,
    )

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("siglip")
    small = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config = SiglipConfig(
        text_config={
            **small,
            "vocab_size": 16,
            "max_position_embeddings": 8,
            "projection_size": 32,
        },
        vision_config={**small, "image_size": 32, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(folder)
    vocabulary = {word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", "a", "hill", "cat"])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", model_max_length=8
    )
    images = SiglipImageProcessor(size={"height": 32, "width": 32})
    SiglipProcessor(images, tokenizer).save_pretrained(folder)
    return str(folder)


def test_embeddings_tell_copies_from_others(towers):
    part = filters["semantic_duplicate"](model=towers)
    batch = rows(6)
    batch.columns["image"][2] = batch.columns["image"][4]
    batch.columns["image"][5] = b"none"
    sketches = part.sketch(batch)
    assert sketches[5] is None
    assert sketches[2] == sketches[4]
    measured = part.compare(Listed(sketches))
    assert measured[4].value == pytest.approx(1, abs=2e-3)
    assert measured[4].note == "like row 2"
    assert measured[5].value is None
    alike = part.likeness(sketches[0], sketches[:5])
    assert alike[0] == pytest.approx(1, abs=2e-3)
    assert alike.argmax() == 0
    # Each is compared with what is better than it, however many there are at once.
    pairs = np.stack([part.likeness(s, sketches[:5]) for s in sketches[:5]])
    head = [head.width * head.height for head in batch.heads[:5]]
    for row in range(5):
        better = [r for r in range(5) if (-head[r], r) < (-head[row], row)]
        expected = max([pairs[row, r] for r in better], default=0)
        assert measured[row].value == pytest.approx(min(1, expected), abs=1e-5)


def test_alignment_is_the_cosine_of_the_towers(towers):
    captions = ["a hill", "a cat", None]
    values = [m.value for m in filters["siglip"](model=towers).measure(rows(3, captions))]
    assert values[2] is None
    assert all(-1 <= value <= 1 for value in values[:2])
    other = [m.value for m in filters["siglip"](model=towers).measure(rows(3, ["a cat"] * 3))]
    assert other[0] != values[0]
    assert other[1] == pytest.approx(values[1], abs=1e-6)
