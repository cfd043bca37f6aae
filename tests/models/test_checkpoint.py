"""Weights on disk come back whole, or with one line that says what is wrong."""

import errno
import json
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from danqing.core.errors import CheckpointError, StorageError
from danqing.models import checkpoint


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4), nn.BatchNorm1d(4))


def blank():
    with torch.device("meta"):
        return network()


def same(name):
    return name


@pytest.fixture
def folder(tmp_path):
    checkpoint.write(tmp_path / "part", network().state_dict(), {"width": 4})
    return tmp_path / "part"


@pytest.fixture
def sharded(tmp_path):
    checkpoint.write(tmp_path / "part", network().state_dict(), {"width": 4}, shard=100)
    return tmp_path / "part"


@pytest.mark.parametrize("layout", ["folder", "sharded"])
def test_what_is_written_is_read_back(layout, request):
    written = request.getfixturevalue(layout)
    read = checkpoint.read(written)
    assert read.keys() == network().state_dict().keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in network().state_dict().items())
    assert checkpoint.read_config(written) == {"width": 4}


def test_shards_stay_below_their_size_and_the_index_lists_every_tensor(sharded):
    index = json.loads((sharded / "diffusion_pytorch_model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == network().state_dict().keys()
    assert index["metadata"]["total_size"] == sum(t.nbytes for t in network().state_dict().values())
    files = sorted(sharded.glob("*.safetensors"))
    assert len(files) > 1
    assert {file.name for file in files} == set(index["weight_map"].values())


def test_one_file_is_read_too(folder):
    file = folder / "diffusion_pytorch_model.safetensors"
    assert checkpoint.read(file).keys() == network().state_dict().keys()


def test_a_module_on_meta_takes_the_mapped_tensors_without_a_copy(folder):
    module = blank()
    checkpoint.load_into(module, checkpoint.read(folder), same)
    loaded, expected = module.state_dict(), network().state_dict()
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)
    assert module[0].weight.requires_grad
    mapped = (folder / "diffusion_pytorch_model.safetensors").resolve()
    with open("/proc/self/maps") as maps:  # noqa: PTH123
        assert str(mapped) in maps.read()


def test_changing_loaded_weights_leaves_the_file_alone(folder):
    module = blank()
    checkpoint.load_into(module, checkpoint.read(folder), same)
    with torch.no_grad():
        module[0].weight.zero_()
    assert torch.equal(checkpoint.read(folder)["0.weight"], network()[0].weight)


def test_only_floating_weights_change_dtype(folder):
    module = blank()
    checkpoint.load_into(module, checkpoint.read(folder), same, torch.bfloat16)
    assert module[0].weight.dtype == torch.bfloat16
    assert module[2].num_batches_tracked.dtype == torch.int64


def test_names_and_shapes_may_differ_on_disk(tmp_path):
    tensors = {f"net.{name}": tensor[None] for name, tensor in network().state_dict().items()}
    checkpoint.write(tmp_path / "part", {**tensors, "extra": torch.ones(1)}, {})
    module = blank()
    checkpoint.load_into(
        module,
        checkpoint.read(tmp_path / "part"),
        lambda name: None if name == "extra" else name.removeprefix("net."),
        reshape=lambda name, tensor: tensor[0],
    )
    assert torch.equal(module[0].weight, network()[0].weight)


def test_unknown_missing_and_misshapen_tensors_are_counted_and_named(tmp_path):
    tensors = network().state_dict() | {f"odd.{i}": torch.ones(1) for i in range(5)}
    del tensors["1.weight"]
    tensors["0.weight"] = torch.ones(2, 2)
    checkpoint.write(tmp_path / "part", tensors, {})
    with pytest.raises(CheckpointError) as error:
        checkpoint.load_into(blank(), checkpoint.read(tmp_path / "part"), same)
    message = str(error.value)
    assert "1 missing (1.weight)" in message
    assert "5 unknown (odd.0, odd.1, odd.2, ...)" in message
    assert "1 misshapen (0.weight [2, 2] for [8, 4])" in message
    assert "\n" not in message


def test_a_cut_or_garbled_shard_is_named_with_the_fix(sharded):
    shard = min(sharded.glob("*.safetensors"))
    whole = shard.read_bytes()
    for damaged in (whole[:-1], b"", b"garbage" * 9, whole[:8] + b"\xff" + whole[9:]):
        shard.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=rf"{shard.name} is damaged .*download it again"):
            checkpoint.read(sharded)


def test_a_missing_shard_is_named_with_the_fix(sharded):
    shard = min(sharded.glob("*.safetensors"))
    shard.unlink()
    with pytest.raises(CheckpointError, match=rf"{shard.name} is missing; download it again"):
        checkpoint.read(sharded)


@pytest.mark.parametrize("place", ["../outside.safetensors", "/etc/passwd", "..", "", 7, "a\\b"])
def test_an_index_cannot_lead_out_of_its_folder(folder, tmp_path, place):
    save_file({"x": torch.ones(1)}, tmp_path / "outside.safetensors")
    index = {"weight_map": {"x": place}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="must name files beside it"):
        checkpoint.read(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"weight_map": 3}', "[" * 99_999])
def test_a_damaged_index_is_one_line(folder, text):
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match="download") as error:
        checkpoint.read(folder)
    assert "\n" not in str(error.value)


def test_an_empty_folder_says_what_it_lacks(tmp_path):
    with pytest.raises(CheckpointError, match=r"must hold diffusion_pytorch_model.safetensors"):
        checkpoint.read(tmp_path)
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        checkpoint.read_config(tmp_path)


def test_an_interrupted_write_leaves_nothing_new_and_nothing_lost(folder, monkeypatch):
    before = sorted(folder.parent.rglob("*"))

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(folder, {"x": torch.ones(1)}, {})
    assert sorted(folder.parent.rglob("*")) == before
    assert checkpoint.read(folder).keys() == network().state_dict().keys()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(StorageError, match="the disk is full; free some space"):
        checkpoint.write(tmp_path / "part", {"x": torch.ones(1)}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_tells_weights_apart():
    weights = network().state_dict()
    mark = checkpoint.fingerprint(weights)
    assert mark == checkpoint.fingerprint(dict(reversed(weights.items())))
    changed = {**weights, "0.bias": weights["0.bias"] + 1}
    renamed = {"1" + name: tensor for name, tensor in weights.items()}
    halved = {name: tensor.half() for name, tensor in weights.items()}
    large = {"x": torch.zeros(1 << 20)}
    marks = [checkpoint.fingerprint(w) for w in (changed, renamed, halved, large)]
    assert len({mark, *marks, checkpoint.fingerprint({"x": torch.ones(1 << 20)})}) == 6
