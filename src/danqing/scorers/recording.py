"""What networks said of pictures once, kept as JSON by the pictures' pixels, and read again."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from danqing.core.errors import SourceError


def recording(path: Path) -> Mapping[str, Any]:
    """Return what was said, by the fingerprint of the picture.

    Raises:
        SourceError: there is no such file.
    """
    return json.loads(_read(path))


def identity(path: Path) -> str:
    """Return a name for all that a recording says.

    Raises:
        SourceError: there is no such file.
    """
    return f"recorded {hashlib.sha256(_read(path)).hexdigest()[:16]}"


def fingerprint(image: Image.Image) -> str:
    """Return a name for a picture's pixels, whatever file they come from."""
    head = f"{image.width}x{image.height} ".encode()
    return hashlib.sha256(head + image.convert("RGB").tobytes()).hexdigest()[:24]


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        json.loads(data)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"recordings must be files of JSON, got {path}; check its path."
        ) from error
    return data
