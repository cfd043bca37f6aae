"""`danqing edit`: from pictures and an instruction to a picture."""

from typing import Annotated

import tyro
from tyro.conf import arg

from danqing.cli.painting import Options, paint


def edit(
    words: Annotated[tuple[str, ...], tyro.conf.Positional, arg(metavar="PICTURE... INSTRUCTION")],
    /,
    *,
    painting: tyro.conf.OmitArgPrefixes[Options],
    sizing: Annotated[
        str | None, arg(metavar="RULE", help_behavior_hint="(default: exact)")
    ] = None,
) -> None:
    """Change a picture, or make one of several, as an instruction says.

    `danqing edit photo.jpg "make the sky red" --out red.png`. With --like, give the pictures that
    the other one was made of; the instruction may be left out.

    Args:
        words: One or more picture files, then what to do, in English or Chinese.
        painting: How to paint.
        sizing: How pictures get onto the grid of tokens: `exact` shifts and stretches nothing and
            keeps the first picture's size; `published` does as the published pipelines do.
    """
    from danqing.core.errors import RequestError
    from danqing.pipelines.record import read

    count = len(read(painting.like).sources) if painting.like else len(words) - 1
    pictures, instruction = words[:count], words[count:]
    if not pictures or len(instruction) > 1:
        raise RequestError(
            f"words must be pictures, then one instruction, got {len(words)}; "
            'try danqing edit photo.jpg "make the sky red".'
        )
    paint(painting, *instruction or (None,), pictures=pictures, sizing=sizing)
