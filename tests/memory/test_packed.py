"""A packed weight does what the weight does, and is not surprised by what others do."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from danqing.core.errors import CheckpointError
from danqing.memory.codec import encode, reference
from danqing.memory.packed import PackedTensor, Slots, assemble
from danqing.memory.pages import mapped
from danqing.models import checkpoint
from danqing.models.layers import Linear


def weight(rows=96, columns=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (0.02 * torch.randn(rows, columns, generator=generator)).bfloat16()


def packed(tensor, slots=None, **settings):
    return PackedTensor(reference.encode(tensor), slots or Slots(), **settings)


@pytest.fixture
def pair():
    """A linear map and the same with a packed weight."""
    plain, other = (Linear(64, 96).bfloat16() for _ in range(2))
    bias = torch.randn(96).bfloat16()
    plain.load_state_dict({"weight": weight(), "bias": bias}, assign=True)
    other.load_state_dict({"weight": packed(weight()), "bias": bias}, assign=True)
    return plain, other


def test_it_looks_like_a_weight(pair):
    _, linear = pair
    assert isinstance(linear.weight, nn.Parameter)
    assert isinstance(linear.weight, PackedTensor)
    assert linear.weight.shape == (96, 64)
    assert linear.weight.dtype == torch.bfloat16
    assert linear.weight.device.type == "cpu"
    assert dict(linear.named_parameters()).keys() == {"weight", "bias"}
    assert "bits a weight" in repr(linear.weight)


@pytest.mark.parametrize("gelu", [False, True])
def test_products_are_the_same_bits(pair, gelu):
    plain, linear = pair
    for rows in (1, 3, 40):
        x = torch.randn(2, rows, 64).bfloat16()
        with torch.no_grad():
            assert torch.equal(plain(x, gelu=gelu), linear(x, gelu=gelu))
        assert torch.equal(plain(x), linear(x))
        assert torch.equal(F.linear(x, plain.weight), F.linear(x, linear.weight))


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.clone(),
        lambda w: w.float(),
        lambda w: w.T.contiguous(),
        lambda w: w[3:5],
        lambda w: 2 * w + 1,
        lambda w: w @ torch.ones(64, 2).bfloat16(),
        lambda w: torch.cat([w, w]),
        lambda w: w.to(torch.float16),
    ],
)
def test_everything_else_is_done_to_a_copy_of_its_own(change):
    slots = Slots()
    one, other = packed(weight(), slots), packed(weight(seed=1), slots)
    result = change(one)
    assert type(result) is torch.Tensor
    F.linear(torch.ones(1, 64).bfloat16(), other)  # takes the room
    assert torch.equal(result, change(weight()))


def test_gradients_reach_the_input_through_the_right_weight(pair):
    """On the way back the room holds another weight."""
    plain, linear = pair
    x = torch.randn(5, 64).bfloat16()
    grads = []
    for module in (plain, linear):
        again = x.clone().requires_grad_()
        out = module(module(again)[:, :64]).float().square().sum()
        if module is linear:
            with torch.no_grad():
                F.linear(x, packed(weight(seed=9), linear.weight.slots))
        grads.append(torch.autograd.grad(out, (again, module.bias)))
    for ours, theirs in zip(*grads, strict=True):
        assert torch.equal(ours, theirs)


def test_one_decoding_serves_the_same_weight_again(monkeypatch):
    slots = Slots()
    weights = [packed(weight(seed=seed), slots) for seed in range(2)]
    decoded = []
    monkeypatch.setattr(
        "danqing.memory.packed.decode_into", lambda p, out: decoded.append(p) or out.zero_()
    )
    x = torch.ones(1, 64).bfloat16()
    for _ in range(3):
        F.linear(x, weights[0])
    assert len(decoded) == 1
    for index in (1, 0, 1):
        F.linear(x, weights[index])
    assert len(decoded) == 4


def test_the_room_is_that_of_the_largest_weight():
    slots = Slots()
    packed(weight(10, 64), slots)
    packed(weight(40, 64), slots)
    assert slots.nbytes == 2 * 40 * 64


def test_a_state_has_the_weight_and_a_file_has_it_plain(pair, tmp_path):
    plain, linear = pair
    state = linear.state_dict()
    assert isinstance(state["weight"], PackedTensor)
    fresh = Linear(64, 96).bfloat16()
    fresh.load_state_dict(state)
    assert torch.equal(fresh.weight, plain.weight)
    checkpoint.write(tmp_path / "part", state, {})
    assert torch.equal(checkpoint.read(tmp_path / "part")["weight"], plain.weight)


def test_moving_keeps_it_packed_and_another_format_does_not(pair):
    _, linear = pair
    assert isinstance(linear.to("cpu").weight, PackedTensor)
    assert isinstance(linear.to(torch.bfloat16).weight, PackedTensor)
    wide = packed(weight()).to(torch.float32)
    assert type(wide) is torch.Tensor
    assert torch.equal(wide, weight().float())


def merge(plain, down, up):
    """Merge a low-rank change into a weight, rounded once, as people merge LoRAs."""
    plain.copy_((plain.float() + up.float() @ down.float()).to(plain.dtype))


def test_a_merged_lora_gives_the_bits_of_merging_into_the_plain_weight():
    down, up = torch.randn(4, 64).bfloat16(), 0.1 * torch.randn(96, 4).bfloat16()
    plain = weight()
    merge(plain, down, up)
    slots = Slots()
    base = packed(weight(), slots)
    merged = base.patched(lambda w: merge(w, down, up))
    x = torch.randn(3, 64).bfloat16()
    assert torch.equal(F.linear(x, merged), F.linear(x, plain))
    assert torch.equal(F.linear(x, base), F.linear(x, weight()))
    assert torch.equal(F.linear(x, merged), F.linear(x, plain))


def test_files_hold_the_parts_and_modules_get_the_whole(tmp_path):
    stored = encode(weight(512, 64))
    parts = {f"a.weight.{end}": part for end, part in stored.parts.items()}
    save_file({**parts, "a.bias": torch.ones(3)}, tmp_path / "model.safetensors")
    slots = Slots()
    found = assemble(checkpoint.read(tmp_path), slots, kept=lambda name: name != "a.weight")
    assert found.keys() == {"a.weight", "a.bias"}
    assert found["a.weight"].file
    for _ in range(3):  # its pages are dropped after each use, and come back
        assert torch.equal(found["a.weight"].plain(), weight(512, 64))
    # What is not mapped from a file would be lost if it were dropped.
    loose = assemble({**parts}, slots, kept=lambda name: False)["a.weight"]
    for _ in range(2):
        assert torch.equal(loose.plain(), weight(512, 64))
    assert mapped([stored.signs]) == [False]


def test_a_missing_part_is_named():
    parts = reference.encode(weight()).parts
    tensors = {f"a.weight.{end}": part for end, part in parts.items() if end != "ix"}
    with pytest.raises(CheckpointError, match=r"a\.weight must be packed .* another ix"):
        assemble(tensors, Slots())


def test_damaged_bits_are_refused_when_they_are_used():
    stored = reference.encode(weight())
    stored.payload[int(stored.offsets[1])] ^= -1
    with pytest.raises(CheckpointError, match="tile 1 must be as long"):
        F.linear(torch.ones(1, 64).bfloat16(), PackedTensor(stored, Slots()))
