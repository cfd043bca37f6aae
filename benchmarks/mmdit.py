"""Time one forward pass of the MMDiT against diffusers', in turns and on the same weights.

    python benchmarks/mmdit.py --threads 2

Weights are random; blocks have the published width.
"""

from collections.abc import Callable

import torch
import tyro
from diffusers import QwenImageTransformer2DModel
from race import race, surroundings

from danqing.core.device import DTYPES
from danqing.models.mmdit import Grid, MMDiT, MMDiTConfig
from danqing.models.mmdit.names import ours


def main(
    *,
    threads: int = 2,
    repeats: int = 7,
    dtypes: tuple[str, ...] = ("bfloat16", "float32"),
    depth: int = 2,
    heads: int = 24,
    side: int = 32,
    length: int = 64,
) -> None:
    """Print a table of times and ratios.

    Args:
        threads: CPU threads.
        repeats: How often each network runs after one run to warm up.
        dtypes: Number formats of weights and activations.
        depth: Blocks.
        heads: Heads of 128 channels.
        side: Height and width of the picture, in tokens.
        length: Text tokens.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    print(f"{depth} blocks of {heads} heads x 128, {side * side} image + {length} text tokens")
    print(f"{'':10}{'diffusers':>12}{'danqing':>12}{'ratio':>8}{'difference':>12}")
    for name in dtypes:
        theirs, mine, difference = compare(DTYPES[name], repeats, depth, heads, side, length)
        ratio = mine / theirs
        print(f"{name:10}{theirs:10.3f} s{mine:10.3f} s{ratio:8.2f}{difference:12.1e}", flush=True)


@torch.no_grad()
def compare(
    dtype: torch.dtype, repeats: int, depth: int, heads: int, side: int, length: int
) -> tuple[float, float, float]:
    """Return both median seconds, and the largest difference as a part of the largest output."""
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    reference = QwenImageTransformer2DModel(num_layers=depth, num_attention_heads=heads).eval()
    torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        network = MMDiT(MMDiTConfig.from_published(reference.config))
    weights = {ours(name): weight for name, weight in reference.state_dict().items()}
    network.load_state_dict(weights, assign=True)

    tokens = torch.randn(1, side * side, 64).to(dtype)
    text = torch.randn(1, length, 3584).to(dtype)
    sigma = torch.tensor([0.5])
    layouts = [[Grid(1, side, side)]]
    contestants: list[Callable[[], torch.Tensor]] = [
        lambda: reference(tokens, text, None, sigma, layouts, return_dict=False)[0],
        lambda: network(tokens, text, sigma, layouts),
    ]
    expected, got = (run() for run in contestants)
    theirs, mine = race(contestants, repeats)
    difference = (got - expected).abs().max() / expected.abs().max()
    return theirs, mine, difference.item()


if __name__ == "__main__":
    tyro.cli(main)
