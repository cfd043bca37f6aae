"""Where what can be made again is kept between runs."""

import os
import sys
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of such things, ours alone; it is made if need be.

    It lies below `$DANQING_CACHE`, or where the system keeps caches.
    """
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    kept = Path(os.environ.get("XDG_CACHE_HOME") or usual) / "danqing"
    folder = Path(os.environ.get("DANQING_CACHE") or kept) / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
