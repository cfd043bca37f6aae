"""The same weights read the same as in diffusers' pipelines."""

import pytest
import torch

PROMPTS = ["a red circle", 'two blue circles and the word "LOVE"', "红色的圆形"]
TOLERANCE = {"atol": 1e-5, "rtol": 0}


@pytest.fixture(scope="module")
def reference(language_model, published_tokenizer, processor, conditioner_for):
    """Gives a diffusers pipeline that holds nothing but our conditioner's parts."""
    import diffusers
    from transformers import Qwen2_5_VLProcessor

    tokenizer = published_tokenizer

    class WithoutVideo(Qwen2_5_VLProcessor):
        """Its own class insists on a video processor, which insists on torchvision."""

        def __init__(self):
            self.tokenizer, self.image_processor, self.chat_template = tokenizer, processor, None
            self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)

        def get_attributes(self):
            return ["image_processor", "tokenizer"]

    class WithPlaces(torch.nn.Module):
        """Gives pictures their 3-D places, which diffusers 0.42 loses with transformers 5."""

        dtype = torch.float32

        def forward(self, input_ids, **inputs):
            kinds = (input_ids == language_model.config.image_token_id).int()
            return language_model(input_ids, mm_token_type_ids=kinds, **inputs)

    def pipeline(kind, template):
        extra = {} if kind == "QwenImagePipeline" else {"processor": None}
        pipe = getattr(diffusers, kind)(
            scheduler=None, vae=None, text_encoder=None, tokenizer=None, transformer=None, **extra
        )
        pipe.tokenizer, pipe.text_encoder, pipe.processor = tokenizer, WithPlaces(), WithoutVideo()
        # Ours reads the system message as other tokens than the published tokenizer does.
        pipe.prompt_template_encode_start_idx = conditioner_for(template).writer.drop
        return pipe

    return pipeline


@torch.no_grad()
def read(pipe, prompts, *images):
    return pipe._get_qwen_prompt_embeds(prompts, *images, device="cpu", dtype=torch.float32)


def test_prompts_read_as_in_the_text_to_image_pipeline(reference, conditioner_for):
    text, mask = read(reference("QwenImagePipeline", "text_to_image"), PROMPTS)
    ours = conditioner_for("text_to_image").read(PROMPTS)
    torch.testing.assert_close(ours.text, text, **TOLERANCE)
    assert torch.equal(ours.mask, mask.bool())


@pytest.mark.parametrize("limit", [6, 512])
def test_a_limit_is_the_reference_s_sequence_length(reference, conditioner_for, limit):
    pipe = reference("QwenImagePipeline", "text_to_image")
    with torch.no_grad():
        text, mask = pipe.encode_prompt(PROMPTS, device="cpu", max_sequence_length=limit)
    ours = conditioner_for("text_to_image").read(PROMPTS, limit=limit)
    torch.testing.assert_close(ours.text, text, **TOLERANCE)
    assert (ours.mask is None and mask is None) or torch.equal(ours.mask, mask.bool())


def test_a_picture_reads_as_in_the_edit_pipeline(reference, conditioner_for, pictures):
    image = pictures[0]
    text, _ = read(reference("QwenImageEditPipeline", "edit"), PROMPTS[:1], image)
    ours = conditioner_for("edit").read(PROMPTS[:1], [[image]])
    assert ours.text.shape[1] > 12
    torch.testing.assert_close(ours.text, text, **TOLERANCE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_pictures_read_as_in_the_edit_plus_pipeline(reference, conditioner_for, pictures, count):
    images = pictures[:count]
    text, _ = read(reference("QwenImageEditPlusPipeline", "edit_plus"), PROMPTS[:1], images)
    ours = conditioner_for("edit_plus").read(PROMPTS[:1], [images])
    torch.testing.assert_close(ours.text, text, **TOLERANCE)
