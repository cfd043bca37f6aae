"""Pictures that lead, on a toy model."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from danqing.core.errors import RequestError, UnknownName
from danqing.models.control import (
    BlockwiseControl,
    BlockwiseControlConfig,
    TrunkControl,
    TrunkControlConfig,
)
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.control import Control, parse_control
from danqing.pipelines.job import walk
from danqing.pipelines.lead import lead
from danqing.pipelines.model import Leader
from danqing.pipelines.record import request_from
from danqing.pipelines.request import Request
from danqing.pipelines.text_to_image import text_to_image
from danqing.pipelines.tracing import tracers
from danqing.testing import MMDIT, toy

SIZES = {"depth": MMDIT.depth, "width": MMDIT.width, "in_channels": MMDIT.in_channels}
NETWORKS = {
    "trunk": lambda: TrunkControl(TrunkControlConfig(trunk=replace(MMDIT, depth=1))),
    "inpaint": lambda: TrunkControl(TrunkControlConfig(trunk=replace(MMDIT, depth=1), extra=4)),
    "blockwise": lambda: BlockwiseControl(BlockwiseControlConfig(**SIZES)),
}


@pytest.fixture(scope="module")
def pipeline():
    pipeline = toy()
    torch.manual_seed(0)
    for name, make in NETWORKS.items():
        network = make().eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        pipeline.leaders[name] = Leader(network, f"{name}-0")
    return pipeline


def picture(width, height, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def paint(pipeline, *controls, **settings):
    request = Request("a red square", **{"seed": 3, "size": (32, 32)} | settings)
    return pipeline.paint(replace(request, controls=controls))


@pytest.fixture(scope="module")
def plain(pipeline):
    return paint(pipeline).tokens


@pytest.mark.parametrize("name", ["trunk", "blockwise"])
def test_a_control_decides_the_picture_and_one_of_no_strength_does_not(pipeline, plain, name):
    led = paint(pipeline, Control(name, picture(32, 32))).tokens
    other = paint(pipeline, Control(name, picture(32, 32, seed=1))).tokens
    assert (led - plain).abs().max() > 0.01
    assert (led - other).abs().max() > 0.01
    assert torch.equal(paint(pipeline, Control(name, picture(32, 32))).tokens, led)
    for still in ({"scale": 0.0}, {"interval": (0.4, 0.5)}):
        assert torch.equal(paint(pipeline, Control(name, picture(32, 32), **still)).tokens, plain)


def test_controls_add_up(pipeline):
    """The same picture twice at half its strength is that picture once."""
    half = Control("blockwise", picture(32, 32), scale=0.5)
    twice, once = paint(pipeline, half, half), paint(pipeline, replace(half, scale=1.0))
    assert_close(twice.tokens, once.tokens, atol=1e-5, rtol=0)


def test_the_steps_that_are_led_are_those_within_the_interval(pipeline):
    network = pipeline.leaders["trunk"].network
    job = text_to_image(pipeline, pipeline.plan(Request("a red square", steps=5)))
    asked = []
    for step in range(5):
        control = Control("trunk", picture(32, 32), interval=(step / 5, (step + 1) / 5))
        led = lead(pipeline, pipeline.plan(Request("a", size=(32, 32))), [control], job)
        (one,) = led.leads.leads
        asked.append([one.at(sigma) for sigma in job.sigmas[:-1]])
        assert one.network is network
    assert asked == [[at == step for at in range(5)] for step in range(5)]


def test_a_batch_is_led_as_its_seeds_are_alone(pipeline):
    control = Control("trunk", picture(32, 32))
    batch = paint(pipeline, control, batch=3).tokens
    for k in range(3):
        alone = paint(pipeline, control, seed=3 + k).tokens
        assert_close(batch[k : k + 1], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_sources_are_not_led(pipeline):
    """What stands beside the target is looked at as it was; the target is still led."""
    plan = pipeline.plan(Request("a red square", size=(32, 32), guidance=1.0))
    job = text_to_image(pipeline, plan)
    job = replace(job, sources=torch.randn(1, 6, 16), source_grids=[Grid(1, 2, 3)])
    led = lead(pipeline, plan, [Control("blockwise", picture(32, 32))], job)
    images = [torch.randn(1, 64 + 6, MMDIT.width)]
    (after,) = led.leads(job.x, job.sigmas[0])(0, images)
    assert torch.equal(after[:, 64:], images[0][:, 64:])
    assert (after[:, :64] - images[0][:, :64]).abs().min() > 0
    assert walk(pipeline, plan, led, lambda step: None).shape == job.x.shape


@pytest.mark.parametrize("size", [(33, 17), (30, 20), (1, 1)])
def test_a_picture_of_any_size_is_led_by_one_of_its_ratio(pipeline, size):
    larger = tuple(2 * side for side in size)
    for given in (size, larger):
        result = paint(pipeline, Control("trunk", picture(*given)), size=size, steps=1)
        assert result.pictures[0].image.size == size


def test_without_a_size_the_control_picture_s_is_taken_if_the_model_knows_such(pipeline):
    for given, meant in (((40, 30), (40, 30)), ((400, 300), (74, 55)), ((8, 6), (18, 14))):
        request = Request("a", controls=(Control("trunk", picture(*given)),))
        assert pipeline.plan(request).size == meant
        pipeline.paint(replace(request, steps=1))


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (("trunk", (64, 32)), r"must have the ratio of the picture, 32x32, got 64x32; .* 32x16"),
        (("union", (32, 32)), r"must be one that was loaded \(blockwise, inpaint, trunk\)"),
        (("inpaint", (32, 32)), r"mask must be given for inpaint, got none; add \+MASK"),
    ],
)
def test_a_control_that_does_not_fit_is_refused_in_one_line(pipeline, control, message):
    name, size = control
    with pytest.raises(RequestError, match=message) as error:
        paint(pipeline, Control(name, picture(*size)))
    assert "\n" not in str(error.value)


def test_a_mask_is_for_networks_that_inpaint_and_hides_what_it_covers(pipeline):
    mask = Image.new("L", (32, 32))
    mask.paste(255, (8, 8, 24, 24))
    shown, hidden = picture(32, 32), picture(32, 32)
    hidden.paste((9, 200, 30), (8, 8, 24, 24))
    led = [paint(pipeline, Control("inpaint", one, mask=mask)).tokens for one in (shown, hidden)]
    assert torch.equal(*led)
    elsewhere = picture(32, 32, seed=1)
    assert not torch.equal(paint(pipeline, Control("inpaint", elsewhere, mask=mask)).tokens, led[0])
    with pytest.raises(RequestError, match="mask must be left out for trunk"):
        paint(pipeline, Control("trunk", shown, mask=mask))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": -1.0}, "scale of a control must be from 0 to 10, got -1"),
        ({"scale": float("nan")}, "scale of a control must be"),
        ({"interval": (0.7, 0.2)}, "two rising shares from 0 to 1"),
        ({"mask": Image.new("L", (3, 4))}, "size of its picture, 8x6, got 3x4"),
    ],
)
def test_settings_that_are_not_possible_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        Control("trunk", picture(8, 6), **settings)


def test_a_record_knows_its_controls_and_wants_them_again(pipeline, tmp_path, caplog):
    control = Control("trunk", picture(32, 32), scale=0.7, interval=(0.0, 0.7))
    result = paint(pipeline, control)
    path = result.pictures[0].save(tmp_path / "a.png")
    again = pipeline.paint(request_from(path, controls=[control]))
    assert torch.equal(again.tokens, result.tokens)
    (kept,) = again.pictures[0].record.controls
    assert (kept.weights, kept.size, kept.scale) == ("trunk-0", (32, 32), 0.7)
    assert len(kept.picture) == 64
    with pytest.raises(RequestError, match=r"controls must be given again, got none; .*32x32"):
        request_from(path)
    with caplog.at_level(logging.WARNING):
        request_from(path, controls=[replace(control, picture=picture(32, 32, seed=1))])
    assert "by another picture it will differ" in caplog.messages[0]


def test_a_text_says_a_control(tmp_path):
    picture(20, 10).save(tmp_path / "photo.png")
    Image.new("L", (20, 10)).save(tmp_path / "mask.png")
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    plain = parse_control(f"InstantX/Union-1.0:{photo}")
    assert (plain.network, plain.scale, plain.mask) == ("InstantX/Union-1.0", 1.0, None)
    assert plain.picture.tobytes() == picture(20, 10).tobytes()
    full = parse_control(f"soft-edge@nets/a.safetensors:{photo}+{mask}:.8:0.1-1")
    assert full.picture == tracers["soft-edge"](picture(20, 10))
    assert (full.network, full.scale, full.interval) == ("nets/a.safetensors", 0.8, (0.1, 1.0))
    assert full.mask.size == (20, 10)
    with pytest.raises(UnknownName, match=r"unknown tracer 'cany'\. Did you mean 'canny'"):
        parse_control(f"cany@net:{photo}")
    for text in ("net", f"net:{photo}:strong", f"net:{photo}:1:2", f":{photo}"):
        with pytest.raises(RequestError, match="control must be NETWORK:PICTURE"):
            parse_control(text)
