"""`danqing models`: what can paint here, and how it would fit."""

from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg


def models(
    action: Annotated[Literal["list", "fit"], tyro.conf.Positional] = "list",
    model: Annotated[str, tyro.conf.Positional, arg(metavar="MODEL")] = "danqing-nano",
    /,
    *,
    size: Annotated[
        str | None, arg(metavar="SIZE", help_behavior_hint="(default: the model's)")
    ] = None,
    steps: Annotated[
        int | None, arg(metavar="N", help_behavior_hint="(default: the model's)")
    ] = None,
    guidance: Annotated[
        float | None, arg(metavar="G", help_behavior_hint="(default: the model's)")
    ] = None,
    batch: int = 1,
    vram: Annotated[
        str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: this machine's)")
    ] = None,
    ram: Annotated[str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: 32GB)")] = None,
) -> None:
    """List the models at hand and on the hub, or say how one of them fits.

    `danqing models` lists them. `danqing models fit MODEL` prints where each part of a model
    would live for a picture: plain, compressed, or streamed; nothing is loaded.

    Args:
        action: What to do.
        model: An embedded model, a folder, or a hub name whose files are here.
        size: Width and height in pixels as 1024x768, or a ratio.
        steps: Sampling steps.
        guidance: How closely to follow the prompt; 1 turns guidance off.
        batch: How many pictures at a time.
        vram: Ask about a device with so much memory, as 24GB, instead of this machine.
        ram: Memory of that device's host.
    """
    if action == "fit":
        _fit(model, size, steps, guidance, batch, vram, ram)
    else:
        _list()


def _fit(
    model: str,
    size: str | None,
    steps: int | None,
    guidance: float | None,
    batch: int,
    vram: str | None,
    ram: str | None,
) -> None:
    from danqing.core.device import pick_device
    from danqing.core.download import resolve
    from danqing.memory.plan import Machine
    from danqing.pipelines.fit import fit, nearest, parse_bytes, this_machine
    from danqing.pipelines.load import FILES, read_ours, wish_of
    from danqing.pipelines.request import Request

    folder = resolve(model, allow=FILES)
    request = Request("-", size=size, steps=steps, guidance=guidance, batch=batch)
    wish = wish_of(request, read_ours(folder).defaults)
    if vram is None:
        machine = this_machine(pick_device().device)
    else:
        machine = Machine(device=parse_bytes(vram), host=parse_bytes(ram or "32GB"), decode=400e9)
    plan = fit(folder, wish, machine)
    print(f"{model}, {wish.size[0]}x{wish.size[1]}, {wish.steps} steps, batch {wish.batch}\n")
    print(f"{plan.table()}\n\n{plan.sentence()}")
    if not plan.fits and (smaller := nearest(folder, wish, machine)):
        width, height = smaller.size
        print(f"{width}x{height} in batches of {smaller.batch} would fit")


def _list() -> None:
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

    sizes = sum(map(measure, folder.rglob("[!.]*.safetensors")), Sizes())
    return sizes.weights + sizes.plain // 2
