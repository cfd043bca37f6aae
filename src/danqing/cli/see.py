"""`danqing see`: depth, classes and boxes in a picture, as a model that edits paints them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import arg

from danqing.cli.painting import THEIRS, picture_in

if TYPE_CHECKING:
    from PIL.Image import Image


def see(
    task: Annotated[Literal["depth", "segment", "detect"], tyro.conf.Positional],
    picture: Annotated[Path, tyro.conf.Positional, arg(metavar="PICTURE")],
    classes: Annotated[
        tuple[str, ...], tyro.conf.Positional, arg(metavar="CLASS", help_behavior_hint="")
    ] = (),
    /,
    *,
    out: Path = Path("seen"),
    model: str = "danqing-nano-edit",
    steps: Annotated[int | None, arg(metavar="N", help_behavior_hint=THEIRS)] = None,
    guidance: Annotated[float | None, arg(metavar="G", help_behavior_hint=THEIRS)] = None,
    seed: int = 0,
    max_memory: Annotated[
        str | None, arg(metavar="AMOUNT", help_behavior_hint="(default: what is free)")
    ] = None,
) -> None:
    """See what is in a picture: how far everything is, or where which things are.

    `danqing see segment scene.png star heart --out seen`. A model that edits pictures is asked to
    paint the answer, and the answer is read: numbers, and a picture to look at.

    Args:
        task: `depth` in metres, `segment` for the class of every pixel, `detect` for boxes.
        picture: A JPEG, PNG, WebP, GIF, BMP or TIFF file.
        classes: What to tell apart or to find; not for depth.
        out: A folder for seen.json, overlay.png, answer.png, and depth.npy or labels.png.
        model: A model that edits: an embedded one, a folder, or a hub name.
        steps: Sampling steps. More is slower and finer.
        guidance: How closely to follow the instruction; 1 turns guidance off.
        seed: Same seed, same settings, same answer.
        max_memory: Memory of the device to use at most, as 16GB.
    """
    from danqing.core.errors import RequestError
    from danqing.pipelines.fit import parse_bytes
    from danqing.pipelines.load import load
    from danqing.pipelines.request import Request
    from danqing.pipelines.seeing import manner_of, see_boxes, see_classes, see_depth

    if bool(classes) == (task == "depth"):
        raise RequestError(
            "classes must be left out for depth."
            if classes
            else f"classes must be given for {task}, got none; "
            f"try danqing see {task} {picture} star."
        )
    image = picture_in(picture)

    def request(instruction: str, source: "Image") -> Request:
        return Request(instruction, sources=(source,), steps=steps, guidance=guidance, seed=seed)

    cap = None if max_memory is None else parse_bytes(max_memory)
    pipeline = load(model, request=request("-", image), cap=cap)

    def paint(instruction: str, source: "Image") -> "Image":
        return pipeline.paint(request(instruction, source)).pictures[0].image

    manner = manner_of(pipeline)
    if task == "depth":
        sight = see_depth(paint, image, manner)
    else:
        sight = (see_classes if task == "segment" else see_boxes)(paint, image, manner, classes)
    print(sight.save(out))
