"""Where the records of benchmarks come from: a folder, or their own repository at one commit.

None of them is part of this package: some have no licence, so each user takes them from their
authors. What is fetched must have the sha256 that is written down here, and is kept.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from danqing.core.cache import cache_folder
from danqing.core.errors import SourceError
from danqing.core.files import atomic_path
from danqing.core.log import logger
from danqing.data.sources.urls import Fetcher

SITE: Final = "https://raw.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The files of a benchmark in a public repository."""

    name: str
    """The benchmark's, and that of its folder in the cache."""
    repository: str
    """Owner and name."""
    commit: str
    folder: str
    """Where the files lie in the repository."""
    licence: str
    """What the repository says about it, for whoever fetches them."""
    files: Mapping[str, str]
    """The sha256 of each file by its path below the folder."""

    def read(self, file: str, data: Path | None) -> str:
        """Return the text of a file.

        Args:
            file: One of `files`.
            data: A folder with the files or a clone of the repository, whose contents are taken as
                they are; None: the cache, and if need be the web.

        Raises:
            SourceError: the file is not there, cannot be fetched, or is another one.
            StorageError: the disk cannot keep it.
        """
        try:
            return self._bytes(file, data).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{file} of {self.name} must be UTF-8, got another encoding; get it again."
            ) from error

    def _bytes(self, file: str, data: Path | None) -> bytes:
        if data is None:
            return self._kept(file)
        for place in (data / file, data / self.folder / file):
            if place.is_file():
                return place.read_bytes()
        raise SourceError(
            f"data of {self.name} must be a folder with {file}, got {data}; clone "
            f"https://github.com/{self.repository}, or leave data out to have it fetched."
        )

    def _kept(self, file: str) -> bytes:
        place = cache_folder("benchmarks") / self.name / self.commit[:12] / file
        if place.is_file() and _digest(found := place.read_bytes()) == self.files[file]:
            return found
        found = self._fetched(file)
        with atomic_path(place) as staged:
            staged.write_bytes(found)
        return found

    def _fetched(self, file: str) -> bytes:
        path = "/".join(filter(None, (self.repository, self.commit, self.folder, file)))
        url = f"{SITE}/{quote(path)}"
        logger(__name__).info("fetching %s (licence: %s)", url, self.licence)
        try:
            found = Fetcher().fetch(url)
        except (OSError, ValueError) as error:
            raise SourceError(
                f"{file} of {self.name} must be fetched from {url}, got no answer ({error}); "
                "fetch it elsewhere, and set data to its folder."
            ) from error
        if (digest := _digest(found)) != self.files[file]:
            raise SourceError(
                f"{file} of {self.name} must have sha256 {self.files[file][:12]}…, got "
                f"{digest[:12]}… from {url}; fetch it elsewhere, and set data to its folder."
            )
        return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
