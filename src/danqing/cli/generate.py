"""`danqing generate`: from a prompt, or from a picture made before, to a picture."""

from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import arg

THEIRS = "(default: the model's)"


def generate(
    prompt: Annotated[
        str | None, tyro.conf.Positional, arg(metavar="PROMPT", help_behavior_hint="")
    ] = None,
    /,
    *,
    out: Path = Path("picture.png"),
    size: Annotated[str | None, arg(metavar="SIZE", help_behavior_hint=THEIRS)] = None,
    steps: Annotated[int | None, arg(metavar="N", help_behavior_hint=THEIRS)] = None,
    guidance: Annotated[float | None, arg(metavar="G", help_behavior_hint=THEIRS)] = None,
    negative: Annotated[str | None, arg(metavar="TEXT", help_behavior_hint=THEIRS)] = None,
    sampler: Annotated[str | None, arg(metavar="NAME", help_behavior_hint=THEIRS)] = None,
    seed: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 0)")] = None,
    batch: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 1)")] = None,
    model: Annotated[
        str | None, arg(metavar="MODEL", help_behavior_hint="(default: danqing-nano)")
    ] = None,
    lora: tyro.conf.UseAppendAction[
        Annotated[
            tuple[str, ...], arg(metavar="FILE[:STRENGTH]", help_behavior_hint="(repeatable)")
        ]
    ] = (),
    control: tyro.conf.UseAppendAction[
        Annotated[
            tuple[str, ...],
            arg(metavar="NETWORK:PICTURE[:SCALE]", help_behavior_hint="(repeatable)"),
        ]
    ] = (),
    like: Annotated[Path | None, arg(metavar="PNG", help_behavior_hint="")] = None,
    max_memory: Annotated[
        str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: what is free)")
    ] = None,
) -> None:
    """Paint a picture from a prompt.

    Args:
        prompt: What to paint, in English or Chinese.
        out: A PNG file; what made the picture is kept in it. A batch adds -1, -2, ... to the name.
        size: Width and height in pixels as 1024x768, or a ratio such as 16:9.
        steps: Sampling steps. More is slower and finer.
        guidance: How closely to follow the prompt; 1 turns guidance off.
        negative: What not to paint.
        sampler: How to walk from noise to the picture.
        seed: Same seed, same settings, same picture.
        batch: How many pictures.
        model: An embedded model, a folder, or a hub name such as Qwen/Qwen-Image.
        lora: A LoRA file to add to the model, as style.safetensors or style.safetensors:0.8.
        control: A control network and the picture that it reads, such as edges or depth. With
            canny@, soft-edge@, blur@ or gray@ before both, that is made of a photograph first. A
            network that inpaints reads PICTURE+MASK.
        like: A picture made by danqing; make it again, changed only by what else is given here.
        max_memory: Memory of the device to use at most, as 16GB. Weights that do not fit are kept
            compressed or left on disk.
    """
    from dataclasses import replace

    from tqdm import tqdm

    from danqing.core.log import logger
    from danqing.flow.samplers import Step
    from danqing.pipelines.control import parse_control
    from danqing.pipelines.fit import parse_bytes
    from danqing.pipelines.load import load
    from danqing.pipelines.record import check_name, read
    from danqing.pipelines.request import Request

    check_name(out)
    wishes = {
        "prompt": prompt,
        "negative": negative,
        "size": size,
        "steps": steps,
        "guidance": guidance,
        "sampler": sampler,
        "seed": seed,
        "batch": batch,
    }
    given: dict[str, Any] = {} if like else {"prompt": ""}
    given |= {name: wish for name, wish in wishes.items() if wish is not None}
    if batch is not None or seed is not None:
        # A new batch is kept whole, and a new seed is that of one new picture.
        given = {"batch": 1} | given | {"index": None}
    before = read(like) if like else None
    controls = tuple(map(parse_control, control))
    if before:
        request = replace(before.again(controls), **given)
    else:
        request = Request(**given, controls=controls)

    name = model or (before.model if before else "danqing-nano")
    loras = lora or (before.loras if before else ())
    cap = None if max_memory is None else parse_bytes(max_memory)
    dtype = before.dtype if before else None
    pipeline = load(name, dtype=dtype, loras=loras, request=request, cap=cap)
    if before and before.weights != pipeline.identity.weights:
        logger(__name__).warning("%s was made by other weights; this will differ", like)

    with tqdm(unit="step", leave=False, disable=None) as bar:

        def watch(step: Step) -> None:
            bar.total = step.total
            bar.update()

        result = pipeline.paint(request, watch)
    for path in result.save(out):
        print(path)
