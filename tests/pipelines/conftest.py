"""Tiny pipelines of diffusers, whole, with random weights."""

import json

import pytest
import torch

from danqing.flow.schedule import DynamicShift, to_published
from danqing.pipelines.load import load
from danqing.testing import CONDITIONER, SEEING, toy_conditioner


@pytest.fixture(scope="session")
def tokenizer():
    """The tokenizer of the toy conditioner, as transformers has it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=toy_conditioner().writer.tokenizer,
        pad_token="<|endoftext|>",
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


@pytest.fixture(scope="session")
def random_parts(tokenizer):
    """Return a function that makes the networks of a pipeline; what it is told differs."""
    from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    transformer = {
        "in_channels": 16,
        "out_channels": 4,
        "num_layers": 2,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "axes_dims_rope": (4, 6, 6),
    }
    vae = {
        "base_dim": 8,
        "z_dim": 4,
        "dim_mult": [1, 2, 2],
        "num_res_blocks": 1,
        "temperal_downsample": [False, True],
        "latents_mean": [0.1, -0.2, 0.3, 0.0],
        "latents_std": [1.5, 0.8, 1.0, 1.2],
    }

    def make(conditioner, its_transformer, its_vae):
        torch.manual_seed(0)
        sizes = Qwen2_5_VLConfig.from_dict(conditioner.to_published(tokenizer.backend_tokenizer))
        parts = {
            "transformer": QwenImageTransformer2DModel(
                **transformer | {"joint_attention_dim": conditioner.width} | its_transformer
            ),
            "vae": AutoencoderKLQwenImage(**vae | its_vae),
            "text_encoder": Qwen2_5_VLForConditionalGeneration(sizes),
        }
        with torch.no_grad():
            for part in parts.values():
                for weight in part.eval().parameters():
                    weight.add_(0.05 * torch.randn_like(weight))
        return parts

    return make


@pytest.fixture(scope="session")
def assembled(tokenizer):
    """Return a function that makes a pipeline of diffusers of its parts."""
    import diffusers

    def make(kind, parts, schedule, **more):
        scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_config(to_published(schedule))
        pipe = getattr(diffusers, kind)(scheduler=scheduler, tokenizer=tokenizer, **parts, **more)
        pipe.set_progress_bar_config(disable=True)
        # The toy tokenizer counts the template's opening otherwise than the published one.
        opening = pipe.prompt_template_encode.partition("user\n")[0] + "user\n"
        pipe.prompt_template_encode_start_idx = len(tokenizer(opening).input_ids)
        return pipe

    return make


@pytest.fixture(scope="session")
def editor(tokenizer, random_parts, assembled, tmp_path_factory):
    """Return a function that makes an editing pipeline of diffusers, and the folder it is in.

    Its networks have the published strides, so that sizes are as published too.
    """
    from transformers import Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 28**2, "longest_edge": 30 * 28**2})

    class WithoutVideo(Qwen2_5_VLProcessor):
        """Its own class insists on a video processor, which insists on torchvision."""

        def __init__(self):
            self.tokenizer, self.image_processor, self.chat_template = tokenizer, images, None
            self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)

        def get_attributes(self):
            return ["image_processor", "tokenizer"]

    class WithPlaces(torch.nn.Module):
        """Gives pictures their 3-D places, which diffusers 0.42 loses with transformers 5."""

        dtype, device = torch.float32, torch.device("cpu")

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, **inputs):
            kinds = (input_ids == self.model.config.image_token_id).int()
            return self.model(input_ids, mm_token_type_ids=kinds, **inputs)

    def make(kind, **variant):
        strides = {
            "base_dim": 4,
            "dim_mult": [1, 2, 2, 2],
            "temperal_downsample": [False, True, True],
        }
        parts = random_parts(SEEING, variant, strides)
        seeing = parts | {"text_encoder": WithPlaces(parts["text_encoder"])}
        pipe = assembled(kind, seeing, DynamicShift(), processor=WithoutVideo())

        folder = tmp_path_factory.mktemp(kind)
        saved = {**parts, "scheduler": pipe.scheduler, "tokenizer": tokenizer}
        for name, part in saved.items():
            part.save_pretrained(folder / name)
        images.save_pretrained(folder / "processor")
        (folder / "model_index.json").write_text(json.dumps({"_class_name": kind}))
        return pipe, folder

    return make


@pytest.fixture(scope="module")
def published(random_parts, assembled):
    """A tiny QwenImagePipeline with random weights."""
    return assembled("QwenImagePipeline", random_parts(CONDITIONER, {}, {}), DynamicShift())


@pytest.fixture(scope="module")
def loaded(published, tmp_path_factory):
    """The same pipeline, by way of the disk."""
    folder = tmp_path_factory.mktemp("published") / "tiny-qwen"
    published.save_pretrained(folder)
    return load(folder, device="cpu", dtype="float32")
