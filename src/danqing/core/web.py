"""Requests that may carry a key: they go where they were sent and nowhere else.

What comes back is bounded in time and size. Redirects are not followed, because the key would go
along.
"""

import os
import re
import time
import urllib.request
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from danqing.core.errors import RecipeError


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    """Cut where it became too large, by one byte at least."""
    retry_after: str
    """What the other side says about when to ask again; empty: nothing."""


def require_url(url: str, key: str) -> None:
    """Refuse a URL, or the name of a key's variable, that would give the key away.

    Raises:
        RecipeError: it would, or it is no URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise RecipeError(
            "url must be http or https, with a host and without a password; "
            "a key belongs into an environment variable."
        )
    if re.search(r"(?:key|token|secret)[^=&]*=", parts.query, re.IGNORECASE):
        raise RecipeError("url must have no key in it, got one; put it into a variable.")
    if key and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", key):
        # It is not said what was got: people put the key itself here.
        raise RecipeError(
            "key must be the name of an environment variable in capitals, got something else; "
            "export the key under a name such as OPENAI_API_KEY and give that name."
        )
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if key and parts.scheme == "http" and not local:
        raise RecipeError("url must be https where a key is sent, got http; drop one of them.")


def secret(variable: str) -> str:
    """Return the key in an environment variable; without a name, none.

    Raises:
        RecipeError: it is not there, or cannot be sent.
    """
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    # A line break within would end up, with the key, in the error of whoever sends the header.
    if not re.fullmatch(r"[!-~]{4,}", key):
        raise RecipeError(
            f"{variable} must hold the endpoint's key, got nothing usable; export it, "
            "or set key to the name of the variable that holds it."
        )
    return key


def post(url: str, body: bytes, key: str, *, timeout: float, largest: int) -> Reply:
    """Send JSON and return what comes back, whatever its status.

    Args:
        url: Where to.
        body: The JSON.
        key: Sent as a bearer's; empty: none.
        timeout: Seconds after which it has failed.
        largest: Bytes of the reply that are wanted at most.

    Raises:
        OSError: there was no answer, or not in time.
        http.client.HTTPException: it was none.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "danqing"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, body, headers, method="POST")
    deadline = time.monotonic() + timeout
    with _opener().open(request, timeout=timeout) as response:
        found = bytearray()
        # The time limit of a socket is for each piece; a slow drip would never end. What ends too
        # early is no JSON.
        while piece := response.read1(1 << 16):
            found += piece
            if len(found) > largest:
                break
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
        return Reply(response.status, bytes(found), response.headers.get("Retry-After", ""))


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Gives back every status as it is: no exceptions, no redirects."""

    def http_response(self, request: Any, response: Any) -> Any:
        """Return the response."""
        return response

    https_response = http_response


@cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_AsItIs)
