"""Everything a user can cause, and only that; our own mistakes are assertions.

    DanqingError
    ├── RequestError      a setting of a picture is not possible
    ├── ModelNotFound     no embedded, local or published model has this name
    ├── CheckpointError   weights are missing, unknown, misshapen or damaged
    ├── RecipeError       a recipe says something the program does not know
    ├── SourceError       a place that pictures come from is not there
    ├── DownloadError     the network, the hub or an endpoint said no
    ├── StorageError      the disk said no
    ├── MissingPackage    an optional package is not installed
    └── UnknownName       no registered part has this name

A message is one line: `<thing> must be <rule>, got <value>; <what to do>.` The command line
prints it without a traceback and exits with code 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class DanqingError(ValueError):
    """A mistake that the user can mend; its text says how."""


class RequestError(DanqingError):
    """A setting of a picture is not possible."""


class ModelNotFound(DanqingError):
    """No embedded, local or published model has this name."""


class CheckpointError(DanqingError):
    """Weights are missing, unknown, misshapen or damaged."""


class RecipeError(DanqingError):
    """A recipe or a configuration says something the program does not know."""


class SourceError(DanqingError):
    """A place that pictures come from is not there, or is not what a recipe says."""


class DownloadError(DanqingError):
    """The network, or the hub or endpoint at its other end, said no."""


class StorageError(DanqingError):
    """The disk said no: full, read-only or not ours."""


class MissingPackage(DanqingError):
    """An optional package is not installed; the text gives the command that installs it."""


class UnknownName(DanqingError):
    """No registered part has this name."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> str:
    """Return the sentence that refuses a name: the nearest known one, then all of them.

    Args:
        kind: What the name should have been the name of.
        name: The name that nobody knows.
        known: The names there are.
        where: What all of these names are said after, such as `optimizer.`.
    """
    names = sorted(known)
    guess = get_close_matches(name, names, n=1)
    question = f" Did you mean {where + guess[0]!r}?" if guess else ""
    listed = ", ".join(where + name for name in names) or "none"
    return f"unknown {kind} {where + name!r}.{question} Known: {listed}."
