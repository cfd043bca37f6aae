"""`danqing models`: what can paint here."""

from pathlib import Path


def models() -> None:
    """List the models at hand and on the hub, and whether their weights fit this machine."""
    from danqing.core.device import free_memory, pick_device, pick_dtype
    from danqing.core.download import EMBEDDED, PUBLISHED, available

    device, why_device = pick_device()
    dtype, why_dtype = pick_dtype(device)
    free = free_memory(device)
    print(f"{why_device}; {why_dtype}; {free / 1e9:.1f} GB free\n")

    here = {
        name: ("embedded" if name in EMBEDDED else "cached", _parameters(folder))
        for name, folder in available().items()
    }
    there = {name: ("hub", size) for name, size in PUBLISHED.items() if name not in here}
    print(f"{'model':<28}{'where':<12}{'parameters':>12}{'memory':>11}   fits")
    for name, (where, parameters) in (here | there).items():
        memory = parameters * dtype.itemsize
        fits = "yes" if memory < free else "no"
        print(f"{name:<28}{where:<12}{parameters / 1e6:>10,.0f} M{memory / 1e9:>8.1f} GB   {fits}")


def _parameters(folder: Path) -> int:
    """Return how many numbers the weights of a model are, by the heads of its files."""
    from danqing.memory.compress import Sizes, measure

    sizes = sum(map(measure, folder.rglob("*.safetensors")), Sizes())
    return sizes.weights + sizes.plain // 2
