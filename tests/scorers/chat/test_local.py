"""The real library on networks of the published kinds, tiny and with random weights."""

import math
from dataclasses import replace

import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)

from danqing.core.errors import MissingPackage, RecipeError
from danqing.models.conditioner.config import ConditionerConfig, EyesConfig
from danqing.models.conditioner.tokenizer import build_tokenizer
from danqing.scorers.chat import Chat, Question, Transformers
from danqing.scorers.chat.local import _processor

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% for part in message.content %}{% if part.type == 'image' %}"
    "IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer():
    return PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(("a", "red", "picture"), "红"),
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
        clean_up_tokenization_spaces=False,
    )


def save(network, words, folder):
    """Save a network that stops at any moment, and to which it matters what it sees."""
    network.generation_config.eos_token_id = list(range(0, len(words), 4))
    network.generation_config.pad_token_id = words.pad_token_id
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.5 * torch.randn_like(weight))
    network.save_pretrained(folder)


def save_llava(folder):
    words = tokenizer()
    image = words.convert_tokens_to_ids("<|image_pad|>")
    sizes = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
            image_size=28, patch_size=14,
        ),
        text_config=LlamaConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            vocab_size=len(words), bos_token_id=None, eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        ),
        image_token_index=image,
    )  # fmt: skip
    save(LlavaForConditionalGeneration(sizes), words, folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<|image_pad|>",
        chat_template=CHAT.replace("IMAGE", "<|image_pad|>"),
    ).save_pretrained(folder)


def save_qwen(folder):
    words = tokenizer()
    eyes = EyesConfig(depth=1, width=32, mlp=48)
    sizes = ConditionerConfig(width=32, depth=1, heads=2, kv_heads=1, mlp=48, eyes=eyes)
    config = Qwen2_5_VLConfig.from_dict(sizes.to_published(words.backend_tokenizer))
    save(Qwen2_5_VLForConditionalGeneration(config), words, folder)
    # The files of the published repositories; torchvision is not needed to write them.
    limits = {"min_pixels": 56 * 56, "max_pixels": 112 * 112}
    Qwen2VLImageProcessorPil(**limits).save_pretrained(folder)
    words.chat_template = CHAT.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    words.save_pretrained(folder)


@pytest.fixture(scope="module", params=[save_llava, save_qwen])
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes")
    torch.manual_seed(0)
    request.param(folder)
    return folder


def questions():
    """Pictures of several shapes, and prompts of several lengths."""
    shapes = [(64, 64), (96, 60), (64, 64), (60, 120), (70, 70)]
    for row, shape in enumerate(shapes):
        image = Image.new("RGB", shape, (50 * row, 90, 20))
        yield Question(key=row, images=(image,), text="a red picture " * (1 + 3 * row))


def test_a_batch_says_what_each_picture_says_alone(folder):
    settings = {"model": str(folder), "max_tokens": 6, "device": "cpu", "dtype": "float32"}
    alone = list(Transformers(**settings, batch=1).ask(questions()))
    together = list(Transformers(**settings, batch=3).ask(questions()))
    assert together == alone
    assert [answer.key for answer in alone] == list(range(5))
    for answer in alone:
        assert answer.trouble is None
        assert 0 < answer.written <= 6
        assert answer.read > 10
    assert len({answer.written for answer in alone}) > 1


def test_it_looks_at_the_pictures(folder):
    chat = Transformers(model=str(folder), max_tokens=6, device="cpu", dtype="float32")
    colors = ("white", "black", "red", "blue")
    pictures = [Image.new("RGB", (64, 64), color) for color in colors]
    answers = chat.ask(
        Question(key=i, images=(p,), text="a picture") for i, p in enumerate(pictures)
    )
    assert len({answer.text for answer in answers}) > 1


def test_it_is_what_the_library_says_itself(folder):
    processor = _processor(str(folder))
    network = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    question = next(questions())
    content = [{"type": "image"}, {"type": "text", "text": question.text}]
    talk = [{"role": "user", "content": content}]
    text = processor.apply_chat_template(talk, add_generation_prompt=True)
    inputs = processor(text=[text], images=[question.images[0]], return_tensors="pt")
    ids = network.generate(**inputs, max_new_tokens=6, do_sample=False)
    written = ids[0, inputs["input_ids"].shape[1] :]
    chat = Transformers(model=str(folder), max_tokens=6, device="cpu", dtype="float32")
    (answer,) = chat.ask([question])
    assert answer.text == processor.decode(written, skip_special_tokens=True)
    assert answer.read == inputs["input_ids"].shape[1]
    assert isinstance(chat, Chat)


def various():
    """Questions of every kind, none like the one before."""
    red, blue = (Image.new("RGB", (64, 64), color) for color in ("red", "blue"))
    return [
        Question(key=0, images=(red,), text="a picture"),
        Question(key=1, images=(red, blue), text="a picture"),
        Question(key=2, images=(blue, red), text="a picture"),
        Question(key=3, images=(red,), text="a picture", text_first=True),
        Question(key=4, images=(red,), text="a picture", system="a red red picture"),
        Question(key=5, text="a picture"),
        Question(key=6, images=(red,), text="a picture", max_tokens=1),
    ]


def test_pictures_words_and_settings_are_shown_as_they_were_asked_for(folder):
    chat = Transformers(model=str(folder), max_tokens=6, device="cpu", dtype="float32", batch=4)
    answers = list(chat.ask(replace(question, top=5) for question in various()))
    assert [answer.key for answer in answers] == list(range(7))
    assert all(answer.written <= 6 for answer in answers)
    assert answers[6].written == 1
    reads = [answer.read for answer in answers]
    assert reads[1] == reads[2] > reads[0] == reads[3] == reads[6] > reads[5]
    assert reads[4] > reads[0]
    # What is shown, and in which order, shapes how likely the first word is.
    firsts = [tuple(answer.places[0].likely.values()) for answer in answers[:6]]
    assert len(set(firsts)) == 6
    assert firsts[0] == pytest.approx(tuple(answers[6].places[0].likely.values()), abs=1e-5)


def test_log_probabilities_are_those_the_words_were_chosen_by(folder):
    network = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    processor = _processor(str(folder))
    question = replace(next(questions()), top=100_000)
    chat = Transformers(model=str(folder), max_tokens=6, device="cpu", dtype="float32")
    (answer,) = chat.ask([question])
    content = [{"type": "image"}, {"type": "text", "text": question.text}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    inputs = processor(text=[text], images=[question.images[0]], return_tensors="pt")
    with torch.inference_mode():
        expected = network(**inputs).logits[0, -1].log_softmax(-1)
    first = answer.places[0]
    assert len(answer.places) == answer.written
    best = int(expected.argmax())
    assert first.token == processor.tokenizer.decode([best])
    alike = [i for i in range(len(expected)) if processor.tokenizer.decode([i]) == first.token]
    wanted = expected[alike].logsumexp(0)
    assert first.likely[first.token] == pytest.approx(float(wanted), abs=1e-4)
    assert sum(map(math.exp, first.likely.values())) == pytest.approx(1, abs=1e-4)
    (few,) = chat.ask([replace(question, top=4)])
    assert 0 < len(few.places[0].likely) <= 5
    assert chat.first_token("a picture") == processor.tokenizer.decode(
        processor.tokenizer.encode("a picture")[:1]
    )


def test_no_more_pictures_are_taken_than_are_looked_at(folder):
    taken = 0

    def stream():
        nonlocal taken
        for question in questions():
            taken += 1
            yield question

    answers = Transformers(model=str(folder), batch=2, max_tokens=1, device="cpu").ask(stream())
    assert taken == 0
    next(answers)
    assert taken == 2


def test_a_network_that_is_not_there_is_said(tmp_path):
    with pytest.raises(RecipeError, match="must be on this machine or on the hub"):
        list(Transformers(model=str(tmp_path / "nothing"), device="cpu").ask(questions()))
    with pytest.raises(RecipeError, match="at least 1"):
        Transformers(batch=0)


def test_a_missing_package_is_named(folder, monkeypatch):
    def fail(*args, **settings):
        raise ImportError("this model requires `somelib`\n\nmore lines")

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", fail)
    with pytest.raises(MissingPackage, match="requires `somelib`; install it"):
        list(Transformers(model=str(folder), device="cpu").ask(questions()))
