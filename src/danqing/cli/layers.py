"""`danqing layers`: a picture to the layers it is made of."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

THEIRS = "(default: the model's)"


def layers(
    picture: Annotated[Path, tyro.conf.Positional, arg(metavar="PICTURE")],
    prompt: Annotated[str, tyro.conf.Positional, arg(metavar="PROMPT")],
    /,
    *,
    model: Annotated[str, arg(metavar="MODEL", help_behavior_hint="(required)")],
    out: tyro.conf.UseAppendAction[
        Annotated[
            tuple[Path, ...],
            arg(metavar="PATH", help_behavior_hint="(repeatable; default: layers)"),
        ]
    ] = (),
    count: int = 4,
    again: tyro.conf.UseAppendAction[
        Annotated[tuple[str, ...], arg(metavar="LAYER", help_behavior_hint="(repeatable)")]
    ] = (),
    exact: bool = False,
    side: Annotated[int | None, arg(metavar="N", help_behavior_hint=THEIRS)] = None,
    steps: Annotated[int | None, arg(metavar="N", help_behavior_hint=THEIRS)] = None,
    guidance: Annotated[float | None, arg(metavar="G", help_behavior_hint=THEIRS)] = None,
    negative: Annotated[str | None, arg(metavar="TEXT", help_behavior_hint=THEIRS)] = None,
    sampler: Annotated[str | None, arg(metavar="NAME", help_behavior_hint=THEIRS)] = None,
    seed: int = 0,
    max_memory: Annotated[
        str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: what is free)")
    ] = None,
) -> None:
    """Take a picture apart into layers with transparency, from the bottom to the top.

    This takes a model that was made for it: Qwen/Qwen-Image-Layered. The embedded one was not.

    Args:
        picture: A JPEG, PNG, WebP, GIF, BMP or TIFF file.
        prompt: What the whole picture shows, hidden parts too. It does not say what goes where.
        model: A folder, or a hub name: Qwen/Qwen-Image-Layered.
        out: Where to write: a folder of PNGs, a .psd, or a .pptx with one slide.
        count: How many layers.
        again: A layer to take apart again, as 2; its parts are called 2.1, 2.2, ...
        exact: Add a layer on top that corrects what the others lost, so that together they are
            the picture, byte by byte.
        side: Layers are made at the area of a square of this side, 640 or 1024, and enlarged.
        steps: Sampling steps. More is slower and finer.
        guidance: How closely to follow the prompt; 1 turns guidance off.
        negative: What not to see.
        sampler: How to walk from noise to the layers.
        seed: Same seed, same settings, same layers.
        max_memory: Memory of the device to use at most, as 16GB. Weights that do not fit are kept
            compressed or left on disk.
    """
    from dataclasses import replace

    from tqdm import tqdm

    from danqing.core.errors import RequestError
    from danqing.core.log import logger
    from danqing.core.pictures import read_picture
    from danqing.flow.samplers import Step
    from danqing.pipelines.fit import parse_bytes
    from danqing.pipelines.layers.decompose import decompose, order
    from danqing.pipelines.layers.save import check_name, save
    from danqing.pipelines.layers.stack import check_opaque
    from danqing.pipelines.load import load
    from danqing.pipelines.request import Request

    log = logger(__name__)
    paths = [check_name(path) for path in out or (Path("layers"),)]
    if not prompt.strip():
        # The published pipeline has its text encoder write one; ours only reads.
        raise RequestError("prompt must say what the picture shows, got nothing; describe it.")
    request = Request(
        prompt,
        negative=negative,
        steps=steps,
        guidance=guidance,
        sampler=sampler,
        seed=seed,
    )
    order(count, again)
    opened = read_picture(picture, alpha=True)
    for remark in opened.remarks:
        log.info("%s: %s", picture.name, remark)
    if exact:
        check_opaque(opened.image)

    cap = None if max_memory is None else parse_bytes(max_memory)
    wish = request if side is None else replace(request, size=(side, side))
    pipeline = load(model, request=wish, layers=count, cap=cap)
    with tqdm(unit="step", leave=False, disable=None) as bar:

        def watch(step: Step) -> None:
            bar.total = step.total * (1 + len(again))
            bar.update()

        stack, made = decompose(
            pipeline,
            opened.image,
            request,
            count=count,
            side=side,
            again=again,
            exact=exact,
            watch=watch,
        )
    covered = ", ".join(f"{layer.name} {layer.coverage:.0%}" for layer in stack)
    log.info("covered by layer %s", covered)
    log.info("without a correction %.1f dB from the picture", made.likeness)
    for path in paths:
        print(save(stack, path, made))
