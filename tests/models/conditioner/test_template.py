"""Trained weights depend on every character of a template."""

import pytest

from danqing.core.errors import RequestError
from danqing.models.conditioner.template import TEMPLATES

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
ASK = "<|im_end|>\n<|im_start|>user\n"
ANSWER = "<|im_end|>\n<|im_start|>assistant\n"
T2I = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity,"
    " text, spatial relationships of the objects and background:" + ASK
)
EDIT = (
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture,"
    " objects, background), then explain how the user's text instruction should alter or modify the"
    " image. Generate a new image that meets the user's requirements while maintaining consistency"
    " with the original input where appropriate." + ASK
)
NEWER = "<|im_start|>system\nComprehend and analyze the provided prompt." + ASK
NANO = "<|im_start|>user\n"


@pytest.mark.parametrize(
    ("name", "pictures", "chat"),
    [
        ("text_to_image", 0, T2I + "a cat" + ANSWER),
        ("edit", 1, EDIT + PICTURE + "a cat" + ANSWER),
        ("edit_plus", 1, EDIT + f"Picture 1: {PICTURE}a cat" + ANSWER),
        ("edit_plus", 2, EDIT + f"Picture 1: {PICTURE}Picture 2: {PICTURE}a cat" + ANSWER),
        ("text_to_image_2_1", 0, NEWER + "a cat" + ANSWER),
        ("edit_2_1", 2, NEWER + f"<image1>{PICTURE} <image2>{PICTURE}a cat" + ANSWER),
        ("nano", 0, NANO + "a cat" + ANSWER),
        ("nano_edit", 1, NANO + PICTURE + "a cat" + ANSWER),
        ("nano_edit_plus", 2, NANO + f"Picture 1: {PICTURE}Picture 2: {PICTURE}a cat" + ANSWER),
    ],
)
def test_a_template_renders_the_published_chat(name, pictures, chat):
    assert TEMPLATES[name].render("a cat", pictures) == chat


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_dropped_opens_every_chat(name):
    template = TEMPLATES[name]
    assert template.render("a", template.pictures or 0).startswith(template.dropped)
    assert template.dropped.endswith("user\n" if template.drop_user_header else "<|im_end|>\n")


def test_braces_in_a_prompt_are_kept():
    assert TEMPLATES["text_to_image"].render("{0} {} {x}") == T2I + "{0} {} {x}" + ANSWER


@pytest.mark.parametrize(("name", "pictures"), [("nano", 1), ("edit", 0), ("edit", 2)])
def test_a_number_of_pictures_that_a_template_does_not_take_is_refused(name, pictures):
    with pytest.raises(RequestError, match=f"pictures must be .* got {pictures}; "):
        TEMPLATES[name].render("a cat", pictures)
