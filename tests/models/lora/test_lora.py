"""Adapters change what they are trained to change, and nothing else; their files travel."""

import json
from functools import partial

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from danqing.core.errors import CheckpointError, RecipeError
from danqing.memory.codec import encode
from danqing.memory.packed import PackedTensor, Slots
from danqing.models.lora import Kronecker, LowRank, adapt, adapted, attach, merged, save
from danqing.models.mmdit import Grid
from danqing.models.mmdit.names import ours
from danqing.testing import MMDIT, toy_mmdit

LAYERS = r"\.(to_|mlp\.)"
LAYOUT = [(Grid(1, 3, 2),)]
NAME = "transformer_blocks.0.attn.to_q"


def velocity(mmdit, dtype=torch.float32):
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randn(2, 6, MMDIT.in_channels, generator=draw).to(dtype)
    text = torch.randn(2, 5, MMDIT.text_channels, generator=draw).to(dtype)
    return mmdit(tokens, text, torch.tensor([0.7, 0.3]), LAYOUT)


LORA = partial(LowRank.fresh, rank=3, alpha=6.0)
KINDS = {
    "lora": LORA,
    "lokr": partial(Kronecker.fresh, rank=2, alpha=4.0, factor=4),
    "whole lokr": partial(Kronecker.fresh, rank=64, alpha=1.0, factor=4),
}
EACH = pytest.mark.parametrize("fresh", KINDS.values(), ids=KINDS)


def trained(layers=LAYERS, fresh=LORA, seed=0):
    """Return a transformer whose adapters have learned something, so to say."""
    mmdit = toy_mmdit()
    torch.manual_seed(seed)
    adapt(mmdit, layers, fresh)
    for layer in adapted(mmdit).values():
        nn.init.normal_(layer.changes[0].up, std=0.1)
    return mmdit


def same(got, expected, atol=1e-5):
    torch.testing.assert_close(got, expected, atol=atol, rtol=0)


@EACH
@torch.no_grad()
def test_a_fresh_adapter_changes_nothing(fresh):
    mmdit = toy_mmdit()
    before = velocity(mmdit)
    adapt(mmdit, LAYERS, fresh)
    # GELU is no longer part of the product before it, so the last bit may be another.
    same(velocity(mmdit), before, atol=1e-6)


@EACH
def test_only_adapters_learn_and_all_that_the_velocity_depends_on(fresh):
    mmdit = trained(fresh=fresh)
    velocity(mmdit).square().mean().backward()
    # Nobody reads the text after the last block.
    unread = ("blocks.1.text.to_out", "blocks.1.text.mlp")
    for name, weight in mmdit.named_parameters():
        learns = ".changes." in name and not name.startswith(unread)
        assert (weight.grad is not None) == learns, name
    # Two streams of two blocks: four maps of attention and two of the MLP in each.
    assert len(adapted(mmdit)) == 2 * 2 * 6


@EACH
@torch.no_grad()
def test_merged_weights_do_alone_what_both_do_together(fresh):
    mmdit = trained(layers="", fresh=fresh)
    assert (velocity(mmdit) - velocity(toy_mmdit())).abs().max() > 0.01
    assert len(adapted(mmdit)) == sum(isinstance(m, nn.Linear) for m in mmdit.modules())
    plain = toy_mmdit(seed=1)
    plain.load_state_dict(merged(mmdit))
    same(velocity(plain), velocity(mmdit))


@torch.no_grad()
def test_an_adapter_adds_scale_times_up_times_down():
    """Held against the equation, with the GELU of the MLP after the sum."""
    mmdit = trained()
    up = mmdit.blocks[0].image.mlp.up
    (change,) = up.changes
    x = torch.randn(4, MMDIT.width, generator=torch.Generator().manual_seed(2))
    expected = x @ up.weight.T + up.bias + 6.0 / 3 * (x @ change.down.T @ change.up.T)
    same(up(x), expected)
    same(up(x, gelu=True), nn.functional.gelu(expected, approximate="tanh"))


def test_compressed_weights_stay_so_and_give_gradients():
    mmdit = trained().bfloat16()
    loss = velocity(mmdit, torch.bfloat16).float().square().mean()
    loss.backward()
    expected = mmdit.blocks[0].text.to_k.changes[0].down.grad.clone()
    mmdit.zero_grad()
    slots = Slots()
    for layer in adapted(mmdit).values():
        packed = PackedTensor(encode(layer.weight.detach()), slots)
        layer.weight = nn.Parameter(packed, requires_grad=False)
    packed = velocity(mmdit, torch.bfloat16).float().square().mean()
    packed.backward()
    assert packed.item() == pytest.approx(loss.item(), rel=1e-3)
    got = mmdit.blocks[0].text.to_k.changes[0].down.grad
    assert (got - expected).norm() < 0.02 * expected.norm()
    assert all(isinstance(one.weight, PackedTensor) for one in adapted(mmdit).values())


def test_a_pattern_that_finds_nothing_is_refused():
    with pytest.raises(RecipeError, match=r"layers must be found .* they look like time\.linear_1"):
        adapt(toy_mmdit(), "to_qq", LORA)


@EACH
@torch.no_grad()
def test_a_saved_adapter_comes_back_with_its_scale(tmp_path, fresh):
    mmdit = trained(fresh=fresh)
    save(mmdit, tmp_path / "a.safetensors")
    again = toy_mmdit()
    attach(again, tmp_path / "a.safetensors")
    same(velocity(again), velocity(mmdit))


@torch.no_grad()
def test_two_adapters_of_a_network_add_up(tmp_path):
    save(trained(seed=1), tmp_path / "a.safetensors")
    save(trained(fresh=KINDS["lokr"], seed=2, layers="image"), tmp_path / "b.safetensors")
    both, one, other = toy_mmdit(), toy_mmdit(), toy_mmdit()
    first = attach(both, tmp_path / "a.safetensors", 0.5)
    second = attach(both, tmp_path / "b.safetensors", -2.0)
    attach(one, tmp_path / "a.safetensors", 0.5)
    attach(other, tmp_path / "b.safetensors", -2.0)
    assert first != second
    base = toy_mmdit().state_dict()
    for name, weight in merged(both).items():
        same(weight - base[name], merged(one)[name] + merged(other)[name] - 2 * base[name])


def kohya(stem, down, up, alpha):
    flat = f"lora_unet_{stem.replace('.', '_')}"
    return {
        f"{flat}.lora_down.weight": down,
        f"{flat}.lora_up.weight": up,
        f"{flat}.alpha": torch.tensor(alpha),
    }


def comfy(stem, down, up, alpha):
    return {
        f"diffusion_model.{stem}.lora_A.weight": down,
        f"diffusion_model.{stem}.lora_B.weight": up,
        f"diffusion_model.{stem}.alpha": torch.tensor(alpha),
    }


def peft(stem, down, up, alpha):
    up = alpha / len(down) * up
    return {
        f"base_model.model.{stem}.lora_A.default.weight": down,
        f"base_model.model.{stem}.lora_B.default.weight": up,
    }


@pytest.mark.parametrize("written", [kohya, comfy, peft])
@pytest.mark.parametrize("layer", [NAME, "transformer_blocks.1.txt_mlp.net.0.proj", "img_in"])
@torch.no_grad()
def test_files_of_others_are_read(tmp_path, written, layer):
    mmdit = toy_mmdit()
    weight = mmdit.state_dict()[ours(f"{layer}.weight")].clone()
    down, up = torch.randn(4, weight.shape[1]), torch.randn(weight.shape[0], 4)
    save_file(written(layer, down, up, 2.0), tmp_path / "a.safetensors")
    attach(mmdit, tmp_path / "a.safetensors", 3.0)
    same(merged(mmdit)[ours(f"{layer}.weight")], weight + 3.0 * 2.0 / 4 * up @ down)


@pytest.mark.parametrize("outer", ["w1", "w1_a w1_b"])
@pytest.mark.parametrize("inner", ["w2", "w2_a w2_b"])
@pytest.mark.parametrize(
    ("stem", "told"),
    [
        (f"lycoris_{NAME.replace('.', '_')}", "alpha"),
        (f"diffusion_model.{NAME}", None),
        (f"base_model.model.{NAME}", "metadata"),
    ],
)
@torch.no_grad()
def test_loras_that_are_kronecker_products_are_read(tmp_path, outer, inner, stem, told):
    """Alpha is told beside the halves, or by PEFT for all; LyCORIS scales no whole matrices."""
    rank, alpha, shapes = 2, 3.0, {"w1": (4, 8), "w2": (8, 4)}
    halves = {}
    for name, (rows, columns) in shapes.items():
        halves |= {f"{name}_a": (rows, rank), f"{name}_b": (rank, columns)}
    draw = torch.Generator().manual_seed(0)
    names = [*outer.split(), *inner.split()]
    parts = {name: torch.randn((shapes | halves)[name], generator=draw) for name in names}
    tensors = {f"{stem}.lokr_{name}": part for name, part in parts.items()}
    metadata = {}
    if told == "alpha":
        tensors[f"{stem}.alpha"] = torch.tensor(alpha)
    elif told:
        metadata["lora_adapter_metadata"] = json.dumps({"r": rank, "alpha": alpha})
    save_file(tensors, tmp_path / "a.safetensors", metadata)
    one, two = (
        torch.linalg.multi_dot([parts[n] for n in each.split()]) if " " in each else parts[each]
        for each in (outer, inner)
    )
    scaled = told == "metadata" or (told == "alpha" and (" " in outer or " " in inner))

    mmdit = toy_mmdit()
    weight = mmdit.state_dict()[ours(f"{NAME}.weight")].clone()
    attach(mmdit, tmp_path / "a.safetensors", 0.5)
    expected = weight + 0.5 * (alpha / rank if scaled else 1.0) * torch.kron(one, two)
    same(merged(mmdit)[ours(f"{NAME}.weight")], expected)


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"r": 4, "lora_alpha": 8}, 2.0),
        ({"r": 4, "lora_alpha": 8, "alpha_pattern": {"attn.to_q": 1}}, 0.25),
        ({"r": 4, "lora_alpha": 8, "alpha_pattern": {"o_q": 1}}, 2.0),
        ({}, 1.0),
    ],
)
@torch.no_grad()
def test_the_scale_may_stand_in_the_metadata(tmp_path, config, scale):
    mmdit = toy_mmdit()
    weight = mmdit.blocks[0].image.to_q.weight.clone()
    down, up = torch.randn(4, 32), torch.randn(32, 4)
    told = json.dumps({f"transformer.{key}": value for key, value in config.items()})
    tensors = {
        f"transformer.{NAME}.lora_A.weight": down,
        f"transformer.{NAME}.lora_B.weight": up,
    }
    save_file(tensors, tmp_path / "a.safetensors", {"lora_adapter_metadata": told})
    attach(mmdit, tmp_path / "a.safetensors")
    same(merged(mmdit)["blocks.0.image.to_q.weight"], weight + scale * up @ down)


A, B = f"{NAME}.lora_A.weight", f"{NAME}.lora_B.weight"


@pytest.mark.parametrize(
    ("shapes", "fault"),
    [
        ({A: (4, 32), B: (32, 4), "x.lora_A.weight": (1, 1)}, r"1 unknown \(x\.lora_A\.weight\)"),
        ({f"{NAME}.dora_scale": (32,)}, r"1 unknown \(.*dora_scale\)"),
        ({A: (4, 32)}, r"1 incomplete \(transformer_blocks\.0\.attn\.to_q\)"),
        ({f"{NAME}.lokr_w1": (4, 4), f"{NAME}.lokr_w2_a": (8, 2)}, "1 incomplete"),
        ({f"{NAME}.lokr_w1": (4, 4), f"{NAME}.lokr_w2": (8, 4)}, r"1 misshapen .* for \[32, 32\]"),
        ({A: (4, 32), B: (32, 3)}, r"1 misshapen .* \[4, 32\] and \[32, 3\] for \[32, 32\]"),
        ({A: (4, 32, 1, 1), B: (32, 4, 1, 1)}, "1 misshapen"),
        ({}, "got none"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_is_attached(tmp_path, shapes, fault):
    save_file({name: torch.zeros(s) for name, s in shapes.items()}, tmp_path / "a.safetensors")
    mmdit = toy_mmdit()
    with pytest.raises(CheckpointError, match=fault):
        attach(mmdit, tmp_path / "a.safetensors")
    assert not adapted(mmdit)


def test_other_kinds_of_adapters_are_refused(tmp_path):
    tensors = {A: torch.zeros(4, 32), B: torch.zeros(32, 4)}
    told = {"lora_adapter_metadata": json.dumps({"transformer.use_dora": True})}
    save_file(tensors, tmp_path / "a.safetensors", told)
    with pytest.raises(CheckpointError, match="must be a plain LoRA, got use_dora"):
        attach(toy_mmdit(), tmp_path / "a.safetensors")
