"""`danqing inpaint` and `danqing outpaint`: paint a part of a picture anew, or more around it."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from danqing.cli.painting import Options, paint, picture_in

Picture = Annotated[Path, tyro.conf.Positional, arg(metavar="PICTURE")]
Prompt = Annotated[str | None, tyro.conf.Positional, arg(metavar="PROMPT", help_behavior_hint="")]
Feather = Annotated[int | None, arg(metavar="PIXELS", help_behavior_hint="(default: 8)")]
Crop = Annotated[
    int | None, arg(metavar="PIXELS", help_behavior_hint="(default: the whole picture)")
]
Strength = Annotated[float | None, arg(metavar="S", help_behavior_hint="(default: 1)")]


def inpaint(
    picture: Picture,
    mask: Annotated[Path, tyro.conf.Positional, arg(metavar="MASK")],
    prompt: Prompt = None,
    /,
    *,
    feather: Feather = None,
    crop: Crop = None,
    strength: Strength = None,
    painting: tyro.conf.OmitArgPrefixes[Options],
) -> None:
    """Paint a part of a picture anew; beyond a feather around it all bytes are kept.

    Args:
        picture: The picture.
        mask: A picture of its size: white is painted, black is kept, grey is painted less freely.
        prompt: What the picture shows when it is done, in English or Chinese.
        feather: Pixels beyond the mask over which new fades into old.
        crop: Work only on what lies so many pixels around the mask, as large as the model likes
            best: for small things in large pictures.
        strength: How far to go from what is there, above 0 and up to 1, which forgets it.
        painting: How to paint.
    """
    paint(
        painting,
        prompt,
        over=picture_in(picture),
        mask=picture_in(mask),
        feather=feather,
        crop=crop,
        strength=strength,
    )


def outpaint(
    picture: Picture,
    prompt: Prompt = None,
    /,
    *,
    ratio: Annotated[str | None, arg(metavar="RATIO", help_behavior_hint="")] = None,
    left: int = 0,
    top: int = 0,
    right: int = 0,
    bottom: int = 0,
    feather: Feather = None,
    strength: Strength = None,
    painting: tyro.conf.OmitArgPrefixes[Options],
) -> None:
    """Paint more around a picture, which keeps its bytes but for a feather at its edge.

    Args:
        picture: The picture.
        prompt: What the larger picture shows, in English or Chinese.
        ratio: A ratio to reach, such as 16:9, with the picture in the middle; instead of pixels.
        left: Pixels to add.
        top: Pixels to add.
        right: Pixels to add.
        bottom: Pixels to add.
        feather: Pixels inside the picture's edge over which new fades into old; 0 keeps them all.
        strength: How far to go from the mirror image that the margins begin as.
        painting: How to paint.
    """
    from danqing.core.errors import RequestError
    from danqing.pipelines.outpaint import Margins, extend

    image, margins = picture_in(picture), Margins(left, top, right, bottom)
    if ratio is not None:
        if any(margins):
            raise RequestError(
                f"margins must be pixels or a ratio, got both, {ratio} and {max(margins)}; "
                "give one of them."
            )
        margins = Margins.to_ratio(image.size, ratio)
    over, mask = extend(image, margins)
    paint(painting, prompt, over=over, mask=mask, feather=feather, strength=strength)
