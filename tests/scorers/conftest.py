"""Small networks that know nothing, in the shapes of published ones."""

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    PreTrainedTokenizerFast,
    SwinConfig,
)
from transformers.models.mask2former.image_processing_pil_mask2former import (
    Mask2FormerImageProcessorPil,
)

from danqing.scorers.instances import Mask2Former
from danqing.scorers.things import COLORS

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def tokenizer():
    known = ["<pad>", "</s>", "<unk>", "a", "hill", "cat", *COLORS]
    vocabulary = {word: i for i, word in enumerate(known)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="</s>",
        model_max_length=8,
    )  # fmt: skip


def save_clip():
    text = SMALL | {
        "vocab_size": 16, "max_position_embeddings": 8, "eos_token_id": 1, "pad_token_id": 0,
        "bos_token_id": 1,
    }  # fmt: skip
    vision = SMALL | {"image_size": 32, "patch_size": 8}
    network = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))
    size = {"height": 32, "width": 32}
    return network, CLIPProcessor(CLIPImageProcessor(size=size, crop_size=size), tokenizer())


@pytest.fixture(scope="session")
def detector(tmp_path_factory):
    pytest.importorskip("scipy", reason="the library's network wants it for its losses")
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("mask2former")
    backbone = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_feedforward_dim=16, dim_feedforward=16, encoder_layers=1, decoder_layers=2,
        num_attention_heads=2, num_queries=9,
        id2label={0: "person", 1: "clock", 2: "cat"},
        label2id={"person": 0, "clock": 1, "cat": 2},
    )  # fmt: skip
    network = Mask2FormerForUniversalSegmentation(config)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    network.save_pretrained(folder)
    Mask2FormerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return Mask2Former(model=str(folder), device="cpu")
