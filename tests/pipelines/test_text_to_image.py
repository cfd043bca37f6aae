"""Painting, on a toy model."""

import errno
import logging
import math

import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from danqing.core.errors import CheckpointError, StorageError
from danqing.flow.samplers import samplers
from danqing.models.vae.config import VAEConfig
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.record import read, request_from
from danqing.pipelines.request import Request
from danqing.testing import toy, toy_vae


@pytest.fixture(scope="module")
def pipeline():
    return toy()


def bits(result):
    return [picture.image.tobytes() for picture in result.pictures]


def test_the_same_request_gives_the_same_bits(pipeline):
    request = Request("a red square", seed=3, batch=2)
    first, second = pipeline.paint(request), pipeline.paint(request)
    assert torch.equal(first.tokens, second.tokens)
    assert bits(first) == bits(second)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a blue circle"},
        {"seed": 4},
        {"steps": 4},
        {"guidance": 3.0},
        {"negative": "a blue circle"},
        {"interval": (0.0, 0.5)},
        {"sampler": "heun"},
    ],
)
def test_every_setting_decides_the_picture(pipeline, other):
    request = {"prompt": "a red square", "seed": 3}
    same = pipeline.paint(Request(**request)).tokens
    assert not torch.equal(pipeline.paint(Request(**request | other)).tokens, same)


def test_a_batch_gives_the_pictures_that_its_seeds_give_alone(pipeline):
    batch = pipeline.paint(Request("a red square", seed=3, batch=3))
    for k in range(3):
        single = pipeline.paint(Request("a red square", seed=3 + k))
        assert_close(batch.tokens[k : k + 1], single.tokens, atol=1e-5, rtol=0)


def test_one_picture_of_a_batch_is_made_again_bit_for_bit(pipeline, tmp_path):
    batch = pipeline.paint(Request("a red square", seed=3, batch=3, size="20x30"))
    paths = batch.save(tmp_path / "a.png")
    assert [path.name for path in paths] == ["a-1.png", "a-2.png", "a-3.png"]
    for k, path in enumerate(paths):
        again = pipeline.paint(request_from(path))
        assert len(again.pictures) == 1
        assert torch.equal(again.tokens[0], batch.tokens[k])
        assert bits(again) == [batch.pictures[k].image.tobytes()]
        assert again.pictures[0].record == read(path)


@pytest.mark.parametrize("size", [(32, 32), (33, 17), (1, 1), (16, 50)])
def test_pictures_have_the_size_that_was_asked_for(pipeline, size):
    result = pipeline.paint(Request("a red square", size=size, steps=1))
    assert result.pictures[0].image.size == size
    assert result.pictures[0].image.mode == "RGB"
    assert result.tokens.shape[1] == math.prod(-(-side // 4) for side in size)


def test_what_a_request_leaves_open_is_the_model_s_to_choose(pipeline):
    plan = pipeline.plan(Request("a red square"))
    assert (plan.size, plan.steps, plan.guidance) == ((32, 32), 3, 2.0)
    assert (plan.negative, plan.sampler, plan.interval) == (" ", "euler", (0.0, 1.0))
    assert (plan.model, plan.weights, plan.dtype) == ("toy", "toy-0", "float32")


def test_a_size_beyond_training_is_warned_of_and_painted(pipeline, caplog):
    with caplog.at_level(logging.WARNING):
        pipeline.paint(Request("a red square", steps=1))
        assert caplog.messages == []
        pipeline.paint(Request("a red square", size="100x20", steps=1))
    assert "100x20 is beyond what this model was trained on" in caplog.messages[0]


@pytest.mark.parametrize("name", list(samplers))
def test_every_sampler_paints(pipeline, name):
    result = pipeline.paint(Request("a red square", sampler=name))
    assert result.tokens.isfinite().all()


class Calls:
    """Counts how many branches the transformer is asked for."""

    def __init__(self, monkeypatch, mmdit):
        self.count = 0
        side_by_side = mmdit.side_by_side

        def counted(branches, *further):
            self.count += len(branches)
            return side_by_side(branches, *further)

        monkeypatch.setattr(mmdit, "side_by_side", counted)


@pytest.mark.parametrize(
    ("settings", "calls"),
    [({"guidance": 2.0}, 8), ({"guidance": 1.0}, 4), ({"interval": (0.0, 0.0)}, 4)],
)
def test_the_transformer_is_asked_twice_only_where_there_is_guidance(
    pipeline, monkeypatch, settings, calls
):
    counted = Calls(monkeypatch, pipeline.mmdit)
    pipeline.paint(Request("a red square", steps=4, **settings))
    assert counted.count == calls


def test_a_watcher_sees_the_steps_and_may_stop_them(pipeline):
    steps = []
    pipeline.paint(Request("a red square"), steps.append)
    assert [(step.index, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3)]
    assert steps[0].denoised.shape == (1, 64, 16)

    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.paint(Request("a red square"), stop)


def test_networks_of_different_models_are_refused(pipeline):
    other = toy_vae(config=VAEConfig(base=8, multipliers=(1, 2), res_blocks=1))
    with pytest.raises(CheckpointError, match=r"must take and give 64 channels .* got 16 and 16"):
        Pipeline(pipeline.mmdit, other, pipeline.conditioner, pipeline.schedule)


def test_a_picture_of_no_numbers_is_refused():
    broken = toy()
    with torch.no_grad():
        broken.mmdit.proj_out.bias.fill_(torch.inf)
    with pytest.raises(CheckpointError, match="latents must be finite"):
        broken.paint(Request("a red square"))


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (
            OSError(errno.ENOSPC, "full"),
            StorageError,
            r"a\.png cannot be written: .* full",
        ),
    ],
)
def test_a_save_that_fails_leaves_nothing(pipeline, tmp_path, monkeypatch, error, raised, message):
    result = pipeline.paint(Request("a red square"))

    def fail(self, file, **settings):
        file.write_bytes(b"half")
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(raised, match=message):
        result.save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
