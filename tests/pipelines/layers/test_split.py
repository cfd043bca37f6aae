"""Taking pictures apart, on a toy model."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from danqing.core.errors import CheckpointError, DanqingError, RequestError
from danqing.pipelines.fit import Wish, reserve
from danqing.pipelines.layers.decompose import decompose, order
from danqing.pipelines.layers.split import frame_of, split
from danqing.pipelines.layers.stack import CORRECTION, compose, likeness
from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.testing import toy, toy_layered

REQUEST = Request("a red square", seed=3)


@pytest.fixture(scope="module")
def pipeline():
    return toy_layered()


def picture(size, mode="RGB"):
    rows, columns = np.mgrid[: size[1], : size[0]]
    pixels = np.stack((rows * 7, columns * 9, rows + columns, 255 - rows), axis=-1) % 256
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode)


def bits(images):
    return [image.tobytes() for image in images]


@pytest.mark.parametrize(
    ("size", "mode"), [((32, 32), "RGB"), ((37, 19), "RGBA"), ((1, 1), "RGB"), ((5, 211), "RGBA")]
)
def test_layers_have_the_size_of_their_picture_and_alpha(pipeline, size, mode):
    found = split(pipeline, picture(size, mode), REQUEST, count=2)
    (images,) = found.images
    assert [(image.size, image.mode) for image in images] == [(size, "RGBA")] * 2
    assert found.record.size == size


def test_the_same_request_gives_the_same_bits_and_every_setting_counts(pipeline):
    given = picture((32, 32))

    def found(**other):
        request = Request(**{"prompt": "a red square", "seed": 3} | other)
        return split(pipeline, given, request, count=2).tokens

    first = found()
    assert torch.equal(found(), first)
    for other in ({"prompt": "a blue circle"}, {"seed": 4}, {"guidance": 3.0}, {"steps": 4}):
        assert not torch.equal(found(**other), first)
    again = split(pipeline, picture((32, 32)).rotate(90), REQUEST, count=2).tokens
    assert not torch.equal(again, first)


def test_transparency_of_the_picture_is_seen(pipeline):
    opaque = picture((32, 32), "RGBA")
    opaque.putalpha(255)
    clear = opaque.copy()
    clear.putalpha(0)
    one, other = (split(pipeline, given, REQUEST, count=1).tokens for given in (opaque, clear))
    assert not torch.allclose(one, other, atol=1e-4)


def test_a_batch_gives_the_layers_that_its_seeds_give_alone(pipeline):
    given = picture((32, 32))
    batch = split(pipeline, given, Request("a red square", seed=3, batch=3), count=2)
    assert len(batch.images) == 3
    for k in range(3):
        alone = split(pipeline, given, Request("a red square", seed=3 + k), count=2)
        assert_close(batch.tokens[k : k + 1], alone.tokens, atol=1e-5, rtol=0)
    one = split(pipeline, given, Request("a red square", seed=3, batch=3, index=1), count=2)
    assert torch.equal(one.tokens[0], batch.tokens[1])
    assert bits(one.images[0]) == bits(batch.images[1])


def test_layers_go_through_the_disk(pipeline, tmp_path):
    save(pipeline, tmp_path / "model")
    loaded = load(tmp_path / "model", "cpu", "float32", layers=2)
    assert loaded.schedule == pipeline.schedule
    assert loaded.defaults == pipeline.defaults
    found, wanted = (split(p, picture((32, 32)), REQUEST, count=2) for p in (loaded, pipeline))
    assert_close(found.tokens, wanted.tokens, atol=1e-5, rtol=0)


def test_memory_is_planned_for_all_layers_at_once(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr("danqing.pipelines.fit._program", lambda: 0)
    save(pipeline, tmp_path / "apart")
    save(toy(), tmp_path / "paints")

    def beside_weights(model, layers):
        return reserve(tmp_path / model, Wish(size=(512, 512), steps=2, layers=layers))

    two, four, eight = (beside_weights("apart", layers) for layers in (2, 4, 8))
    assert 0 < eight - four == pytest.approx(2 * (four - two), abs=2)
    assert two > beside_weights("paints", 2) == beside_weights("paints", 8)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((640, 640), (640, 640)),
        ((1280, 1280), (640, 640)),
        ((1920, 1080), (832, 480)),
        ((100, 100), (544, 544)),
    ],
)
def test_layers_are_made_at_about_the_area_of_the_square(size, shown):
    frame = frame_of(size, 640, 16)
    assert frame.shown == shown
    assert 0.7 < shown[0] * shown[1] / 640**2 <= 1


def test_a_picture_is_taken_apart_and_a_layer_again(pipeline):
    given = picture((32, 32))
    steps = []
    stack, made = decompose(
        pipeline, given, REQUEST, count=2, again=["2", "2.1"], watch=steps.append
    )
    assert [layer.name for layer in stack] == ["1", "2.1.1", "2.1.2", "2.2"]
    assert len(steps) == 3 * 3

    (first,) = split(pipeline, given, REQUEST, count=2).images
    assert stack[0].image.tobytes() == first[0].tobytes()
    (second,) = split(pipeline, first[1], REQUEST, count=2).images
    assert stack[3].image.tobytes() == second[1].tobytes()
    assert made.likeness == likeness(stack, given)
    assert (made.again, made.side, made.count) == (("2", "2.1"), 32, 2)


def test_an_exact_stack_is_the_picture_to_the_byte(pipeline):
    given = picture((21, 34))
    stack, made = decompose(pipeline, given, REQUEST, count=2, exact=True)
    assert [layer.name for layer in stack] == ["1", "2", CORRECTION]
    assert compose(stack).convert("RGB").tobytes() == given.tobytes()
    assert made.likeness < 40, "a toy finds no layers"


def test_names_say_the_tree():
    assert order(3, []) == (["1", "2", "3"], [])
    assert order(2, ["1", "2"]) == (["1.1", "1.2", "2.1", "2.2"], [0, 2])
    with pytest.raises(RequestError, match=r"must be of 1\.1, 1\.2, 2, got 1; choose"):
        order(2, ["1", "1"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count must be from 1 to 20, got 0"),
        ({"count": 21}, "count must be from 1 to 20, got 21"),
        ({"side": 640}, "side must be 32 or 48 with this model, got 640; try 32"),
        ({"request": Request("a", size="32x32")}, "size must be left open"),
        ({"again": ["3"]}, "must be of 1, 2, got 3"),
        ({"exact": True}, "must be of an opaque picture"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(pipeline, monkeypatch, settings, message):
    monkeypatch.setattr("danqing.pipelines.layers.split.walk", None)
    request = settings.pop("request", REQUEST)
    with pytest.raises(RequestError, match=message) as error:
        decompose(pipeline, picture((32, 32), "RGBA"), request, **{"count": 2} | settings)
    assert "\n" not in str(error.value)


def test_a_model_does_one_thing_and_says_which_does_the_other(pipeline):
    with pytest.raises(CheckpointError, match="got toy; choose Qwen/Qwen-Image-Layered"):
        split(toy(), picture((32, 32)), REQUEST, count=2)
    with pytest.raises(DanqingError, match=r"takes them apart; .* danqing layers"):
        pipeline.paint(REQUEST)
