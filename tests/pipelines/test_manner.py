"""A LoRA that says how it is to be painted with decides it, unless a request says otherwise."""

import json
import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from danqing.core.config import dump
from danqing.core.errors import CheckpointError, RequestError
from danqing.flow.samplers import samplers
from danqing.flow.schedule import ConstantShift, DynamicShift, LayeredShift
from danqing.models import lora
from danqing.models.lora import LowRank, adapt
from danqing.pipelines.load import load
from danqing.pipelines.manner import KEYWORD, Manner, manner_of
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.testing import toy, toy_mmdit

FEW = Manner(steps=2, guidance=1.0, sampler="heun", schedule=ConstantShift(shift=5.0))
schedules = st.one_of(
    st.builds(ConstantShift, shift=st.floats(1, 9), terminal=st.none() | st.floats(0.01, 0.1)),
    st.builds(DynamicShift, base_shift=st.floats(0, 1), kind=st.sampled_from(["linear"])),
    st.just(LayeredShift()),
)
# Made into a manner by the test: what checks types in tests draws at random, which no strategy may.
manners = st.fixed_dictionaries(
    {
        "steps": st.integers(1, 1000),
        "guidance": st.floats(1, 100),
        "sampler": st.sampled_from(list(samplers)),
        "schedule": schedules,
    }
)


def file_of(path, metadata=None):
    mmdit = toy_mmdit()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapt(mmdit, "to_q", lambda width, out: LowRank.fresh(width, out, 2, 2.0))
    lora.save(mmdit, path, metadata)
    return str(path)


@given(manners)
def test_what_is_written_is_read(tmp_path_factory, told):
    manner = Manner(**told)
    path = tmp_path_factory.mktemp("lora") / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, manner.metadata)
    assert manner_of([f"{path}:0.5"]) == manner


def test_a_lora_says_how_it_is_painted_with_and_a_request_says_otherwise(tmp_path, caplog):
    caplog.set_level(logging.INFO, "danqing")
    save(toy(), tmp_path / "toy")
    plain = file_of(tmp_path / "plain.safetensors")
    few = file_of(tmp_path / "few.safetensors", FEW.metadata)
    usual = load(tmp_path / "toy", loras=[plain])
    assert "as the LoRA was made for" not in caplog.text
    worn = load(tmp_path / "toy", loras=[few, plain, f"{few}:0.5"])
    assert "2 steps with guidance 1, as the LoRA was made for" in caplog.text
    assert worn.defaults == FEW.over(usual.defaults) != usual.defaults
    assert worn.defaults.sizes == usual.defaults.sizes

    result = worn.paint(Request("a red circle", size=(32, 32)))
    record = result.pictures[0].record
    assert (record.steps, record.guidance, record.sampler, record.shift) == (2, 1.0, "heun", None)
    asked = {"steps": 2, "guidance": 1.0, "sampler": "heun", "shift": 5.0, "size": (32, 32)}
    told = load(tmp_path / "toy", loras=[few, plain, f"{few}:0.5"]).paint(
        Request("a red circle", **asked)
    )
    assert told.tokens.equal(result.tokens)
    assert told.pictures[0].record.request.shift == 5.0
    other = worn.plan(Request("a red circle", steps=7, guidance=3.0))
    assert (other.steps, other.guidance, other.sampler) == (7, 3.0, "heun")


def test_a_shift_takes_the_place_of_the_schedule():
    model = toy()
    usual, shifted = (model.plan(Request("a", steps=4, shift=shift)) for shift in (None, 3.0))
    assert model.sigmas(usual, 64) == model.schedule(4, 64)
    assert model.sigmas(shifted, 64) == model.sigmas(shifted, 4096) == ConstantShift()(4, 64)
    assert model.sigmas(shifted, 64) == pytest.approx((1, 0.9, 0.75, 0.5, 0))
    with pytest.raises(RequestError, match=r"shift must be from 1 to 100, got 0.5; try 3"):
        Request("a", shift=0.5)


def test_two_ways_to_paint_are_refused_in_one_line(tmp_path):
    files = [
        file_of(tmp_path / f"{steps}.safetensors", manner.metadata)
        for steps, manner in ((2, FEW), (8, Manner(**{**dump_of(FEW), "steps": 8})))
    ]
    with pytest.raises(RequestError, match=r"got 2 steps for 2.safetensors, 8 steps for 8.safeten"):
        manner_of(files)
    assert manner_of([]) is None


def dump_of(manner):
    names = ("steps", "guidance", "sampler", "schedule")
    return {name: getattr(manner, name) for name in names}


@pytest.mark.parametrize(
    "text",
    [
        "no JSON", "[]", "{}", json.dumps({**dump(FEW), "steps": 0}),
        json.dumps({**dump(FEW), "sampler": "none such"}), "[" * 100_000,
        json.dumps({**dump(FEW), "schedule": "eval"}),
    ],
)  # fmt: skip
def test_damaged_words_are_refused(tmp_path, text):
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, {KEYWORD: text})
    with pytest.raises(CheckpointError, match=r"a.safetensors must be a way to paint, got another"):
        manner_of([str(path)])


def test_tensors_are_the_same_with_and_without_words(tmp_path):
    both = [
        load_file(file_of(tmp_path / f"{n}.safetensors", told))
        for n, told in enumerate((None, FEW.metadata))
    ]
    assert all(both[0][name].equal(both[1][name]) for name in both[0] | both[1])
