"""From a model's name to a folder on this disk: embedded, local, or fetched from the hub.

The hub's own library resumes what was interrupted and keeps what it fetched; without a network,
what is kept is used.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from danqing.core.errors import DownloadError, ModelNotFound, unknown
from danqing.core.files import storage_errors

PAINTER, EDITOR = "danqing-nano", "danqing-nano-edit"
"""Models that come with the package: to paint, and to change pictures and see what is in them."""

EMBEDDED = {
    name: Path(__file__).parents[1] / folder
    for name, folder in ((PAINTER, "nano"), (EDITOR, "nano_edit"))
}
"""Where they are."""

_EDITING = ("Qwen/Qwen-Image-Edit-2511", "Qwen/Qwen-Image-Edit-2509", "Qwen/Qwen-Image-Edit")
EDITING = (EDITOR, *_EDITING)
"""Models that change pictures: the embedded one, then those on the hub, the newest one first."""

LAYERING = "Qwen/Qwen-Image-Layered"
"""The model on the hub that takes pictures apart."""

PUBLISHED = {
    **dict.fromkeys(("Qwen/Qwen-Image", "Qwen/Qwen-Image-2512", *_EDITING), 28_849_460_275),
    LAYERING: 28_849_471_604,
}
"""Models on the hub that danqing runs, and how many numbers their networks have together."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def resolve(
    name_or_path: str | Path,
    *,
    revision: str | None = None,
    allow: Sequence[str] | None = None,
) -> Path:
    """Return the local folder of a model, fetching it from the hub if it must.

    Args:
        name_or_path: An embedded model's name, a folder, or a hub name such as `Qwen/Qwen-Image`.
        revision: A branch, tag or commit on the hub; the default branch if None.
        allow: Patterns of the files wanted from the hub; all of them if None.

    Raises:
        ModelNotFound: there is no such model.
        DownloadError: the hub could not be reached, or did not let us in.
        StorageError: the disk could not take the files.
    """
    name, folder = str(name_or_path), Path(name_or_path).expanduser()
    if f"danqing-{name}" in EMBEDDED and not folder.exists():
        name = f"danqing-{name}"
    if name in EMBEDDED:
        folder = EMBEDDED[name]
        if not folder.is_dir():
            raise ModelNotFound(f"{name} is not in this copy of danqing; install it again.")
        return folder
    if folder.is_dir():
        return folder
    if isinstance(name_or_path, Path) or not _HUB_NAME.fullmatch(name):
        raise ModelNotFound(
            f"{unknown('model', name, EMBEDDED)} Or give an existing folder, "
            "or a hub name such as Qwen/Qwen-Image."
        )
    return _fetch(name, revision, allow)


def available() -> dict[str, Path]:
    """Return the models on this machine: the embedded ones, then those the hub's cache holds."""
    from huggingface_hub.constants import HF_HUB_CACHE

    embedded = {name: folder for name, folder in EMBEDDED.items() if folder.is_dir()}
    cached = {
        index.parents[2].name.removeprefix("models--").replace("--", "/", 1): index.parent
        for index in sorted(Path(HF_HUB_CACHE).glob("models--*/snapshots/*/model_index.json"))
    }
    return embedded | cached


def _fetch(name: str, revision: str | None, allow: Sequence[str] | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    patterns = None if allow is None else list(allow)
    try:
        with storage_errors(Path(name)):
            return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except GatedRepoError as error:
        raise DownloadError(
            f"{name} asks for its licence to be accepted; accept it at "
            f"https://huggingface.co/{name}, then run `hf auth login`."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(
            f"model must be on the hub or a folder here, got {name}; "
            "check the spelling, or run `hf auth login` if it is private."
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(
            f"revision must be one of {name}'s branches, tags or commits, got {revision}; "
            "leave it out to take the newest."
        ) from error
    except LocalEntryNotFoundError as error:
        raise DownloadError(
            f"{name} is not complete on this machine and the hub could not be reached; "
            "connect to the network and run this again, or choose a model that "
            "`danqing models` lists."
        ) from error
    except OSError as error:
        raise DownloadError(
            f"{name} could not be fetched ({type(error).__name__}); "
            "run this again to go on where it stopped."
        ) from error
