"""Pictures on the web, from lines of JSON."""

import hashlib
import ipaddress
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from danqing.core.errors import SourceError
from danqing.data.record import Item, Record, sources
from danqing.data.sources.folder import captions

_AGENT: Final = "danqing"


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches files, patiently and within limits.

    Only http and https are fetched, and unless `private` is set only from public addresses: a list
    from a stranger must not read what is behind this machine's firewall.
    """

    tries: int = 3
    """How often a fetch that failed for a reason that may pass is tried, waiting twice as long
    each time."""
    timeout: float = 20.0
    """Seconds without an answer after which a try has failed."""
    largest: int = 64 << 20
    """Bytes of a file; a longer answer is not read to its end."""
    private: bool = False
    """Whether addresses of private networks may be asked."""

    def fetch(self, url: str) -> bytes:
        """Return a file.

        Raises:
            OSError: it cannot be had.
            ValueError: its address is refused, or it is too long.
        """
        for attempt in range(self.tries):
            try:
                return self._once(url)
            except OSError as error:
                # What the other end says of the question itself, it will say again.
                code = error.code if isinstance(error, urllib.error.HTTPError) else 503
                last = attempt + 1 == self.tries
                if last or (code < 500 and code not in (408, 429)):
                    raise
            time.sleep(2**attempt)
        raise ValueError("it is tried no times")

    def _once(self, url: str) -> bytes:
        self.require_public(url)
        request = urllib.request.Request(url, headers={"User-Agent": _AGENT})
        opener = urllib.request.build_opener(_Checked(self))
        with opener.open(request, timeout=self.timeout) as answer:
            data = answer.read(self.largest + 1)
        if len(data) > self.largest:
            raise ValueError(f"it is longer than {self.largest:,} bytes")
        return data

    def require_public(self, url: str) -> None:
        """Refuse what a list of a stranger must not make this machine ask.

        Raises:
            ValueError: it is no address of the web, or a private one.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("only http and https are fetched")
        if self.private:
            return
        for *_, address in socket.getaddrinfo(parts.hostname, parts.port or 443):
            if not ipaddress.ip_address(str(address[0])).is_global:
                raise ValueError("its address is private")


@sources.register("urls")
@dataclass(frozen=True, kw_only=True)
class Urls(Fetcher):
    """A file with one JSON object a line: `url`, and perhaps `sha256`, `raw`, `recaption`, `fused`.

    What is fetched, and from where, is up to `Fetcher`.
    """

    path: Path
    """The file of lines."""

    def items(self) -> Iterator[Item]:
        """Yield lines in their order.

        Raises:
            SourceError: there is no such file.
        """
        try:
            file = self.path.open(encoding="utf-8", errors="replace")
        except OSError as error:
            raise SourceError(f"{self.path} must be a file of JSON lines ({error}).") from error
        with file:
            for place, line in enumerate(file):
                if line.strip():
                    yield Item(f"{place:09d}", lambda line=line: self._record(line))

    def _record(self, line: str) -> Record:
        try:
            row = json.loads(line)
            texts = captions(row)
            url, wanted = row.get("url"), row.get("sha256")
            if not isinstance(url, str):
                raise ValueError("the line has no url")
            record = replace(Record(name=Path(unquote(urlsplit(url).path)).name), **texts)
        except ValueError as error:
            return Record(name="", trouble=f"its line cannot be read ({error})")
        try:
            image = self.fetch(url)
        except (OSError, ValueError) as error:
            return replace(record, trouble=f"it cannot be fetched ({error})")
        if isinstance(wanted, str) and hashlib.sha256(image).hexdigest() != wanted.lower():
            return replace(record, trouble="its checksum is not the one in the list")
        return replace(record, image=image)


class _Checked(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a list may point as well."""

    def __init__(self, source: Fetcher) -> None:
        self._source = source

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
    ) -> Any:
        """Return the next request.

        Raises:
            ValueError: it leads to a private address.
        """
        try:
            self._source.require_public(newurl)
        except (OSError, ValueError):
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)
