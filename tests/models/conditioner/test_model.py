"""How a prompt is read does not depend on what is read beside it."""

import logging

import pytest
import torch

from danqing.core.errors import RequestError
from danqing.models.conditioner.config import ConditionerConfig
from danqing.models.conditioner.model import Conditioner, Conditioning
from danqing.models.conditioner.template import TEMPLATES
from danqing.models.conditioner.tokenizer import PAD, build_tokenizer
from danqing.models.conditioner.vision import EDIT_AREA, EDIT_PLUS_AREA, fit

PROMPTS = ["a red circle", "two blue circles on the left of a red circle", "红色", ""]


def rows(conditioning):
    """Give the real part of each row, having checked that the rest is zero."""
    text, mask = conditioning.text, conditioning.mask
    if mask is None:
        mask = torch.ones(text.shape[:2], dtype=torch.bool)
    assert not text[~mask].any()
    lengths = mask.sum(-1).tolist()
    assert all(m[:n].all() for m, n in zip(mask, lengths, strict=True))
    return [t[:n] for t, n in zip(text, lengths, strict=True)]


def assert_each_as_alone(together, alone):
    for row, single in zip(rows(together), alone, strict=True):
        assert single.mask is None
        torch.testing.assert_close(row, single.text[0], atol=1e-5, rtol=0)


def test_a_batch_of_prompts_reads_each_as_alone(conditioner_for):
    conditioner = conditioner_for("text_to_image")
    together = conditioner.read(PROMPTS)
    assert together.mask is not None
    assert_each_as_alone(together, [conditioner.read([prompt]) for prompt in PROMPTS])


def test_a_batch_with_pictures_reads_each_as_alone(conditioner_for, pictures):
    conditioner = conditioner_for("edit_plus")
    prompts = ["a red circle", "two", "blue circles"]
    images = [pictures[:2], [], pictures[2:]]
    together = conditioner.read(prompts, images)
    alone = [conditioner.read([p], [own]) for p, own in zip(prompts, images, strict=True)]
    assert_each_as_alone(together, alone)


def test_prompts_read_side_by_side_read_bit_for_bit_as_alone(conditioner_for, pictures):
    conditioner = conditioner_for("nano")
    alone = [conditioner.read([prompt]).text for prompt in PROMPTS]
    for text, expected in zip(conditioner.read_each(PROMPTS), alone, strict=True):
        assert torch.equal(text, expected)
    conditioner = conditioner_for("edit_plus")
    prompts, images = ["a red circle", "two"], [pictures[:2], []]
    each = conditioner.read_each(prompts, images)
    for text, prompt, own in zip(each, prompts, images, strict=True):
        assert torch.equal(text, conditioner.read([prompt], [own]).text)


def test_the_mask_is_left_out_when_nothing_is_padded(conditioner_for):
    assert conditioner_for("nano").read(["a red circle", "a blue circle"]).mask is None


def test_the_prompt_and_five_closing_tokens_remain(conditioner_for):
    conditioner = conditioner_for("nano")
    assert conditioner.read([""]).text.shape == (1, 5, 64)
    assert conditioner.read(["two red circles"]).text.shape == (1, 8, 64)


def test_no_attention_mask_is_built(conditioner_for, monkeypatch):
    """It would take the square of the prompt's length: gigabytes at 32,768 tokens."""
    masks = []
    attend = torch.nn.functional.scaled_dot_product_attention

    def spy(*tensors, attn_mask=None, is_causal=False, **options):
        masks.append((attn_mask, is_causal))
        return attend(*tensors, attn_mask=attn_mask, is_causal=is_causal, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    conditioner_for("nano").read(PROMPTS)
    assert masks == [(None, True)] * 2


def test_pictures_are_looked_at_only_when_there_are_some(conditioner_for, pictures):
    conditioner, looks = conditioner_for("nano_edit_plus"), []
    handle = conditioner.vision.tower.register_forward_hook(lambda *_: looks.append(1))
    conditioner.read(["a red circle"])
    assert not looks
    conditioner.read(["a red circle"], [pictures[:1]])
    handle.remove()
    assert looks


def test_what_a_picture_shows_changes_what_is_read(conditioner_for, pictures):
    conditioner = conditioner_for("nano_edit")
    views = (pictures[1], pictures[1].rotate(180))
    upright, turned = (conditioner.read(["two"], [[view]]).text for view in views)
    assert (upright - turned).abs().max() > 0.01


def test_training_reaches_every_weight_of_the_language_model(conditioner_for):
    conditioner = conditioner_for("nano")
    text, mask = conditioner(*conditioner.tokenize(PROMPTS))
    text[mask].sin().sum().backward()
    gradients = {n: p.grad for n, p in conditioner.named_parameters() if "vision" not in n}
    conditioner.zero_grad()
    assert gradients
    assert not [name for name, gradient in gradients.items() if not gradient.any()]


def test_padding_gets_no_gradient(conditioner_for):
    conditioner = conditioner_for("nano")
    text, _ = conditioner(*conditioner.tokenize(["a", "two red circles"]))
    text.square().sum().backward()
    table = conditioner.language.embed.weight
    assert not table.grad[conditioner.writer.tokenizer.token_to_id(PAD)].any()
    conditioner.zero_grad()


def test_a_limit_cuts_after_the_opening_and_says_so(conditioner_for, caplog):
    conditioner = conditioner_for("text_to_image")
    whole, cut = conditioner.read(PROMPTS), conditioner.read(PROMPTS, limit=7)
    torch.testing.assert_close(cut.text, whole.text[:, :7], atol=1e-5, rtol=0)
    assert torch.equal(cut.mask, whole.mask[:, :7])
    assert "its 5 closing tokens among the lost" in caplog.text


def test_a_limit_that_cuts_nothing_is_silent(conditioner_for, caplog):
    conditioner_for("nano").read(["a red circle"], limit=8)
    assert not caplog.records


def test_a_prompt_longer_than_the_trained_range_is_read_with_a_warning(conditioner_for, caplog):
    conditioner = conditioner_for("nano")
    with caplog.at_level(logging.WARNING):
        assert conditioner.read([" red" * 507]).text.shape[1] == 512
        assert not caplog.records
        assert conditioner.read([" red" * 508]).text.shape[1] == 513
    assert "513 tokens long; beyond 512" in caplog.text


@pytest.mark.parametrize(
    ("template", "prompts", "count", "options", "words"),
    [
        ("edit_plus", ["a", "b"], 1, {}, "one list for each of 2 prompts, got 1 lists"),
        ("edit_plus", ["a"], 1, {"limit": 9}, "limit must be None with pictures, got 9"),
        ("edit", ["<|image_pad|>"], 1, {}, "prompt must be free of control tokens"),
        ("nano", ["a"], 1, {}, "pictures must be 0 with this model, got 1"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(
    conditioner_for, pictures, template, prompts, count, options, words
):
    with pytest.raises(RequestError, match=words):
        conditioner_for(template).read(prompts, [pictures[:1]] * count, **options)


def test_the_published_tokenizer_drops_34_and_64_tokens(qwen_tokenizer):
    def count(text):
        return len(qwen_tokenizer.encode(text).ids)

    assert count(TEMPLATES["text_to_image"].dropped) == 34
    assert count(TEMPLATES["edit"].dropped) == count(TEMPLATES["edit_plus"].dropped) == 64
    assert count(TEMPLATES["text_to_image"].render("")) == 34 + 5
    assert count(TEMPLATES["text_to_image"].render(" ")) == 34 + 6


@pytest.mark.parametrize("name", [n for n in TEMPLATES if TEMPLATES[n].drop_user_header])
@pytest.mark.parametrize("which", ["tokenizer", "qwen_tokenizer"])
def test_counting_agrees_with_the_place_of_the_users_turn(request, which, name):
    """Without counting: the opening ends two tokens after the turn's mark, role and newline."""
    tokenizer, template = request.getfixturevalue(which), TEMPLATES[name]
    ids = tokenizer.encode(template.render("a cat", template.pictures or 0)).ids
    turns = [i for i, t in enumerate(ids) if t == tokenizer.token_to_id("<|im_start|>")]
    user = turns[0 if template.system is None else 1]
    assert len(tokenizer.encode(template.dropped).ids) == user + 3


def test_sizes_of_source_pictures_follow_the_reference():
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    for width, height in ((1, 1), (640, 480), (3000, 1000), (777, 1501)):
        for area in (EDIT_AREA, EDIT_PLUS_AREA):
            assert fit(area, width, height) == calculate_dimensions(area, width / height)
    assert fit(EDIT_AREA, 640, 480) == (1184, 896)


def test_the_shapes_of_a_conditioning_are_checked():
    with pytest.raises(Exception, match="mask"):
        Conditioning(torch.zeros(1, 3, 4), torch.zeros(1, 2, dtype=torch.bool))


def test_more_words_leave_what_is_read_as_it_was():
    words, more = ("a", "red", "circle", "红色"), ("a", "new", "red", "circle", "红色", "绿色")
    small = build_tokenizer(words, "一")
    before = Conditioner.build(ConditionerConfig(width=32, heads=2, kv_heads=2, mlp=32), small)
    after = before.with_vocabulary(build_tokenizer(more, "二一"))
    for prompt in ("a red circle", "“一” 红色"):
        assert torch.equal(after.read([prompt]).text, before.read([prompt]).text)
    assert len(after.writer.ids("绿色")) < len(before.writer.ids("绿色"))
    assert after.settings["text_config"]["vocab_size"] == len(after.language.embed.weight)
    assert not torch.equal(after.read(["new"]).text, before.read(["new"]).text)
    after.language.layers[0].mlp.down.weight.data.zero_()
    assert before.language.layers[0].mlp.down.weight.any()
