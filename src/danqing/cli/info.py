"""`danqing info`: what made a picture."""

from pathlib import Path
from typing import Annotated

import tyro


def info(
    picture: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PNG")],
    /,
    *,
    json: bool = False,
) -> None:
    """Print what made a picture.

    Args:
        picture: A PNG made by danqing.
        json: Print it as JSON, for programs.
    """
    from danqing.core.config import dump
    from danqing.pipelines.record import read

    record = dump(read(picture))
    if json:
        from json import dumps

        print(dumps(record, ensure_ascii=False, indent=2))
        return
    width = max(map(len, record))
    for name, value in record.items():
        print(f"{name:<{width}}  {_plainly(value)}")


def _plainly(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)
