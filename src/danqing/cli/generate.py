"""`danqing generate`: from a prompt, or from a picture made before, to a picture."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from danqing.cli.painting import Options, paint, picture_in


def generate(
    prompt: Annotated[
        str | None, tyro.conf.Positional, arg(metavar="PROMPT", help_behavior_hint="")
    ] = None,
    /,
    *,
    over: Annotated[Path | None, arg(metavar="PICTURE", help_behavior_hint="")] = None,
    strength: Annotated[float | None, arg(metavar="S", help_behavior_hint="")] = None,
    painting: tyro.conf.OmitArgPrefixes[Options],
) -> None:
    """Paint a picture from a prompt, or over another picture.

    Args:
        prompt: What to paint, in English or Chinese.
        over: A picture to begin from, with a strength.
        strength: How far to go from that picture, above 0 and up to 1, which forgets it.
        painting: How to paint.
    """
    paint(painting, prompt, over=None if over is None else picture_in(over), strength=strength)
