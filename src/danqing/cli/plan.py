"""`danqing plan`: what a training run will take, before it is begun."""

from pathlib import Path
from typing import Annotated

import tyro

THEIRS = "(default: the recipe's)"
Theirs = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint=THEIRS)]


def plan(
    recipe: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    set: tuple[str, ...] = (),
    memory: str = "80GB",
    shard: Theirs = None,
    tensor: Theirs = None,
    context: Theirs = None,
    replicate: Theirs = None,
    size: Annotated[str | None, tyro.conf.arg(metavar="SIZE", help_behavior_hint=THEIRS)] = None,
    batch: Theirs = None,
    sources: Annotated[
        int | None,
        tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1 to learn edits, otherwise 0)"),
    ] = None,
    length: int = 200,
    accumulate: Theirs = None,
    recompute: Annotated[
        float | None, tyro.conf.arg(metavar="SHARE", help_behavior_hint=THEIRS)
    ] = None,
    speed: float = 989.0,
    utilization: float = 0.4,
    samples: int = 1_000_000,
    json: bool = False,
) -> None:
    """Tell what a training run takes of each device, how fast it can be, and what would fit.

    Only configurations are read. A model folder that is not there is taken for Qwen-Image's.

    Args:
        recipe: A TOML file such as recipes/train/lora_24gb.toml.
        set: Settings to change, as `dtype=bfloat16`.
        memory: Memory of a device.
        shard: Devices that share weights and samples.
        tensor: Devices that share heads and hidden channels.
        context: Devices that share the tokens of a sample.
        replicate: Copies of all these.
        size: Width and height in pixels as 1024x768.
        batch: Samples of a step, or prompts where the model paints them.
        sources: Pictures that come with a caption, of the same size.
        length: Text tokens of a caption.
        accumulate: Pieces of a device's share of a batch, one after the other.
        recompute: Share of blocks whose activations are computed again, from 0 to 1.
        speed: Most operations a device can do, in TFLOP/s; as it is, an H100's in bfloat16.
        utilization: The share of them that is done.
        samples: Pictures to tell the days for.
        json: Print it as JSON, for programs.
    """
    from dataclasses import replace

    from danqing.core.config import load
    from danqing.pipelines.fit import parse_bytes
    from danqing.training.plan import Wish, arranged, budget, table, told
    from danqing.training.recipe import Recipe

    ways = {"shard": shard, "tensor": tensor, "context": context, "replicate": replicate}
    settings = load(Recipe, recipe, set)
    devices = arranged(
        replace(settings.parallel, **{name: n for name, n in ways.items() if n is not None}),
        memory=parse_bytes(memory),
        speed=speed * 1e12,
        utilization=utilization,
    )
    wish = Wish(
        size=size,
        batch=batch,
        sources=sources,
        length=length,
        accumulate=accumulate,
        recompute=recompute,
    )
    found = budget(settings, wish, devices)
    if json:
        from json import dumps

        print(dumps(told(found, samples), indent=2))
        return
    print(table(found, samples))
