"""`danqing generate`: from a prompt, or from a picture made before, to a picture."""

from typing import Annotated

import tyro
from tyro.conf import arg

from danqing.cli.painting import Options, paint


def generate(
    prompt: Annotated[
        str | None, tyro.conf.Positional, arg(metavar="PROMPT", help_behavior_hint="")
    ] = None,
    /,
    *,
    painting: tyro.conf.OmitArgPrefixes[Options],
) -> None:
    """Paint a picture from a prompt.

    Args:
        prompt: What to paint, in English or Chinese.
        painting: How to paint.
    """
    paint(painting, prompt)
