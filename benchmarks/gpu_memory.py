"""Time decoders and full-width transformers on a GPU, within the memory of a 24 GB card.

    python benchmarks/gpu_memory.py                  # on a GPU
    python benchmarks/gpu_memory.py --depth 2 --heads 2 --side 8 --tensors 2    # a rehearsal

First both GPU decoders, as a share of the speed at which the device copies memory. Then seconds of
a forward pass, positive and negative of guidance together: plain weights (as many blocks as fit),
compressed ones that stay on the device, compressed ones that are sent for each use; and diffusers'
network on the same weights, plain and with its group offloading on streams. All in one run.
Weights are random and the same for every block, so nothing is downloaded. Without a GPU it runs
on the CPU, which only shows that it runs.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import tyro
from full_size import POOL, weight
from race import surroundings

from danqing.core.seed import generator
from danqing.memory.codec import Packed, cuda, decode_into, encode, triton_kernel
from danqing.memory.packed import PackedTensor, Slots
from danqing.models.mmdit import Branch, Grid, MMDiT, MMDiTConfig
from danqing.models.mmdit.names import published, steers


def main(
    *,
    depth: int = 60,
    heads: int = 24,
    side: int = 64,
    length: int = 200,
    memory: float = 24.0,
    repeats: int = 5,
    tensors: int = 8,
) -> None:
    """Print a table of decoders and a table of forward passes.

    Args:
        depth: Blocks.
        heads: Heads of 128 channels.
        side: Height and width of the picture, in tokens.
        length: Text tokens.
        memory: GB of the device that may be used.
        repeats: How often each runs after one run to warm up.
        tensors: Weights that the decoders are timed on.
    """
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    print(surroundings(torch.get_num_threads()))
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory * 1e9 / total), device)
        print(f"{torch.cuda.get_device_name(device)}, {memory:g} of {total / 1e9:.0f} GB\n")
    config = MMDiTConfig(depth=depth, heads=heads)
    decoders(device, config, tensors, repeats)
    forwards(device, config, side, length, repeats)


def decoders(device: torch.device, config: MMDiTConfig, tensors: int, repeats: int) -> None:
    """Time every decoder that works here on some weights of a block."""
    plain = list(block(config).values())[:tensors]
    total = sum(tensor.nbytes for tensor in plain)
    coded = [encode(tensor) for tensor in plain]
    packed = [one.to(device) for one in coded if one is not None]
    outs = [torch.empty(one.shape, dtype=torch.bfloat16, device=device) for one in packed]
    sources = [torch.empty_like(out) for out in outs]
    ways: dict[str, Callable[[Packed, torch.Tensor], object]] = {"default": decode_into}
    if cuda.available(device):
        ways["CUDA"] = cuda.decode_into
    if triton_kernel.available(device):
        ways["Triton"] = triton_kernel.decode_into

    def copy() -> None:
        for out, source in zip(outs, sources, strict=True):
            out.copy_(source)

    print(f"{'':14}{'GB/s of bfloat16':>18}{'of copying':>12}")
    copying = seconds(device, copy, repeats)
    for name, way in ways.items():

        def run(way: Callable[[Packed, torch.Tensor], object] = way) -> None:
            for one, out in zip(packed, outs, strict=True):
                way(one, out)

        taken = seconds(device, run, repeats)
        print(f"{name:<14}{total / taken / 1e9:>18.1f}{copying / taken:>12.2f}", flush=True)
    print(f"{'copying':<14}{total / copying / 1e9:>18.1f}{1.0:>12.2f}\n")


@torch.no_grad()
def forwards(
    device: torch.device, config: MMDiTConfig, side: int, length: int, repeats: int
) -> None:
    """Time a forward pass of every way to keep weights."""
    drawn = generator(1)
    tokens = torch.randn(1, side * side, config.in_channels, generator=drawn)
    texts = [torch.randn(1, length, config.text_channels, generator=drawn) for _ in range(2)]
    layout = [[Grid(1, side, side)]]
    branches = [
        Branch(tokens.to(device, torch.bfloat16), text.to(device, torch.bfloat16), layout)
        for text in texts
    ]
    print(f"{config.depth} blocks of {config.heads} heads x 128, {side * side} + {length} tokens")
    print(f"{'':36}{'seconds':>10}{'peak GB':>10}")
    for name, kept in (
        ("plain", None),
        ("compressed, resident", True),
        ("compressed, sent", False),
    ):

        def run(kept: bool | None = kept) -> Callable[[], object]:
            network = build(config, device, kept)
            steering = network.steer(torch.tensor([0.5], device=device))
            return lambda: network.side_by_side(branches, steering)

        attempt(f"danqing, {name}", device, run, repeats)
    for offload in (False, True):
        name = "group offloading on streams" if offload else "plain"

        def reference(offload: bool = offload) -> Callable[[], object]:
            network = theirs(config, device, offload)
            return lambda: [
                network(b.tokens, b.text, None, torch.tensor([0.5], device=device), layout)
                for b in branches
            ]

        attempt(f"diffusers, {name}", device, reference, repeats)


def attempt(
    name: str, device: torch.device, prepare: Callable[[], Callable[[], object]], repeats: int
) -> None:
    """Print how long something takes and how much memory, or that it does not fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        taken = seconds(device, prepare(), repeats)
    except torch.OutOfMemoryError:
        print(f"{name:<36}{'does not fit':>20}", flush=True)
        return
    peak = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else 0.0
    print(f"{name:<36}{taken:>10.3f}{peak:>10.1f}", flush=True)


def build(config: MMDiTConfig, device: torch.device, kept: bool | None) -> MMDiT:
    """Return a transformer with the same weights in every block; kept None: plain ones."""
    with torch.device("meta"):
        network = MMDiT(config)
    slots, own = Slots(), block(config)
    coded: dict[str, Packed | None] = {}
    state: dict[str, torch.Tensor] = {}
    for name, parameter in network.named_parameters():
        short = name.split(".", 2)[2] if name.startswith("blocks.") else ""
        if short not in own:
            state[name] = weight(published(name), parameter.shape, POOL_).to(device)
            continue
        if kept is None:
            # Steering is made beforehand, so those weights need not be on the device.
            state[name] = own[short] if steers(name) else own[short].to(device)
            continue
        packed = coded.setdefault(short, encode(own[short]))
        if packed is None:
            state[name] = own[short].to(device)
        else:
            stays = kept and not steers(name)
            state[name] = PackedTensor(packed, slots, stays).to(device)
    network.load_state_dict(state, assign=True)
    if kept is None:
        for one in network.blocks:
            for stream in (one.text, one.image):
                stream.modulate.to(device)
    return network.eval()


def theirs(config: MMDiTConfig, device: torch.device, offload: bool) -> Any:
    """Return diffusers' network of the same shape."""
    from diffusers import QwenImageTransformer2DModel
    from diffusers.hooks import apply_group_offloading

    torch.set_default_dtype(torch.bfloat16)
    network = QwenImageTransformer2DModel(
        num_layers=config.depth, num_attention_heads=config.heads
    ).eval()
    torch.set_default_dtype(torch.float32)
    if not offload or device.type != "cuda":
        return network.to(device)
    apply_group_offloading(
        network,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=True,
    )
    return network


def block(config: MMDiTConfig) -> dict[str, torch.Tensor]:
    """Return the large weights of a block, by their names in it."""
    with torch.device("meta"):
        network = MMDiT(MMDiTConfig(depth=1, heads=config.heads))
    return {
        name: weight(name, parameter.shape, POOL_)
        for name, parameter in network.blocks[0].named_parameters()
        if parameter.ndim == 2
    }


def seconds(device: torch.device, run: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a run, after one to warm up."""
    taken: list[float] = []
    for _ in range(1 + repeats):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


POOL_ = torch.randn(POOL, generator=generator(0))

if __name__ == "__main__":
    tyro.cli(main)
