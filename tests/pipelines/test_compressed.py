"""A compressed model paints what the plain one paints, bit for bit."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from danqing.core.download import EMBEDDED
from danqing.core.errors import CheckpointError
from danqing.memory.compress import compress_folder
from danqing.memory.dfloat11 import QWEN_IMAGE
from danqing.memory.packed import PackedTensor
from danqing.models import checkpoint
from danqing.models.mmdit.names import published
from danqing.pipelines.compress import compress
from danqing.pipelines.load import INDEX, fingerprint, load, load_mmdit, reader
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.pipelines.selftest import compare
from danqing.testing import MMDIT, toy_mmdit

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The embedded model, plain as it may be stored or not, and compressed."""
    base = tmp_path_factory.mktemp("models")
    save(load("danqing-nano", "cpu", torch.bfloat16), base / "plain")
    compress(base / "plain", base / "packed")
    return base / "plain", base / "packed"


@pytest.mark.parametrize("settings", [{"guidance": 3.0}, {"guidance": 1.0, "batch": 2}])
def test_pictures_are_the_same_bits(folders, settings):
    request = Request("a red circle on a mint background", seed=4, steps=3, **settings)
    plain, packed = (
        load(folder, "cpu", torch.bfloat16, packed=keep)
        for folder, keep in zip(folders, (False, True), strict=True)
    )
    assert isinstance(packed.mmdit.blocks[0].image.mlp.up.weight, PackedTensor)
    assert isinstance(packed.conditioner.language.layers[0].to_q.weight, PackedTensor)
    ours, theirs = packed.paint(request), plain.paint(request)
    assert torch.equal(ours.tokens, theirs.tokens)
    for one, other in zip(ours.pictures, theirs.pictures, strict=True):
        assert one.image.tobytes() == other.image.tobytes()
        assert one.record == other.record


def test_what_is_used_once_does_not_stay_in_memory(folders):
    pipeline = load(folders[1], "cpu", torch.bfloat16, packed=True)
    block = pipeline.mmdit.blocks[0]
    assert block.image.mlp.up.weight.kept
    assert not block.image.modulate.weight.kept
    assert not pipeline.conditioner.language.layers[0].to_q.weight.kept


def test_with_room_for_plain_weights_they_are_decoded_once(folders):
    pipeline = load(folders[1], "cpu", torch.bfloat16)
    assert not any(isinstance(p, PackedTensor) for p in pipeline.mmdit.parameters())


def test_a_copy_knows_whose_copy_it_is(folders):
    plain, packed = folders
    assert json.loads((packed / INDEX).read_text())["_danqing"]["weights"] == fingerprint(plain)
    assert load(packed, "cpu").identity == load(plain, "cpu").identity
    # Found out the slow way, it is the same.
    assert fingerprint(packed) == fingerprint(plain)


def test_a_copy_of_a_copy_keeps_the_tag(folders, tmp_path):
    compress(folders[1], tmp_path / "again")
    assert load(tmp_path / "again", "cpu").identity == load(folders[0], "cpu").identity


def test_the_self_test_passes_and_can_fail(folders, tmp_path, monkeypatch):
    assert compare(folders[1]) == load(folders[0], "cpu").mmdit.config.depth
    monkeypatch.setattr(PackedTensor, "plain", lambda self: torch.zeros(self.shape).bfloat16())
    with pytest.raises(CheckpointError, match="block 0 must give the same bits"):
        compare(folders[1])


def test_a_model_of_another_layout_is_compressed_without_a_tag(tmp_path):
    (tmp_path / "loose").mkdir()
    weight = (0.02 * torch.randn(256, 128)).bfloat16()
    save_file({"a.weight": weight}, tmp_path / "loose" / "lora.safetensors")
    compress_folder(tmp_path / "loose", tmp_path / "packed")
    assert set(load_file(tmp_path / "packed" / "lora.safetensors")) == {
        f"a.weight.{end}" for end in ("sm", "ex", "ix", "pal")
    }


def test_a_dfloat11_repository_becomes_the_same_transformer(tmp_path):
    """As published: the transformer alone, and a configuration that only says how it is coded."""
    encode = runpy.run_path(str(TESTS / "memory" / "dfloat11_encoder.py"))["encode"]
    mmdit = toy_mmdit(config=replace(MMDIT, heads=8)).to(torch.bfloat16)
    plain = {published(name): weight for name, weight in mmdit.state_dict().items()}
    members = QWEN_IMAGE[r"transformer_blocks\.\d+"]
    stored = dict(plain)
    for unit in ("transformer_blocks.0", "transformer_blocks.1"):
        names = [f"{unit}.{member}.weight" for member in members]
        parts = encode([stored.pop(name) for name in names])
        stored |= {f"{unit}.{end}": part for end, part in parts.items()}
    folder = tmp_path / "df11" / "transformer"
    folder.mkdir(parents=True)
    save_file(stored, folder / "diffusion_pytorch_model.safetensors")
    checkpoint.write_config(folder, mmdit.config.to_published())
    compress(tmp_path / "df11", tmp_path / "packed")
    again = load_mmdit(tmp_path / "packed", read=reader(packed=True))
    found = {published(name): weight for name, weight in again.state_dict().items()}
    assert isinstance(found["transformer_blocks.1.img_mlp.net.2.weight"], PackedTensor)
    for name, weight in plain.items():
        assert torch.equal(found[name].clone(), weight), name


def test_the_embedded_model_paints_though_kept_packed():
    pipeline = load("danqing-nano", "cpu", torch.bfloat16, packed=True)
    plain = load("danqing-nano", "cpu", torch.bfloat16, packed=False)
    request = Request("一个黄色心形", steps=2)
    assert torch.equal(pipeline.paint(request).tokens, plain.paint(request).tokens)
    assert EMBEDDED["danqing-nano"].is_dir()
