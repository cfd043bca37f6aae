"""Whole paths on a GPU that is not there: tensors of two devices must never meet.

What comes out must be what a CPU gives, up to the order of a few sums, as it is a CPU that reckons.
"""

import runpy
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from danqing.cli.main import main
from danqing.evaluation.painter import round_trip
from danqing.flow import sde
from danqing.flow.sde import walk
from danqing.memory.packed import PackedTensor
from danqing.models import checkpoint
from danqing.models.control import (
    BlockwiseControl,
    BlockwiseControlConfig,
    TrunkControl,
    TrunkControlConfig,
)
from danqing.models.lora import Kronecker, LowRank, adapt, adapted
from danqing.models.lora import save as save_lora
from danqing.models.mmdit.names import published
from danqing.pipelines.chain import reconstruct
from danqing.pipelines.compress import compress
from danqing.pipelines.control import Control
from danqing.pipelines.load import load, load_mmdit, reader
from danqing.pipelines.model import Leader
from danqing.pipelines.record import read
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.pipelines.selftest import compare
from danqing.testing import MMDIT, toy, toy_layered, toy_mmdit
from danqing.training.instruction import Instruction
from danqing.training.model import TextToImageModel

# Tests are no package.
_helper = runpy.run_path(str(Path(__file__).with_name("pretend.py")))
pretend, Pretended = _helper["pretend"], _helper["Pretended"]
pytestmark = pytest.mark.usefixtures("logs_as_before")


@pytest.fixture(autouse=True)
def _same_attention():
    """Have attention reckoned in the one way that both devices know."""
    with sdpa_kernel(SDPBackend.MATH):
        yield


@pytest.fixture(autouse=True)
def _float32_here(monkeypatch):
    """Have all CPUs choose the one number format, as a GPU of old."""
    monkeypatch.setattr("danqing.core.device._cpu_has_bf16", lambda: False)


@pytest.fixture
def gpu():
    with pretend() as device:
        yield device


def fails(match="same device"):
    return pytest.raises(RuntimeError, match=match)


def test_tensors_of_two_devices_do_not_meet(gpu):
    here, there = torch.ones(3), torch.ones(3, device=gpu)
    for do in (
        lambda: there + here,
        lambda: here + there,
        lambda: there.mul_(here),
        lambda: here.mul_(there),
        lambda: torch.tensor(1.0).add_(there[0]),
        lambda: torch.cat([there, here]),
        lambda: torch.stack([there[0], here[0]]),
        lambda: torch.where(here > 0, there, there),
        lambda: there.masked_fill(here > 0, 1.0),
        lambda: nn.functional.linear(there, torch.ones(2, 3)),
        lambda: nn.functional.embedding(torch.zeros(2, dtype=torch.long), torch.ones(2, 3).to(gpu)),
        lambda: torch._foreach_add_([there, there], [there, here]),
        lambda: there.__setitem__(torch.tensor([0, 1]), torch.ones(2)),
        lambda: torch.add(there, there, out=here),
    ):
        with fails():
            do()
    with fails("indices should be"):
        here[torch.tensor([0, 1], device=gpu)]
    with fails("for generator"):
        torch.randn(3, device="cuda", generator=torch.Generator())
    with fails("for generator"):
        there.uniform_(generator=torch.Generator())
    with fails("for generator"):
        torch.randn(3, generator=torch.Generator("cuda"))
    with pytest.raises(TypeError, match="to numpy"):
        there.numpy()
    with pytest.raises(TypeError, match="to numpy"):
        np.asarray(there)


def test_what_may_meet_does(gpu):
    here, there = torch.arange(3.0), torch.arange(3.0, device=gpu)
    for found in (
        there + torch.tensor(1.0),
        torch.tensor(1.0) * there,
        there[torch.tensor([0, 2])],
        there.copy_(here),
        here.to(there),
        here.cuda(),
        torch.as_tensor([1, 2], device="cuda:0"),
        torch.zeros_like(here, device="cuda"),
        there.new_ones(2),
        torch.randn(3, device=gpu, generator=torch.Generator(gpu)),
        nn.functional.interpolate(there[None, None], scale_factor=2),
    ):
        assert isinstance(found, Pretended)
        assert found.device == torch.device("cuda", 0)
        assert found.is_cuda
    assert there.to("cuda") is there
    for found in (there.cpu(), here.copy_(there), torch.zeros_like(there, device="cpu")):
        assert type(found) is torch.Tensor
        assert found.device.type == "cpu"
    with torch.inference_mode():
        assert type(there.cpu()) is type((there + 1).cpu()) is torch.Tensor
    assert there.tolist() == [0, 1, 2]
    assert float(there.sum()) == 3


def test_what_a_tensor_holds_may_be_put_in_its_place(gpu):
    weight = nn.Parameter(torch.zeros(3, device=gpu))
    weight.data = torch.ones(2, device=gpu, dtype=torch.bfloat16)
    weight.data.add_(1)
    assert weight.tolist() == [2, 2]
    assert weight.dtype == (2 * weight).dtype == torch.bfloat16


def test_networks_learn_there_as_here():
    def learn(device, foreach):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2))
        x = torch.randn(5, 4).to(device)
        weights = list(network.parameters())
        optimizer = torch.optim.AdamW(network.parameters(), foreach=foreach)
        network.to(device)
        for _ in range(2):
            network(x).square().mean().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimizer.step()
            optimizer.zero_grad()
        assert all(one is other for one, other in zip(weights, network.parameters(), strict=True))
        assert {weight.device.type for weight in weights} == {torch.device(device).type}
        with torch.inference_mode():
            found = torch.func.functional_call(network, network.state_dict(), (x,))
            assert torch.equal(found, network(x))
        return network.to("cpu")[0].weight.detach()

    for foreach in (False, True):
        with pretend() as gpu:
            there = learn(gpu, foreach)
        assert type(there) is torch.Tensor
        assert torch.equal(there, learn("cpu", foreach))


def test_nothing_is_left_behind():
    with pretend():
        pass
    assert not torch.cuda.is_available()
    assert torch.ones(1).device.type == "cpu"
    assert "device" not in vars(torch.Tensor)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save(toy(), folder / "paints")
    save(toy(edits=True), folder / "edits")
    save(toy_layered(), folder / "parts")
    return folder


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder to work in, with pictures of two sizes and a mask."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, size in (("photo", (30, 40)), ("other", (32, 64))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(f"{name}.png")
    mask = Image.new("L", (40, 30))
    mask.paste(255, (10, 8, 20, 18))
    mask.save("mask.png")
    return tmp_path


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


PAINTED = {
    "text": ("paints", ("generate",), ()),
    "batch": ("paints", ("generate",), ("--batch", "2", "--negative", "green and blue")),
    "heun": ("paints", ("generate",), ("--sampler", "heun", "--guidance", "1")),
    "over": ("paints", ("generate", "--over", "photo.png", "--strength", "0.7"), ()),
    "edit": ("edits", ("edit", "photo.png"), ()),
    "two": ("edits", ("edit", "photo.png", "other.png"), ("--batch", "2")),
    "inpaint": ("paints", ("inpaint", "photo.png", "mask.png"), ("--feather", "2")),
    "nano": ("danqing-nano", ("generate",), ("--size", "64x64")),
}
"""Model, verb and how to paint."""


def assert_same_pictures(one, other):
    """See that two files hold the same picture, but for levels on the edge of the next one."""
    assert abs(pixels(one) - pixels(other)).max() <= 3


@pytest.mark.parametrize("name", list(PAINTED))
def test_pictures_are_the_same_there_as_here(name, models, photos):
    model, verb, how = PAINTED[name]
    model = model if model.startswith("danqing") else str(models / model)
    words = ("a red circle", *how, "--steps", "2")
    how = ("--model", model, "--out")
    for capability in ((9, 0), (7, 5))[name not in ("batch", "two", "nano") :]:
        with pretend(capability):
            main([*verb, *words, *how, "there.png"])
    made = sorted(photos.glob("there*.png"))
    assert made
    for file in made:
        assert read(file).device == "cuda"
        main([*verb, "--like", file.name, *how, "here.png"])
        assert_same_pictures(file, "here.png")


@pytest.mark.parametrize("words", [("--again", "2"), ("--count", "3")])
def test_layers_are_the_same_there_as_here(words, models, photos):
    how = ("--count", "2", *words, "--steps", "2", "--model", str(models / "parts"))
    with pretend((7, 5)):
        main(["layers", "photo.png", "a", *how, "--exact", "--out", "there"])
    main(["layers", "photo.png", "a", *how, "--exact", "--out", "here"])
    made = sorted(photos.glob("there/*.png"))
    assert len(made) > 2
    for file in made:
        assert_same_pictures(file, photos / "here" / file.name)


@pytest.mark.parametrize("task", [("depth",), ("segment", "star"), ("detect", "heart")])
def test_what_is_seen_is_the_same_there_as_here(task, models, photos):
    name, *classes = task
    words = ("see", name, "photo.png", *classes, "--model", str(models / "edits"), "--steps", "1")
    with pretend((7, 5)):
        main([*words, "--out", "there"])
    main([*words, "--out", "here"])
    made = sorted(photos.glob("there/*.png"))
    assert made
    for file in made:
        assert_same_pictures(file, photos / "here" / file.name)


CHANGES = {
    "low rank": partial(LowRank.fresh, rank=2, alpha=2.0),
    "kronecker": partial(Kronecker.fresh, rank=2, alpha=2.0, factor=4),
}


def lora(mmdit, folder, change="low rank"):
    """Write a LoRA for a transformer, and return how it is told of."""
    adapt(mmdit, r"\.to_", CHANGES[change])
    torch.manual_seed(0)
    for layer in adapted(mmdit).values():
        for weight in layer.changes[0].parameters():
            nn.init.normal_(weight, std=0.1)
    save_lora(mmdit, folder / "lora.safetensors")
    return f"{folder / 'lora.safetensors'}:0.8"


NETWORKS = {
    "trunk": lambda: TrunkControl(TrunkControlConfig(trunk=replace(MMDIT, depth=1))),
    "inpaint": lambda: TrunkControl(TrunkControlConfig(trunk=replace(MMDIT, depth=1), extra=4)),
    "blockwise": lambda: BlockwiseControl(
        BlockwiseControlConfig(depth=MMDIT.depth, width=MMDIT.width, in_channels=MMDIT.in_channels)
    ),
}


def painted(folder, request, device, *, leaders=(), **how):
    """Return the tokens and pictures of a request."""
    pipeline = load(folder, device, **{"dtype": "float32"} | how)
    for name in leaders:
        torch.manual_seed(0)
        network = NETWORKS[name]().eval()
        for weight in network.parameters():
            weight.data.add_(0.1 * torch.randn_like(weight))
        pipeline.leaders[name] = Leader(network.to(pipeline.device, pipeline.dtype), name)
    made = pipeline.paint(request)
    assert made.tokens.device.type == torch.device(device).type
    return made.tokens.cpu(), made.pictures


def assert_same(folder, request, **how):
    with pretend() as gpu:
        there, pictures = painted(folder, request, "cuda", **how)
    here, others = painted(folder, request, "cpu", **how)
    assert gpu.type == "cuda"
    torch.testing.assert_close(there, here, atol=1e-4, rtol=1e-4)
    for one, other in zip(pictures, others, strict=True):
        assert abs(np.asarray(one.image).astype(int) - np.asarray(other.image)).max() <= 1


@pytest.mark.parametrize("change", list(CHANGES))
def test_loras_are_worn_there_too(change, models, tmp_path):
    worn = lora(toy_mmdit(), tmp_path, change)
    assert_same(models / "paints", Request("a red square", steps=2), loras=(worn,))


@pytest.mark.parametrize("name", list(NETWORKS))
def test_control_networks_lead_there_too(name, models):
    photo, mask = Image.new("RGB", (32, 32), "red"), Image.new("L", (32, 32), 255)
    control = Control(name, photo, mask=mask if name == "inpaint" else None)
    request = Request("a red square", steps=2, controls=(control,))
    assert_same(models / "paints", request, leaders=(name,))


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The embedded model, compressed whole."""
    base = tmp_path_factory.mktemp("packed")
    save(load("danqing-nano", "cpu", torch.bfloat16), base / "plain")
    compress(base / "plain", base / "packed")
    return base / "packed"


@pytest.mark.parametrize("streamed", [False, True])
def test_packed_weights_are_decoded_there(streamed, packed, monkeypatch, tmp_path):
    worn = [lora(load_mmdit(packed.parent / "plain"), tmp_path)]
    request = Request("a red circle", seed=4, steps=2, size="64x64")
    made = partial(reader, streamed=streamed)
    monkeypatch.setattr("danqing.pipelines.load.reader", made)
    with pretend() as gpu:
        pipeline = load(packed, "cuda", torch.bfloat16, packed=True, loras=worn)
        weight = pipeline.mmdit.blocks[0].image.mlp.up.weight
        assert isinstance(weight, PackedTensor)
        assert weight.device == gpu
        assert (weight.packed.device.type == "cpu") == streamed
        there = pipeline.paint(request).tokens.cpu()
        plain = load(packed, "cuda", torch.bfloat16, packed=False, loras=worn)
        assert torch.equal(there, plain.paint(request).tokens.cpu())


def test_the_self_test_passes_there(packed, tmp_path):
    layered = replace(MMDIT, heads=8, layered=True, addition_t_cond=True)
    weights = {
        published(n): w for n, w in toy_mmdit(config=layered).bfloat16().state_dict().items()
    }
    checkpoint.write(tmp_path / "a" / "transformer", weights, layered.to_published())
    compress(tmp_path / "a", tmp_path / "b")
    with pretend():
        assert compare(packed) > 0
        assert compare(tmp_path / "b") == layered.depth


def test_prompts_of_all_lengths_are_read_with_their_pictures(models):
    prompts = ["a red square", "a green circle and a blue triangle", "a"]
    rng = np.random.default_rng(0)
    shown = [
        [Image.fromarray(rng.integers(0, 256, (side, 56, 3), np.uint8)) for side in sides]
        for sides in ((56,), (28, 84), ())
    ]

    def read(device):
        conditioner = load(models / "edits", device, "float32").conditioner
        return conditioner.read(prompts, shown), conditioner.read(prompts)

    with pretend() as gpu:
        there = [(one.text.cpu(), one.mask.cpu()) for one in read(gpu)]
    for (text, mask), here in zip(there, read("cpu"), strict=True):
        assert torch.equal(mask, here.mask)
        torch.testing.assert_close(text, here.text)


@pytest.mark.parametrize("reads", [False, True])
def test_a_model_learns_there_as_here(reads):
    photo, square = Image.new("RGB", (32, 32), "red"), torch.Generator().manual_seed(0)
    source = torch.randn(4, 4, 8, generator=square)
    captions = ["a red circle", Instruction("a green square", (photo,), (source,))]
    x = torch.randn(2, 4, 8, 8, generator=square)

    def learn(device):
        pipeline = toy(edits=True)
        model = TextToImageModel(
            pipeline.mmdit, pipeline.conditioner, None if reads else pipeline.reader
        ).to(device)
        out = model(x.to(device), captions, torch.tensor([0.3, 0.7], device=device))
        out.square().mean().backward()
        grads = {n: w.grad.cpu() for n, w in model.named_parameters() if w.grad is not None}
        return {"": out.detach().cpu()} | grads

    with pretend() as gpu:
        there = learn(gpu)
    here = learn("cpu")
    assert there.keys() == here.keys()
    for name, value in here.items():
        torch.testing.assert_close(there[name], value, rtol=1e-4, atol=1e-6)


def test_the_vae_keeps_pictures_there(models):
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8))
    with pretend() as gpu:
        there = round_trip(load(models / "paints", gpu, "float32").vae)(photo)
        pipeline = load(models / "paints", gpu, "float32")
        again = reconstruct(pipeline, photo)
    pipeline = load(models / "paints", "cpu", "float32")
    assert there.tobytes() == round_trip(pipeline.vae)(photo).tobytes()
    assert again.tobytes() == reconstruct(pipeline, photo).tobytes()


@pytest.mark.parametrize("kernel", ["flow_sde", "cps"])
def test_stochastic_walks_draw_on_the_cpu(kernel, gpu):
    end, hops = walk(
        lambda x, sigma: x, torch.ones(2, 3, device=gpu), (1.0, 0.5, 0.0), sde.kernels[kernel], 0.7,
        range(2), torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert end.device == gpu
    assert hops[0].step.log_prob(hops[0].end, "mean").device == gpu
    assert hops[0].of(torch.tensor([True, False], device=gpu)).end.shape == (1, 3)
