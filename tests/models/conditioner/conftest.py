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
def language_model(tokenizer):
    """A tiny Qwen2.5-VL, wide enough in its values that a mistake shows."""
    from transformers import Qwen2_5_VLForConditionalGeneration

    from danqing.models.conditioner.config import ConditionerConfig

    config = ConditionerConfig(
        width=64, heads=2, kv_heads=1, mlp=96, vision_width=32, vision_mlp=48
    ).to_transformers(tokenizer)
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
def conditioner_for(language_model, tokenizer, processor):
    """Gives a conditioner with a named template; all share the same weights."""
    from danqing.models.conditioner.model import Conditioner
    from danqing.models.conditioner.template import TEMPLATES

    def conditioner(name):
        return Conditioner(language_model.model, tokenizer, TEMPLATES[name], processor)

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
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)
