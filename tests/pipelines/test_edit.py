"""Editing, on a toy model that looks at pictures."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from danqing.core.errors import RequestError, UnknownName
from danqing.core.pictures import fingerprint
from danqing.pipelines.record import read, request_from
from danqing.pipelines.request import Request
from danqing.testing import toy


@pytest.fixture(scope="module")
def pipeline():
    return toy(edits=True)


def picture(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def edit(*sources, **settings):
    return Request("a red square", **{"sources": sources, "steps": 1} | settings)


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (37, 61), (300, 17), (640, 480), (15, 1000)])
def test_the_result_has_the_size_of_the_first_picture(pipeline, size):
    result = pipeline.paint(edit(picture(*size), picture(40, 30)))
    assert result.pictures[0].image.size == result.pictures[0].record.size == size


def test_a_size_that_is_asked_for_is_what_comes(pipeline):
    for size, came in (("50x20", (50, 20)), ((700, 300), (700, 300)), ("1:1", (32, 32))):
        result = pipeline.paint(edit(picture(40, 30), size=size))
        assert result.pictures[0].image.size == came


def test_every_picture_and_their_order_decide_the_result(pipeline):
    one, other = picture(32, 32, 1), picture(32, 32, 2)
    ways = [(one,), (other,), (one, other), (other, one), (one, one)]
    results = [pipeline.paint(edit(*way)).tokens for way in ways]
    for k, result in enumerate(results):
        assert not any(torch.equal(result, before) for before in results[:k])


def test_a_request_without_pictures_paints_a_prompt(pipeline):
    blind = toy()
    blind.conditioner.language.load_state_dict(pipeline.conditioner.language.state_dict())
    with_eyes, without = (p.paint(Request("a red square")) for p in (pipeline, blind))
    assert_close(with_eyes.tokens, without.tokens, atol=1e-5, rtol=0)


def test_conditioner_and_vae_are_shown_the_same_and_the_negative_has_it_too(pipeline, monkeypatch):
    asked, encoded = [], []
    read_each, encode = pipeline.conditioner.read_each, pipeline.encode
    monkeypatch.setattr(
        pipeline.conditioner,
        "read_each",
        lambda prompts, images: (
            asked.extend(zip(prompts, images, strict=True)) or read_each(prompts, images)
        ),
    )
    monkeypatch.setattr(pipeline, "encode", lambda x: encoded.append(x) or encode(x))
    source = picture(37, 61, 9)
    pipeline.paint(edit(source, guidance=2.0, negative="a blue circle"))
    (prompt, [seen]), (negative, [again]) = asked
    assert (prompt, negative) == ("a red square", "a blue circle")
    assert seen.tobytes() == again.tobytes()
    assert seen.size == (40, 64)
    assert_close(encoded[0], torch.tensor(np.asarray(seen)).permute(2, 0, 1)[None] / 127.5 - 1)
    assert seen.crop((1, 1, 38, 62)).tobytes() == source.tobytes()


def test_a_batch_gives_the_pictures_that_its_seeds_give_alone(pipeline):
    source = picture(32, 24)
    batch = pipeline.paint(edit(source, seed=3, batch=2))
    for k in range(2):
        single = pipeline.paint(edit(source, seed=3 + k))
        assert_close(batch.tokens[k : k + 1], single.tokens, atol=1e-5, rtol=0)


def test_an_edit_is_made_again_of_the_same_pictures_and_of_no_others(pipeline, tmp_path):
    sources = (picture(33, 45), picture(100, 200, 1))
    result = pipeline.paint(edit(*sources, size=(32, 24), seed=4))
    path = result.pictures[0].save(tmp_path / "a.png")
    record = read(path)
    assert record == result.pictures[0].record
    assert [own.sha256 for own in record.sources] == [fingerprint(own) for own in sources]
    again = pipeline.paint(request_from(path, sources))
    assert again.pictures[0].image.tobytes() == result.pictures[0].image.tobytes()
    for wrong in ((), sources[:1], sources[::-1]):
        with pytest.raises(RequestError, match=r"must be those .* 33x45 and 100x200 in all, got"):
            request_from(path, wrong)


def test_transparency_of_a_picture_from_a_program_lies_on_white(pipeline):
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    white = Image.new("RGB", (32, 32), "white")
    results = [pipeline.paint(edit(own)).tokens for own in (clear, white)]
    assert torch.equal(*results)


def test_what_cannot_be_edited_costs_one_line(pipeline):
    with pytest.raises(RequestError, match=r"must be at most 100 times as long .* got 1010x10"):
        edit(picture(1010, 10))
    with pytest.raises(
        RequestError, match=r"got toy; choose danqing-nano-edit, Qwen/Qwen-Image-Edit-2511"
    ):
        toy().paint(edit(picture(32, 32)))
    with pytest.raises(UnknownName, match="Did you mean 'exact'"):
        edit(picture(32, 32), sizing="exakt")


def test_a_shape_beyond_training_is_warned_of(pipeline, caplog):
    with caplog.at_level(logging.WARNING):
        pipeline.paint(edit(picture(64, 48)))
        assert caplog.messages == []
        pipeline.paint(edit(picture(15, 1000)))
    assert "beyond what this model was trained on" in caplog.messages[0]
