"""A small conditioner that every test of this room reads with."""

import os
from pathlib import Path

import pytest
import torch

WORDS = ("a", "red", "blue", "circle", "circles", "two", "on", "the", "left", "of", "红色", "圆形")
CHARACTERS = "一个红色的圆形写着"


@pytest.fixture(scope="session")
def tokenizer():
    from danqing.models.conditioner.tokenizer import build_tokenizer

    return build_tokenizer(WORDS, CHARACTERS)


@pytest.fixture(scope="session")
def published_tokenizer(tokenizer):
    """The same tokenizer as `transformers` wraps it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


@pytest.fixture(scope="session")
def language_model(tokenizer):
    """A tiny Qwen2.5-VL of `transformers`, wide enough in its values that a mistake shows."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from danqing.models.conditioner.config import ConditionerConfig, EyesConfig

    eyes = EyesConfig(width=32, mlp=48)
    sizes = ConditionerConfig(width=64, heads=2, kv_heads=1, mlp=96, eyes=eyes)
    config = Qwen2_5_VLConfig.from_dict(sizes.to_published(tokenizer))
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="session")
def processor():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    return Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 30})


@pytest.fixture(scope="session")
def published_folder(language_model, published_tokenizer, processor, tmp_path_factory):
    """The tiny model as `transformers` writes it."""
    folder = tmp_path_factory.mktemp("published")
    language_model.save_pretrained(folder / "text_encoder")
    published_tokenizer.save_pretrained(folder / "tokenizer")
    processor.save_pretrained(folder / "processor")
    return folder


@pytest.fixture(scope="session")
def conditioner_for(published_folder):
    """Gives our conditioner of these weights with a named template."""
    from functools import cache

    from danqing.models.conditioner.model import Conditioner
    from danqing.models.conditioner.template import TEMPLATES

    @cache
    def conditioner(name):
        return Conditioner.load(published_folder, template=TEMPLATES[name], eyes=True)

    return conditioner


@pytest.fixture(scope="session")
def pictures():
    """Three pictures of different sizes and shapes."""
    from PIL import Image

    generator = torch.Generator().manual_seed(0)
    sizes = ((60, 90), (84, 56), (150, 70))
    pixels = [torch.randint(256, (*s, 3), generator=generator, dtype=torch.uint8) for s in sizes]
    return [Image.fromarray(p.numpy()) for p in pixels]


@pytest.fixture(scope="session")
def qwen_tokenizer():
    """The published tokenizer, where this machine has it."""
    data = os.environ.get("DANQING_DATA", Path(__file__).parents[4] / "shared" / "data")
    folder = Path(data) / "qwen2_5_tokenizer"
    if not folder.is_dir():
        pytest.skip("no published Qwen2.5 tokenizer here; set DANQING_DATA to where it is")
    from danqing.models.conditioner.tokenizer import load_tokenizer

    return load_tokenizer(folder)
