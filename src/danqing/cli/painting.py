"""What verbs that paint have in common: their options, and the way from these to files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import arg

if TYPE_CHECKING:
    from PIL.Image import Image

THEIRS = "(default: the model's)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How to paint."""

    out: Path = Path("picture.png")
    """A PNG file; what made the picture is kept in it. A batch adds -1, -2, ... to the name."""
    size: Annotated[
        str | None,
        arg(metavar="SIZE", help_behavior_hint="(default: the model's, or the first picture's)"),
    ] = None
    """Width and height in pixels as 1024x768, or a ratio such as 16:9."""
    steps: Annotated[int | None, arg(metavar="N", help_behavior_hint=THEIRS)] = None
    """Sampling steps. More is slower and finer."""
    guidance: Annotated[float | None, arg(metavar="G", help_behavior_hint=THEIRS)] = None
    """How closely to follow the prompt; 1 turns guidance off."""
    negative: Annotated[str | None, arg(metavar="TEXT", help_behavior_hint=THEIRS)] = None
    """What not to paint."""
    sampler: Annotated[str | None, arg(metavar="NAME", help_behavior_hint=THEIRS)] = None
    """How to walk from noise to the picture."""
    shift: Annotated[float | None, arg(metavar="S", help_behavior_hint=THEIRS)] = None
    """Shift of the noise levels at every size, as LoRAs of few steps want it (Lightning: 3)."""
    seed: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 0)")] = None
    """Same seed, same settings, same picture."""
    batch: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 1)")] = None
    """How many pictures."""
    model: Annotated[
        str | None,
        arg(
            metavar="MODEL",
            help_behavior_hint="(default: danqing-nano, or danqing-nano-edit to edit)",
        ),
    ] = None
    """An embedded model, a folder, or a hub name such as Qwen/Qwen-Image."""
    lora: tyro.conf.UseAppendAction[
        Annotated[
            tuple[str, ...], arg(metavar="FILE[:STRENGTH]", help_behavior_hint="(repeatable)")
        ]
    ] = ()
    """A LoRA file to add to the model, as style.safetensors or style.safetensors:0.8. One that was
    made by distillation here says itself how it is to be painted with."""
    control: tyro.conf.UseAppendAction[
        Annotated[
            tuple[str, ...],
            arg(metavar="NETWORK:PICTURE[:SCALE]", help_behavior_hint="(repeatable)"),
        ]
    ] = ()
    """A control network and the picture that it reads, such as edges or depth. With canny@,
    soft-edge@, blur@ or gray@ before both, that is made of a photograph first. A network that
    inpaints reads PICTURE+MASK."""
    like: Annotated[Path | None, arg(metavar="PNG", help_behavior_hint="")] = None
    """A picture made by danqing; make it again, changed only by what else is given here."""
    max_memory: Annotated[
        str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: what is free)")
    ] = None
    """Memory of the device to use at most, as 16GB. Weights that do not fit are kept compressed or
    left on disk."""


def paint(
    options: Options,
    prompt: str | None,
    pictures: Sequence[str | Path] = (),
    over: "Image | None" = None,
    mask: "Image | None" = None,
    **further: object,
) -> None:
    """Paint, and print the names of the files.

    Args:
        options: How to paint.
        prompt: What to paint, or to change; None: what the picture to be made again says.
        pictures: Files with the sources.
        over: The picture that is painted over.
        mask: Where it is.
        further: Fields of the request that not all verbs have; None: as usual.
    """
    from dataclasses import replace

    from tqdm import tqdm

    from danqing.core.download import EDITOR, PAINTER
    from danqing.core.log import logger
    from danqing.core.pictures import read_picture
    from danqing.flow.samplers import Step
    from danqing.pipelines.control import parse_control
    from danqing.pipelines.fit import parse_bytes
    from danqing.pipelines.load import load
    from danqing.pipelines.record import check_name, read
    from danqing.pipelines.request import Request

    log = logger(__name__)
    check_name(options.out)
    before = read(options.like) if options.like else None
    opened = [read_picture(file) for file in pictures]
    sources = tuple(one.image for one in opened)

    same = ("negative", "size", "steps", "guidance", "sampler", "shift", "seed", "batch")
    wishes = {"prompt": prompt, **further, **{name: getattr(options, name) for name in same}}
    made_of: dict[str, Any] = {
        "sources": sources,
        "over": over,
        "mask": mask,
        "controls": tuple(map(parse_control, options.control)),
    }
    given: dict[str, Any] = {} if before else {"prompt": "", **made_of}
    given |= {name: wish for name, wish in wishes.items() if wish is not None}
    if options.batch is not None or options.seed is not None:
        # A new batch is kept whole, and a new seed is that of one new picture.
        given = {"batch": 1} | given | {"index": None}
    request = replace(before.again(**made_of), **given) if before else Request(**given)

    embedded = EDITOR if pictures else PAINTER
    name = options.model or (before.model if before else embedded)
    loras = options.lora or (before.loras if before else ())
    cap = None if options.max_memory is None else parse_bytes(options.max_memory)
    dtype = before.dtype if before else None
    pipeline = load(name, dtype=dtype, loras=loras, request=request, cap=cap)
    if before and before.weights != pipeline.identity.weights:
        log.warning("%s was made by other weights; this will differ", options.like)
    plan = pipeline.plan(request)
    if over is not None:
        log.info("painted over: %s", plan.frame)
    for file, (_, remarks), source in zip(pictures, opened, plan.sources, strict=True):
        log.info("%s: %s", Path(file).name, "; ".join([str(source.frame), *remarks]))

    with tqdm(unit="step", leave=False, disable=None) as bar:

        def watch(step: Step) -> None:
            bar.total = step.total
            bar.update()

        result = pipeline.paint(request, watch)
    for path in result.save(options.out):
        print(path)


def picture_in(file: Path) -> "Image":
    """Return the picture in a file, and say what was done to it.

    Raises:
        RequestError: as `read_picture`.
    """
    from danqing.core.log import logger
    from danqing.core.pictures import read_picture

    image, remarks = read_picture(file)
    for remark in remarks:
        logger(__name__).info("%s: %s", file.name, remark)
    return image
