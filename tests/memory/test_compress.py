"""Folders are compressed file by file, without losing a bit, and nothing is left half-done."""

import json
import os
import struct

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from danqing.core.errors import CheckpointError, StorageError
from danqing.memory import compress as room
from danqing.memory.compress import Sizes, compress_folder, measure, verify_folder
from danqing.memory.packed import PackedTensor, Slots, assemble
from danqing.memory.shard import PAGE, ShardWriter, metadata, read_header


def gaussian(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (0.02 * torch.randn(*shape, generator=generator)).bfloat16()


TENSORS = {
    "blocks.10.weight": gaussian(160, 128, seed=1),
    "blocks.2.weight": gaussian(128, 256, seed=2),
    "blocks.2.bias": gaussian(128),
    "conv.weight": gaussian(64, 32, 3, 3),
    "embed.weight": gaussian(300, 64),
    "noise.weight": torch.randint(-(2**15), 2**15, (160, 128), dtype=torch.int16).view(
        torch.bfloat16
    ),
    "wide.weight": torch.randn(128, 128),
}


@pytest.fixture
def source(tmp_path):
    """A folder with a sharded part, a part of one file, and what is no weight."""
    folder = tmp_path / "source"
    (folder / "one").mkdir(parents=True)
    (folder / "two").mkdir()
    save_file(TENSORS, folder / "one" / "model.safetensors", metadata={"format": "pt", "by": "me"})
    places = {}
    for number, names in enumerate((["blocks.10.weight", "blocks.2.bias"], ["blocks.2.weight"])):
        shard = f"model-{number + 1:05}-of-00002.safetensors"
        save_file({name: TENSORS[name] for name in names}, folder / "two" / shard)
        places |= dict.fromkeys(names, shard)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "two" / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")
    return folder


def whole(file):
    return assemble(load_file(file), Slots())


def bits(tensor):
    plain = tensor.plain() if isinstance(tensor, PackedTensor) else tensor
    return plain.contiguous().view(torch.uint8)


def test_every_tensor_comes_back_and_the_rest_of_the_folder_too(source, tmp_path):
    sizes = compress_folder(source, tmp_path / "target")
    found = whole(tmp_path / "target" / "one" / "model.safetensors")
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(bits(found[name]), bits(tensor)), name
    packed = {name for name, tensor in found.items() if isinstance(tensor, PackedTensor)}
    assert packed == {"blocks.10.weight", "blocks.2.weight", "conv.weight"}
    assert (tmp_path / "target" / "config.json").read_text() == "{}"
    assert 10 < sizes.bits < 11.2
    files = list((tmp_path / "target").rglob("*.safetensors"))
    assert sum(map(measure, files), Sizes()) == sizes


def test_the_index_names_what_the_new_shards_hold(source, tmp_path):
    compress_folder(source, tmp_path / "target")
    folder = tmp_path / "target" / "two"
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    for name, shard in index["weight_map"].items():
        with safe_open(folder / shard, framework="pt") as opened:
            assert name in opened.keys()  # noqa: SIM118
    assert {name.rpartition(".")[2] for name in index["weight_map"]} == {
        "sm",
        "ex",
        "ix",
        "pal",
        "bias",
    }


def test_files_say_what_they_are_and_where_they_come_from(source, tmp_path):
    compress_folder(source, tmp_path / "target")
    file = tmp_path / "target" / "one" / "model.safetensors"
    said = metadata(file)
    assert said["format"] == "pt"
    assert said["by"] == "me"
    assert said["packing"] == "danqing-planes"
    assert set(json.loads(said["crc32"])) == {"blocks.10.weight", "blocks.2.weight", "conv.weight"}


def test_large_parts_begin_where_memory_is_aligned(source, tmp_path):
    compress_folder(source, tmp_path / "target")
    file = tmp_path / "target" / "one" / "model.safetensors"
    (length,) = struct.unpack("<Q", file.read_bytes()[:8])
    assert (8 + length) % PAGE == 0
    header = read_header(file)
    places = {n: e["data_offsets"][0] for n, e in header.items() if n.endswith((".sm", ".ex"))}
    assert all(place % 256 == 0 for place in places.values())
    # In the order in which they are used: 2 before 10.
    assert places["blocks.2.weight.sm"] < places["blocks.10.weight.sm"]


def test_running_again_makes_only_what_is_missing(source, tmp_path, monkeypatch):
    target = tmp_path / "target"
    compress_folder(source, target)
    (target / "one" / "model.safetensors").unlink()
    before = {f: f.stat().st_mtime_ns for f in target.rglob("*.safetensors")}
    os.utime(source / "config.json")
    made = []
    compress_file = room._compress_file
    monkeypatch.setattr(
        room, "_compress_file", lambda *args: made.append(args[0].name) or compress_file(*args)
    )
    compress_folder(source, target)
    assert made == ["model.safetensors"]
    assert all(f.stat().st_mtime_ns == time for f, time in before.items())


def test_another_source_is_not_taken_for_the_same(source, tmp_path):
    target = tmp_path / "target"
    compress_folder(source, target)
    save_file({"blocks.2.weight": gaussian(256, 256, seed=5)}, source / "one" / "model.safetensors")
    compress_folder(source, target)
    assert whole(target / "one" / "model.safetensors").keys() == {"blocks.2.weight"}


def test_a_copy_of_a_compressed_folder_is_the_same_folder(source, tmp_path):
    compress_folder(source, tmp_path / "first")
    compress_folder(tmp_path / "first", tmp_path / "second")
    for file in (tmp_path / "first").rglob("*.safetensors"):
        twin = tmp_path / "second" / file.relative_to(tmp_path / "first")
        assert twin.read_bytes() == file.read_bytes()
    assert verify_folder(tmp_path / "second") == 5


def test_an_interrupted_file_leaves_nothing(source, tmp_path):
    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compress_folder(source, tmp_path / "target", stop)
    assert not list((tmp_path / "target").rglob("*safetensors*"))


def test_progress_adds_up_to_the_tensors(source, tmp_path):
    done = []
    compress_folder(source, tmp_path / "target", done.append)
    everything = [t for f in source.rglob("*.safetensors") for t in load_file(f).values()]
    assert sum(done) == sum(tensor.nbytes for tensor in everything)


def test_verifying_finds_a_changed_bit(source, tmp_path):
    target = tmp_path / "target"
    compress_folder(source, target)
    assert verify_folder(target) == 5
    file = target / "one" / "model.safetensors"
    start = read_header(file)["blocks.2.weight.sm"]["data_offsets"][0]
    (length,) = struct.unpack("<Q", file.read_bytes()[:8])
    changed = bytearray(file.read_bytes())
    changed[8 + length + start + 77] ^= 1
    file.write_bytes(changed)
    with pytest.raises(CheckpointError, match=r"blocks\.2\.weight in .* another; the file is dam"):
        verify_folder(target)


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"\xff" * 64, b'\x05\0\0\0\0\0\0\0"abc"'])
def test_a_file_that_is_none_is_one_line(source, tmp_path, content):
    (source / "one" / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        compress_folder(source, tmp_path / "target")


def test_a_folder_without_weights_and_a_target_that_is_the_source_are_refused(source, tmp_path):
    with pytest.raises(CheckpointError, match="must hold safetensors files"):
        compress_folder(tmp_path / "nothing", tmp_path / "target")
    with pytest.raises(StorageError, match="another folder"):
        compress_folder(source, source)


def test_a_file_written_tensor_by_tensor_is_read_by_the_library(tmp_path):
    tensors = {
        "a": torch.arange(6).view(2, 3),
        "空": torch.ones(0, 3),
        "b": torch.tensor(2.5, dtype=torch.float64),
        "c": gaussian(3, 5).T,
        "d": torch.tensor([True, False]),
    }
    with ShardWriter(tmp_path / "x.safetensors", tensors) as writer:
        for name, tensor in tensors.items():
            writer.write(name, tensor)
    found = load_file(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
