"""What is foretold of a transformer is what PyTorch counts and what memory a step takes."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from danqing.models import layers
from danqing.models.lora import LowRank, adapt
from danqing.models.mmdit import Grid, MMDiT, MMDiTConfig
from danqing.testing import MMDIT, toy_mmdit
from danqing.training.sizes import Network, Sample

LAYERS = r"blocks\..*\.(to_|mlp\.)"
LORA = partial(LowRank.fresh, rank=4, alpha=4.0)
SIZED = MMDiTConfig(depth=6, heads=6, head_dim=64, text_channels=384, rope_axes=(16, 24, 24))
EACH = pytest.mark.parametrize("fresh", [None, LORA], ids=["all weights", "lora"])


def counted(run):
    """Return what a call returns, and the operations that PyTorch counts in it."""
    # Of fused attention it would count what is computed twice.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        found = run()
    return found, counter.get_total_flops()


def velocity(mmdit, batch=3):
    tokens = torch.randn(batch, 6, MMDIT.in_channels)
    text = torch.randn(batch, 5, MMDIT.text_channels)
    return mmdit(tokens, text, torch.rand(batch), [(Grid(1, 3, 2),)])


SAMPLE = Sample(image=6, text=5)


def test_operations_are_those_that_pytorch_counts():
    mmdit = toy_mmdit()
    out, forward = counted(lambda: velocity(mmdit))
    _, backward = counted(lambda: out.square().mean().backward())
    network = Network(MMDIT)
    assert forward == 3 * network.forward(SAMPLE)
    # Nobody asks for gradients of what goes in, nor reads the text after the last block.
    width, last = MMDIT.width, mmdit.blocks[-1].text
    unread = sum(w.numel() for m in (last.to_out, last.mlp) for w in m.parameters() if w.ndim == 2)
    least = 2 * (2 * unread * 5 + MMDIT.in_channels * width * 6 + 256 * width)
    assert backward == 3 * (2 * network.forward(SAMPLE) - least)
    assert network.work(SAMPLE) == 3 * network.forward(SAMPLE)


def test_an_adapter_saves_the_gradients_of_weights():
    mmdit = toy_mmdit()
    adapt(mmdit, LAYERS, LORA)
    network = Network(MMDIT, LORA, LAYERS)
    out, forward = counted(lambda: velocity(mmdit, 1))
    _, backward = counted(lambda: out.square().mean().backward())
    assert forward == network.forward(SAMPLE) + network.adapters(SAMPLE)
    # The first block's inputs and all steering need no gradients either.
    assert 0.75 * network.work(SAMPLE) < forward + backward < network.work(SAMPLE)


def test_numbers_are_those_of_the_network():
    whole, part = Network(MMDIT), Network(MMDIT, LORA, LAYERS)
    assert whole.frozen == 0
    assert whole.learned == part.frozen == sum(w.numel() for w in toy_mmdit().parameters())
    assert Network(MMDiTConfig()).learned == pytest.approx(20.43e9, rel=1e-3)
    assert sum(whole.matrices(LAYERS).values()) == 2 * 2 * 12 * MMDIT.width**2


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_kept_is_what_autograd_saves(monkeypatch, fresh, dtype):
    """Of attention as it is where its weights do not fit into memory."""
    monkeypatch.setattr(layers, "WEIGHTS", 0)
    mmdit = MMDiT(SIZED).to(dtype)
    if fresh:
        adapt(mmdit, LAYERS, fresh)
    weights = {w.untyped_storage().data_ptr() for w in mmdit.parameters()}
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage
        return tensor

    tokens, text = torch.randn(1, 144, 64).to(dtype), torch.randn(1, 24, 384).to(dtype)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        mmdit(tokens, text, torch.rand(1), [(Grid(1, 12, 12),)])
    sample, size = Sample(image=144, text=24), dtype.itemsize
    foretold = Network(SIZED, fresh, LAYERS).kept(sample, size, inside=4)
    passing = 10 * size * sample.tokens * SIZED.width
    found = sum(storage.nbytes() for storage in saved.values())
    assert found == pytest.approx(foretold - passing, rel=0.08)


PEAK = """
import json, sys
from functools import partial
from pathlib import Path
import torch
from torch.utils.checkpoint import checkpoint
from danqing.models.lora import LowRank, adapt
from danqing.models.mmdit import Grid, MMDiT, MMDiTConfig

config, layers = MMDiTConfig(**json.loads(sys.argv[1])), sys.argv[2]

def memory(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))

def step(mmdit, side, length):
    tokens, text = torch.randn(1, side**2, 64), torch.randn(1, length, config.text_channels)
    mmdit(tokens, text, torch.rand(1), [(Grid(1, side, side),)]).square().mean().backward()
    mmdit.zero_grad(set_to_none=True)

for kind in ("whole", "lora", "again"):
    mmdit = MMDiT(config)
    for part in mmdit.blocks.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    if kind == "lora":
        adapt(mmdit, layers, partial(LowRank.fresh, rank=4, alpha=4.0))
    if kind == "again":
        for block in mmdit.blocks:
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    step(mmdit, 4, 4)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    step(mmdit, 24, 32)
    print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="tells no peaks")
def test_the_peak_of_a_step_is_foretold_to_a_tenth():
    """Large tensors have pages of their own, so nothing but tensors is measured."""
    sizes = {"depth": 4, "heads": 4, "head_dim": 64, "text_channels": 256}
    told = subprocess.run(
        [sys.executable, "-c", PEAK, json.dumps({**sizes, "rope_axes": [16, 24, 24]}), LAYERS],
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"},
        check=True,
        capture_output=True,
        text=True,
    )
    whole, lora, again = map(int, told.stdout.split())
    config = MMDiTConfig(**sizes, rope_axes=(16, 24, 24))
    full, part, sample = Network(config), Network(config, LORA, LAYERS), Sample(image=576, text=32)
    assert whole == pytest.approx(full.kept(sample, 4), rel=0.1)
    assert lora == pytest.approx(part.kept(sample, 4), rel=0.1)
    # Little is kept then, so gradients that come as activations go are what counts.
    gradients = 4 * full.learned
    least = full.kept(sample, 4, recompute=1.0)
    assert max(least, gradients) * 0.9 < again < 1.1 * (least + gradients)
