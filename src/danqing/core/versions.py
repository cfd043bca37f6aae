"""Which versions something was made with."""

import platform
from importlib.metadata import PackageNotFoundError, version


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, of this package and of others, to be kept beside results.

    Args:
        packages: Names as the package index has them; those that are not installed say so.
    """
    found = {"python": platform.python_version()}
    for name in ("danqing", *packages):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
