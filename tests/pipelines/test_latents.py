"""Sizes and packing."""

import pytest
import torch
from diffusers import QwenImagePipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.errors import RequestError
from danqing.pipelines.latents import LONGEST, Canvas, pack, parse_size, unpack
from danqing.pipelines.request import Defaults

QWEN = Defaults().sizes
NANO = ((256, 256),)
sides = st.integers(1, 12)


@settings(max_examples=25)
@given(h=sides, w=sides, patch=st.integers(1, 4))
def test_unpacking_undoes_packing(h, w, patch):
    latents = torch.randn(2, 3, h * patch, w * patch)
    tokens = pack(latents, patch)
    assert tokens.shape == (2, h * w, 3 * patch**2)
    assert torch.equal(unpack(tokens, h * patch, w * patch, patch), latents)


def test_packing_equals_the_published_order():
    latents = torch.randn(2, 16, 6, 10)
    published = QwenImagePipeline._pack_latents(latents[:, None], 2, 16, 6, 10)
    assert torch.equal(pack(latents), published)
    assert torch.equal(
        unpack(published, 6, 10), QwenImagePipeline._unpack_latents(published, 48, 80, 8)[:, :, 0]
    )


@settings(max_examples=40)
@given(width=st.integers(1, 500), height=st.integers(1, 500), multiple=st.sampled_from([16, 32]))
def test_the_canvas_is_the_smallest_around_the_picture_and_gives_it_back(width, height, multiple):
    canvas = Canvas.around((width, height), multiple)
    assert canvas.outer_width % multiple == canvas.outer_height % multiple == 0
    assert 0 <= canvas.outer_width - width < multiple
    assert 0 <= canvas.outer_height - height < multiple
    image = torch.randn(1, 1, height, width)
    padded = canvas.pad(image)
    assert padded.shape == (1, 1, canvas.outer_height, canvas.outer_width)
    assert torch.equal(canvas.crop(padded), image)
    assert set(padded.unique().tolist()) == set(image.unique().tolist())


def test_the_picture_is_the_middle_of_its_canvas():
    canvas = Canvas.around((30, 16), 16)
    columns = torch.arange(32.0).expand(1, 1, 16, 32)
    assert canvas.crop(columns)[0, 0, 0].tolist() == list(range(1, 31))


@pytest.mark.parametrize(
    ("wanted", "known", "multiple", "size"),
    [
        ("1024x768", QWEN, 16, (1024, 768)),
        (" 300 × 200 ", NANO, 32, (300, 200)),
        ((17, 99), NANO, 32, (17, 99)),
        ("1:1", QWEN, 16, (1328, 1328)),
        ("16:9", QWEN, 16, (1664, 928)),
        ("9:16", QWEN, 16, (928, 1664)),
        ("4:3", QWEN, 16, (1472, 1104)),
        ("2:3", QWEN, 16, (1056, 1584)),
        ("2:1", QWEN, 16, (1872, 944)),
        ("1:1", NANO, 32, (256, 256)),
        ("16:9", NANO, 32, (352, 192)),
        ("1000000:1", NANO, 32, (256_000, 32)),
    ],
)
def test_a_size_or_a_ratio_means_a_size(wanted, known, multiple, size):
    if max(size) > LONGEST:
        with pytest.raises(RequestError, match="sides from 1 to 16384"):
            parse_size(wanted, known, multiple)
    else:
        assert parse_size(wanted, known, multiple) == size


@pytest.mark.parametrize(
    "wanted", ["", "big", "0x256", "256x0", "-1x5", "1:0", "0:1", "256", "1.5:1", "99999x256"]
)
def test_a_wrong_size_is_one_line_with_the_fix(wanted):
    with pytest.raises(RequestError, match=r"^size must .*; try \S+( or \S+)?\.$"):
        parse_size(wanted, NANO, 32)


@pytest.mark.parametrize(
    ("size", "doubted"),
    [((1328, 1328), False), ((256, 256), False), ((2048, 2048), True), ((1600, 400), True)],
)
def test_sizes_beyond_training_are_doubted(size, doubted):
    doubt = Defaults().doubt(size)
    assert (doubt is not None) == doubted
    assert doubt is None or "256x256 to 1328x1328" in doubt


def test_no_size_a_model_recommends_is_doubted():
    assert [Defaults().doubt(size) for size in QWEN] == [None] * len(QWEN)
