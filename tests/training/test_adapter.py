"""A LoRA is trained from a folder of pictures, and is all that a run learns, keeps and writes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from danqing.core.config import parse
from danqing.core.download import EMBEDDED
from danqing.core.errors import RecipeError, SourceError
from danqing.memory.packed import PackedTensor
from danqing.models.lora import adapted
from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.testing import toy
from danqing.training.recipe import Recipe, prepare, run
from danqing.training.sources.folder import FolderLatents
from danqing.training.trainees.adapter import AdapterTrainee

PAGES = Path("/proc/self/maps").exists()
"""Whether this system tells which memory is a file's."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    save(toy(), folder)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for number, (width, height) in enumerate([(32, 32), (32, 32), (40, 40), (64, 32), (16, 16)]):
        pixels = draw.integers(0, 255, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"picture {number}")
    return folder


def recipe(model, pictures, folder, **settings):
    return parse(
        Recipe,
        {
            "model": str(model),
            "run": str(folder / "run"),
            "trainee": {"name": "adapter", "file": str(folder / "a.safetensors"), "rank": 2},
            "objective": "flow_matching",
            "source": {
                "name": "folder",
                "path": str(pictures),
                "sizes": ["32x32", "32x16"],
                "batch": 2,
            },
            "steps": 3,
            "ema": 0.0,
            "optimizer": {"name": "adamw", "lr": 1e-2},
            **settings,
        },
    )


@pytest.mark.parametrize(
    ("kind", "dtype"), [("lora", "float32"), ("lora", "bfloat16"), ("lokr", "bfloat16")]
)
def test_an_adapter_is_trained_written_and_painted_with(model, pictures, tmp_path, kind, dtype):
    before = {file: file.read_bytes() for file in model.rglob("*") if file.is_file()}
    trainee = {
        "name": "adapter",
        "file": str(tmp_path / "a.safetensors"),
        "kind": kind,
        "rank": 2,
        "factor": 4,
    }
    run(recipe(model, pictures, tmp_path, dtype=dtype, trainee=trainee))
    assert {file: file.read_bytes() for file in model.rglob("*") if file.is_file()} == before

    written = load_file(tmp_path / "a.safetensors")
    assert len(written) == {"lora": 2, "lokr": 3}[kind] * 2 * 2 * 6
    assert any(up.any() for name, up in written.items() if name.endswith(("lora_B.weight", "w2_a")))
    # What is written is the float32 average, not what the network computes in.
    assert all(tensor.dtype == torch.float32 for tensor in written.values())
    plain = load(model, dtype="float32").paint(Request("a red circle")).tokens
    worn = load(model, dtype="float32", loras=[str(tmp_path / "a.safetensors")])
    assert not worn.paint(Request("a red circle")).tokens.equal(plain)

    state = load_file(tmp_path / "run/state/model.safetensors")
    assert all(".changes.0." in name for name in state)


def test_a_run_goes_on_where_it_was(model, pictures, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    constant = {"lr_schedule": {"warmup": 0, "fall": 0.0}, "log_every": 1}
    run(recipe(model, pictures, whole, steps=4, **constant))
    run(recipe(model, pictures, broken, steps=2, **constant))
    run(recipe(model, pictures, broken, steps=4, **constant))
    lines = [(folder / "run/metrics.jsonl").read_text().splitlines() for folder in (whole, broken)]
    losses, again = ([json.loads(line)["loss"] for line in some] for some in lines)
    assert losses == again


def test_compressed_weights_are_trained_on_as_they_are(pictures, tmp_path):
    gradients, losses = [], []
    for packed, streamed in ((False, False), (True, False), (True, True)):
        trainee = {"name": "adapter", "file": "a.safetensors", "rank": 2}
        trainee |= {"packed": packed, "streamed": streamed}
        model = EMBEDDED["danqing-nano"]
        settings = recipe(model, pictures, tmp_path, dtype="bfloat16", trainee=trainee)
        module = prepare(settings).weights.module
        layer = module.mmdit.blocks[3].image.to_q
        assert isinstance(layer.weight.data, PackedTensor) is packed
        if packed:
            assert layer.weight.data.kept is not streamed
            assert layer.weight.data.file is (streamed and PAGES)
        x = torch.randn(1, 16, 4, 4, generator=torch.Generator().manual_seed(0))
        loss = module(x, ["a red circle"], torch.tensor([0.5])).square().mean()
        loss.backward()
        losses.append(loss.item())
        assert layer.weight.grad is None
        gradients.append(layer.changes[0].up.grad.float())
    plain, packed, streamed = gradients
    assert plain.abs().max() > 0
    assert (plain - packed).norm() < 0.05 * plain.norm()
    # Where a weight comes from changes no bit.
    assert streamed.equal(packed)
    assert losses[2] == losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_initial_weights_follow_the_seed(model):
    trainee = AdapterTrainee(file=model / "a.safetensors")

    def down(seed):
        return next(iter(adapted(trainee.build(model, seed).mmdit).values())).changes[0].down

    assert down(1).equal(down(1))
    assert not down(1).equal(down(2))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"rank": 0, "file": "a.safetensors"}, "rank must be at least 1, got 0"),
        ({"factor": 0, "file": "a.safetensors"}, "factor must be at least 1, got 0"),
        ({"streamed": True, "file": "a.safetensors"}, "streamed weights must be packed"),
        ({"file": "a.ckpt"}, r"must end in \.safetensors, got a\.ckpt; try a\.safetensors"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, fault):
    with pytest.raises(RecipeError, match=fault):
        parse(AdapterTrainee, settings)


def test_a_folder_gives_pictures_in_batches_of_one_size_with_their_captions(model, pictures):
    source = FolderLatents(path=pictures, sizes=("32x32", "32x16"), batch=2)
    batches = source.open(model, 0)
    assert batches.deal.batches == 3
    seen: dict[str, tuple[int, ...]] = {}
    for step in range(3):
        batch = batches[step]
        assert len(batch.captions) == 2
        seen |= dict.fromkeys(batch.captions, tuple(batch.latents.shape[1:]))
    # The last picture is smaller than any size, and nothing is enlarged.
    square, wide = (4, 16, 16), (4, 8, 16)
    assert seen == {f"picture {n}": shape for n, shape in enumerate([square] * 3 + [wide])}
    again = source.open(model, 0)[1]
    assert again.latents.equal(batches[1].latents)
    assert again.captions == batches[1].captions


def test_a_folder_that_cannot_be_learned_from_says_why(model, pictures, tmp_path):
    with pytest.raises(SourceError, match="nowhere must exist"):
        FolderLatents(path=tmp_path / "nowhere").open(model, 0)
    with pytest.raises(RecipeError, match="as large as 64x64, got none; choose smaller sizes"):
        FolderLatents(path=pictures, sizes=("64x64",)).open(model, 0)
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    with pytest.raises(RecipeError, match=r"a\.png must have a caption.* write it to a\.txt"):
        FolderLatents(path=tmp_path, sizes=("32x32",)).open(model, 0)
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "a.txt").write_text("a red circle")
    with pytest.raises(RecipeError, match=r"a\.png must be a picture, but it is no picture"):
        FolderLatents(path=tmp_path, sizes=("32x32",)).open(model, 0)
