"""Time and weigh the VAE's decoding against diffusers', in turns and on the same weights.

    python benchmarks/vae.py --threads 2

Weights are random; the network has the published configuration. Memory is the peak of a process
of its own that loads one network and decodes once.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import torch
import tyro
from race import race, surroundings

from danqing.core.device import DTYPES
from danqing.models.vae import VAE, VAEConfig
from danqing.models.vae.names import fold, ours

if TYPE_CHECKING:
    from diffusers import AutoencoderKLQwenImage

Module = TypeVar("Module", bound=torch.nn.Module)
Contestant = Literal["diffusers", "danqing"]
WARM_UP = 64


def main(
    *,
    threads: int = 2,
    repeats: int = 3,
    dtypes: tuple[str, ...] = ("float32", "bfloat16"),
    sides: tuple[int, ...] = (512, 1024),
) -> None:
    """Print a table of times, ratios and peaks of memory.

    Args:
        threads: CPU threads.
        repeats: How often each network runs.
        dtypes: Number formats of weights and activations.
        sides: Sides of the decoded pictures, in pixels.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    print(f"{'':16}{'diffusers':>22}{'danqing':>22}{'ratio':>8}{'difference':>12}")
    for name in dtypes:
        for side in sides:
            theirs, mine, difference = compare(DTYPES[name], side, repeats)
            before, after = (alone(who, name, side, threads) for who in ("diffusers", "danqing"))
            print(
                f"{name:10}{side:6}{theirs:10.2f} s{before:6.2f} GiB{mine:10.2f} s{after:6.2f} GiB"
                f"{mine / theirs:8.2f}{difference:12.1e}",
                flush=True,
            )


@torch.no_grad()
def compare(dtype: torch.dtype, side: int, repeats: int) -> tuple[float, float, float]:
    """Return both median seconds, and the largest difference between the two pictures."""
    reference = build_reference(dtype)
    with torch.device("meta"):
        vae = VAE(VAEConfig.from_published(reference.config)).eval()
    weights = {
        name: fold(name, weight)
        for published, weight in reference.state_dict().items()
        if (name := ours(published)) is not None
    }
    vae.load_state_dict(weights, assign=True)
    pictures: dict[int, torch.Tensor] = {}

    def decode(which: int) -> None:
        pictures[which] = networks[which](latents(side, dtype))

    networks = [decoding(reference), vae.decode]
    for network in networks:
        network(latents(WARM_UP, dtype))
    theirs, mine = race([lambda: decode(0), lambda: decode(1)], repeats)
    return theirs, mine, (pictures[0] - pictures[1]).abs().max().item()


def alone(who: Contestant, dtype: str, side: int, threads: int) -> float:
    """Return the peak of resident memory, in GiB, of a process that decodes once."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(peak, who, dtype, side, threads).result()


@torch.no_grad()
def peak(who: Contestant, dtype: str, side: int, threads: int) -> float:
    """Decode once and return this process's peak of resident memory, in GiB."""
    torch.set_num_threads(threads)
    if who == "diffusers":
        decode = decoding(build_reference(DTYPES[dtype]))
    else:
        decode = built_as(DTYPES[dtype], lambda: VAE(VAEConfig())).decode
    decode(latents(side, DTYPES[dtype]))
    # Not `ru_maxrss`, which a new process takes over from the one that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kilobytes) / 2**20


def build_reference(dtype: torch.dtype) -> "AutoencoderKLQwenImage":
    """Return the reference with random weights."""
    from diffusers import AutoencoderKLQwenImage

    return built_as(dtype, AutoencoderKLQwenImage)


def built_as(dtype: torch.dtype, build: Callable[[], Module]) -> Module:
    """Return what `build` builds, in a dtype from the first byte on."""
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    module = build().eval()
    torch.set_default_dtype(torch.float32)
    return module


def decoding(reference: "AutoencoderKLQwenImage") -> Callable[[torch.Tensor], torch.Tensor]:
    """Return how the reference decodes pictures, which to it are videos of one frame."""
    return lambda z: reference.decode(z[:, :, None]).sample[:, :, 0]


def latents(side: int, dtype: torch.dtype) -> torch.Tensor:
    """Return the same random latents for everyone."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 16, side // 8, side // 8, generator=generator).to(dtype)


if __name__ == "__main__":
    tyro.cli(main)
