"""A picture to a stack: taken apart, some layers taken apart again, and made exact if wished.

A layer that is taken apart gives its place to its parts, which are called after it: 2 becomes 2.1,
2.2, ... from the bottom up. So the tree of layers is in their names, and the stack stays flat.
"""

from collections.abc import Sequence
from functools import partial

from PIL import Image

from danqing.core.errors import RequestError
from danqing.core.pictures import fingerprint
from danqing.flow.samplers import Watch, ignore
from danqing.pipelines.fit import USUAL_LAYERS
from danqing.pipelines.layers.save import Made
from danqing.pipelines.layers.split import check_count, known_side, split
from danqing.pipelines.layers.stack import Layer, Stack, check_opaque, correction, likeness
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Request


def decompose(
    pipeline: Pipeline,
    picture: Image.Image,
    request: Request,
    *,
    count: int = USUAL_LAYERS,
    side: int | None = None,
    again: Sequence[str] = (),
    exact: bool = False,
    watch: Watch = ignore,
) -> tuple[Stack, Made]:
    """Return the layers of a picture, and what made them.

    Args:
        pipeline: A model that takes pictures apart.
        picture: RGB or RGBA, of any size.
        request: Its prompt says what the picture shows, hidden parts too; its size is left open.
        count: How many layers a picture, or a layer, is taken apart into.
        side: Side of the square whose area layers are made at; None: the model's best.
        again: Layers to take apart again, in order.
        exact: Whether to add the correction.
        watch: Sees every sampling step.

    Raises:
        CheckpointError: the model does not take pictures apart.
        RequestError: a setting is not possible, or the picture cannot be made exactly.
    """
    # What cannot be is said before the minutes that it takes.
    names, places = order(count, again)
    if exact:
        check_opaque(picture)
    apart = partial(split, pipeline, request=request, count=count, side=side, watch=watch)
    (images,), _, record = apart(picture)
    for place in places:
        images[place : place + 1] = apart(images[place]).images[0]
    stack = [Layer(name, image) for name, image in zip(names, images, strict=True)]
    made = Made(
        picture=fingerprint(picture),
        count=count,
        side=known_side(side, pipeline),
        again=tuple(again),
        likeness=likeness(stack, picture),
        record=record,
    )
    return ([*stack, correction(stack, picture)] if exact else stack), made


def order(count: int, again: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return what all layers are called in the end, and the place of each that is taken apart.

    Names are from the bottom to the top; places are counted from 0 at the bottom, in the stack as
    it is then.

    Raises:
        RequestError: there are too many layers, or one that is to be taken apart will not be there.
    """
    check_count(count)
    names, places = _parts("", count), list[int]()
    for name in again:
        if name not in names:
            raise RequestError(
                f"layers to take apart again must be of {', '.join(names)}, got {name}; "
                "choose one of these."
            )
        place = names.index(name)
        names[place : place + 1] = _parts(f"{name}.", count)
        places.append(place)
    return names, places


def _parts(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n + 1}" for n in range(count)]
