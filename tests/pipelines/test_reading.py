"""A prompt is read once, and says the same ever after."""

import pytest
import torch
from PIL import Image

from danqing.pipelines.reading import REMEMBERED, Reader
from danqing.testing import SEEING, toy_conditioner

PROMPTS = ["a red square", " ", "a blue circle and a green triangle"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path))
    return tmp_path / "prompts"


@pytest.fixture
def conditioner(monkeypatch):
    """A conditioner that writes down what it was asked to read."""
    conditioner = toy_conditioner()
    conditioner.asked = []
    read_each = conditioner.read_each

    def listen(prompts, images):
        conditioner.asked += prompts
        return read_each(prompts, images)

    monkeypatch.setattr(conditioner, "read_each", listen)
    return conditioner


@pytest.mark.parametrize("keep", [False, True])
def test_texts_are_those_of_the_conditioner_and_each_is_read_once(conditioner, keep):
    reader = Reader(conditioner, "toy", keep=keep)
    for _ in range(2):
        texts = reader([*PROMPTS, PROMPTS[0]])
        for text, prompt in zip(texts, [*PROMPTS, PROMPTS[0]], strict=True):
            assert torch.equal(text, conditioner.read([prompt]).text)
    assert conditioner.asked == PROMPTS


def test_kept_texts_are_known_to_the_next_program_and_to_nobody_else(conditioner, cache):
    Reader(conditioner, "toy", keep=True)(PROMPTS)
    first = Reader(conditioner, "toy", keep=True)(PROMPTS)
    assert conditioner.asked == PROMPTS
    assert torch.equal(first[0], conditioner.read([PROMPTS[0]]).text)
    Reader(conditioner, "other", keep=True)(PROMPTS[:1])
    assert conditioner.asked == [*PROMPTS, PROMPTS[0]]
    assert len(list(cache.iterdir())) == 4


def test_the_same_words_about_other_pictures_are_another_text(cache):
    conditioner = toy_conditioner(config=SEEING)
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    first = Reader(conditioner, "toy", keep=True)
    ways = [(), (red,), (blue,), (red, blue), (blue, red)]
    texts = [first(PROMPTS[:1], pictures)[0] for pictures in ways]
    for text, pictures in zip(texts, ways, strict=True):
        assert torch.equal(text, conditioner.read(PROMPTS[:1], [pictures]).text)
    assert len(list(cache.iterdir())) == len(ways)
    again = Reader(conditioner, "toy", keep=True)
    assert torch.equal(again(PROMPTS[:1], (blue,))[0], texts[2])


def test_a_damaged_file_is_made_anew(conditioner, cache, caplog):
    Reader(conditioner, "toy", keep=True)(PROMPTS[:1])
    (file,) = cache.iterdir()
    file.write_bytes(b"nothing")
    (text,) = Reader(conditioner, "toy", keep=True)(PROMPTS[:1])
    assert "made anew" in caplog.text
    assert torch.equal(text, conditioner.read(PROMPTS[:1]).text)


def test_memory_holds_the_last_few(conditioner):
    reader = Reader(conditioner, "toy")
    many = [f"a red square {i}" for i in range(REMEMBERED + 3)]
    for prompt in many:
        reader([prompt])
    reader([many[-1], many[0]])
    assert conditioner.asked == [*many, many[0]]


def test_a_small_encoder_leaves_nothing_on_disk(conditioner, cache):
    Reader(conditioner, "toy")(PROMPTS)
    assert not cache.exists()
