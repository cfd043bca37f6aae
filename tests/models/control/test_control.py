"""Control networks: the reference's numbers, published names, and what is refused."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from diffusers import QwenImageControlNetModel, QwenImageTransformer2DModel
from safetensors.torch import save_file

from danqing.core.errors import CheckpointError, RecipeError
from danqing.models import checkpoint
from danqing.models.control import (
    BlockwiseControl,
    BlockwiseControlConfig,
    TrunkControl,
    TrunkControlConfig,
    read,
)
from danqing.models.control.names import blockwise, trunk
from danqing.models.mmdit import Branch, Grid, MMDiT, MMDiTConfig
from danqing.models.mmdit.names import ours
from danqing.testing import MMDIT, toy_mmdit

DEPTH, GRID = 5, Grid(1, 3, 4)
BASE = replace(MMDIT, depth=DEPTH)
SIZES = {
    "in_channels": BASE.in_channels,
    "out_channels": BASE.out_channels,
    "num_attention_heads": BASE.heads,
    "attention_head_dim": BASE.head_dim,
    "joint_attention_dim": BASE.text_channels,
    "axes_dims_rope": BASE.rope_axes,
}


def shaken(module):
    """A module whose zeros, too, are random."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return module.eval()


def reference(depth, extra=0):
    return shaken(
        QwenImageControlNetModel(num_layers=depth, extra_condition_channels=extra, **SIZES)
    )


def inputs(extra=0):
    torch.manual_seed(1)
    count = GRID.tokens
    tokens, control = torch.randn(2, count, 16), torch.randn(2, count, 16 + extra)
    return tokens, control, torch.randn(2, 6, BASE.text_channels)


def added(network, branch, control, sigma, scale=1.0):
    adds = network.lead(control, branch, sigma, DEPTH)
    return lambda number, images: [image + scale * adds(number, image) for image in images]


@pytest.mark.parametrize(("depth", "extra"), [(1, 0), (2, 0), (3, 4), (5, 0)])
@torch.no_grad()
def test_a_trunk_leads_as_in_the_reference(tmp_path, depth, extra):
    theirs = reference(depth, extra)
    theirs.save_pretrained(tmp_path)
    network, _ = read(tmp_path, BASE)
    assert isinstance(network, TrunkControl)
    assert network.masked == (extra > 0)

    base = shaken(QwenImageTransformer2DModel(num_layers=DEPTH, **SIZES))
    mmdit = MMDiT(BASE)
    mmdit.load_state_dict({ours(name): weight for name, weight in base.state_dict().items()})
    tokens, control, text = inputs(extra)
    sigma, shapes = torch.tensor([0.75, 0.75]), [[tuple(GRID)]] * 2
    samples = theirs(
        hidden_states=tokens,
        controlnet_cond=control,
        conditioning_scale=0.7,
        encoder_hidden_states=text,
        timestep=sigma,
        img_shapes=shapes,
        return_dict=False,
    )
    settings = {"return_dict": False, "controlnet_block_samples": samples}
    expected = base(tokens, text, None, sigma, shapes, **settings)[0]

    branch = Branch(tokens, text, [[GRID]])
    after = added(network, branch, control, 0.75, 0.7)
    steering = mmdit.steer(sigma[:1])
    (found,) = mmdit.side_by_side([branch], steering, after)
    (without,) = mmdit.side_by_side([branch], steering)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (found - without).abs().max() > 1e-2


@torch.no_grad()
def test_a_map_beside_every_block_gives_what_its_formula_says(tmp_path):
    torch.manual_seed(2)
    width = BASE.width
    stored = {"img_in.weight": torch.randn(width, 20) / 4, "img_in.bias": torch.randn(width)}
    for number in range(DEPTH):
        for name, shape in (
            *((f"{rms}.weight", (width,)) for rms in ("x_rms", "y_rms")),
            *((f"{proj}_proj.weight", (width, width)) for proj in ("input", "output")),
            *((f"{proj}_proj.bias", (width,)) for proj in ("input", "output")),
        ):
            stored[f"controlnet_blocks.{number}.{name}"] = torch.randn(shape) / 6
    save_file(stored, tmp_path / "model.safetensors")
    network, _ = read(tmp_path, BASE)
    assert isinstance(network, BlockwiseControl)
    assert network.masked

    tokens, control, text = inputs(extra=4)
    image = torch.randn(2, GRID.tokens, width)
    adds = network.lead(control, Branch(tokens, text, [[GRID]]), 0.5, DEPTH)
    embedded = F.linear(control, stored["img_in.weight"], stored["img_in.bias"])

    def normed(x, weight):
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight

    for number in range(DEPTH):
        of = {
            name.removeprefix(f"controlnet_blocks.{number}."): weight
            for name, weight in stored.items()
        }
        x = normed(image, of["x_rms.weight"]) + normed(embedded, of["y_rms.weight"])
        x = F.linear(x, of["input_proj.weight"], of["input_proj.bias"])
        x = x * (1 + torch.erf(x / math.sqrt(2))) / 2
        expected = F.linear(x, of["output_proj.weight"], of["output_proj.bias"])
        torch.testing.assert_close(adds(number, image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        TrunkControl(TrunkControlConfig(trunk=MMDIT)),
        BlockwiseControl(
            BlockwiseControlConfig(depth=DEPTH, width=BASE.width, in_channels=BASE.in_channels)
        ),
    ],
    ids=["trunk", "blockwise"],
)
@torch.no_grad()
def test_a_fresh_network_changes_nothing(network):
    mmdit = toy_mmdit(config=BASE)
    tokens, control, text = inputs()
    branch = Branch(tokens, text, [[GRID]])
    steering = mmdit.steer(torch.tensor([0.5]))
    (found,) = mmdit.side_by_side([branch], steering, added(network, branch, control, 0.5))
    assert torch.equal(found, mmdit.side_by_side([branch], steering)[0])


def test_published_networks_have_the_published_size_and_names():
    with torch.device("meta"):
        union = TrunkControl(TrunkControlConfig(trunk=MMDiTConfig(depth=5)))
        theirs = QwenImageControlNetModel(num_layers=5)
        canny = BlockwiseControl(BlockwiseControlConfig())
    assert sum(weight.numel() for weight in union.parameters()) == 1_768_003_584
    assert {trunk(n): w.shape for n, w in theirs.state_dict().items()} == {
        n: w.shape for n, w in union.state_dict().items()
    }
    published = [f"controlnet_blocks.{n}.{m}" for n in range(60) for m in ("x_rms", "y_rms")]
    assert {blockwise(f"{name}.weight") for name in published} <= set(canny.state_dict())
    assert trunk("lora.weight") == blockwise("lora.weight") == "lora.weight"


def test_sizes_follow_from_a_file_alone(tmp_path):
    sizes = {"num_attention_heads": 1, "joint_attention_dim": 24, "extra_condition_channels": 4}
    theirs = QwenImageControlNetModel(num_layers=2, **sizes).state_dict()
    save_file(theirs, tmp_path / "one.safetensors")
    base = MMDiTConfig(depth=3, heads=1, text_channels=24)
    network, weights = read(tmp_path / "one.safetensors", base)
    assert network.config == replace(base, depth=2)
    assert network.masked
    assert weights == checkpoint.fingerprint(theirs)


def broken(tensors, change):
    return {name: weight for name, weight in tensors.items() if not name.startswith(change)}


@pytest.mark.parametrize(
    ("base", "dropped", "message"),
    [
        (BASE, "controlnet_x_embedder", "got neither controlnet_x_embedder"),
        (BASE, "controlnet_blocks.0", "1 missing|2 missing"),
        (MMDIT, "nothing", None),
        (MMDiTConfig(), "nothing", "got width 32 for 3072; take a control network that was made"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, base, dropped, message):
    theirs = reference(2)
    theirs.save_pretrained(tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    save_file(broken(checkpoint.read(file), dropped), tmp_path / "changed")
    (tmp_path / "changed").replace(file)
    if message is None:
        read(tmp_path, base)
        return
    with pytest.raises(CheckpointError, match=message) as error:
        read(tmp_path, base)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra_condition_channels": 3}, "must be 0 or 4"),
        ({"num_layer": 3}, "Did you mean 'num_layers'"),
        ({"_class_name": "FluxControlNetModel"}, "got FluxControlNetModel"),
    ],
)
def test_a_configuration_of_something_else_is_refused(change, message):
    with pytest.raises(RecipeError, match=message):
        TrunkControlConfig.from_published({"num_layers": 5} | change)
