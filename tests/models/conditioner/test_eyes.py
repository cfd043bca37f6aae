"""A conditioner that gains eyes reads as before, and sees every picture at one area."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RequestError
from danqing.models.conditioner.config import EyesConfig
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.template import TEMPLATES, with_pictures
from danqing.models.conditioner.vision import cut, token_counts
from danqing.testing import toy_conditioner

PROMPTS = ["a red circle", "two blue circles on the left of a red circle", ""]
EYES = EyesConfig(width=32, mlp=48)


@pytest.fixture(scope="module")
def blind():
    return toy_conditioner()


@pytest.fixture(scope="module")
def seeing(blind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return blind.with_eyes(EYES)


def test_prompts_alone_are_read_to_the_bit_as_before(blind, seeing):
    before, after = blind.read(PROMPTS), seeing.read(PROMPTS)
    assert torch.equal(before.text, after.text)
    assert torch.equal(before.mask, after.mask)


def test_a_folder_keeps_eyes_their_area_and_how_pictures_are_put(seeing, pictures, tmp_path):
    seeing.save(tmp_path)
    again = Conditioner.load(tmp_path)
    images = [pictures[:1], [], pictures[1:]]
    assert torch.equal(again.read(PROMPTS, images).text, seeing.read(PROMPTS, images).text)
    assert again.writer.template is TEMPLATES["nano_edit_plus"]
    assert len(cut([Image.new("RGB", (600, 600))], again.vision.processor).values) == 64


def test_fresh_eyes_tell_pictures_apart_as_loudly_as_words(seeing, pictures):
    seen = seeing.vision(cut(pictures, seeing.vision.processor))
    assert 0.25 < seen.std() < 1.0
    turned = seeing.vision(cut([one.rotate(180) for one in pictures], seeing.vision.processor))
    assert (seen - turned).abs().max() > 0.1


@given(st.integers(16, 900), st.floats(0.25, 4.0))
@settings(max_examples=40, deadline=None)
def test_a_picture_of_any_size_is_seen_at_about_the_area(seeing, width, ratio):
    """Sides are whole tokens: rounded down of larger pictures, up of smaller ones."""
    picture = Image.new("RGB", (width, max(1, round(width / ratio))))
    (tokens,) = token_counts(cut([picture], seeing.vision.processor), seeing.vision.processor)
    assert 8 <= tokens <= 27


@pytest.mark.parametrize("side", range(64, 800, 32))
def test_a_square_is_seen_in_the_same_number_of_tokens_whatever_its_size(seeing, side):
    processor = seeing.vision.processor
    assert token_counts(cut([Image.new("RGB", (side, side))], processor), processor) == [16]


def test_training_reaches_every_weight_of_fresh_eyes(seeing, pictures):
    text, _ = seeing(*seeing.tokenize(PROMPTS, [pictures[:1], [], pictures[1:]]))
    text.sin().sum().backward()
    gradients = {name: p.grad for name, p in seeing.vision.named_parameters()}
    seeing.zero_grad()
    assert gradients
    assert not [name for name, one in gradients.items() if one is None or not one.any()]


def test_what_a_published_model_was_told_is_not_mixed_with_pictures():
    assert with_pictures(TEMPLATES["nano"]) is TEMPLATES["nano_edit_plus"]
    for prompt in PROMPTS:
        alone = TEMPLATES["nano"].render(prompt)
        assert TEMPLATES["nano_edit_plus"].render(prompt) == alone
    with pytest.raises(RequestError, match="must be nano to take pictures too, got text_to_image"):
        with_pictures(TEMPLATES["text_to_image"])
