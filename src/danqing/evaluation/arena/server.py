"""The page on which people vote, and the few things it asks for.

What is sent is a prompt, two pictures under random names, and a count: never a contestant, a file,
a hash or the number of a row. A voter is whoever shows a cookie that was given out at the door.

    GET  /               the page, with its style and script
    POST /join           {key}                    -> a cookie
    GET  /pair           the pair to vote on, the same one until it is
    GET  /picture/TOKEN  a picture of that pair
    POST /vote           {pair, choice, reasons}  -> {counted}
"""

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from ipaddress import ip_address
from threading import BoundedSemaphore
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from danqing.core.errors import RequestError
from danqing.evaluation.arena.limits import Buckets
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.records import CHOICES
from danqing.evaluation.arena.store import Store

_PAGE: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/arena.js": ("arena.js", "text/javascript; charset=utf-8"),
    "/arena.css": ("arena.css", "text/css; charset=utf-8"),
}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_BODY: Final = 4096
"""Bytes; a vote has about two hundred."""
_CONNECTIONS: Final = 128


@dataclass(frozen=True, slots=True)
class Rules:
    """How an arena is run."""

    gold: float = 0.1
    """The share of pairs whose answer is known."""
    minimum: float = 1.0
    """Seconds that a pair must be looked at."""
    reasons: tuple[str, ...] = ("follows the prompt", "text", "beauty", "flaws")
    """What a voter may say about why."""
    key: str | None = None
    """What a voter must know to enter; None: nothing."""
    rate: float = 30.0
    """Requests a second from one address; four times as many may come at once."""


class ArenaServer(ThreadingHTTPServer):
    """Serves an arena until it is closed; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, store: Store, host: str, port: int, rules: Rules | None = None) -> None:
        """Listen.

        Args:
            store: The arena.
            host: An address of this machine.
            port: A free port; 0: any.
            rules: How it is run.

        Raises:
            RequestError: Nobody may listen there, or a rule is out of range.
        """
        self.store, self.rules = store, rules or Rules()
        if not 0 <= self.rules.gold <= 0.5:
            raise RequestError(f"gold must be from 0 to 0.5, got {self.rules.gold}; try 0.1.")
        if not 0 <= self.rules.minimum <= 60:
            raise RequestError(f"minimum must be from 0 to 60 s, got {self.rules.minimum}; try 1.")
        self.pages = {
            path: ((files("danqing.evaluation.arena") / "page" / name).read_bytes(), kind)
            for path, (name, kind) in _PAGE.items()
        }
        self.limits = Buckets(self.rules.rate, 4 * self.rules.rate)
        self.doors = Buckets(0.5, 30.0)
        """Fewer may join, so that a key cannot be guessed."""
        self._free = BoundedSemaphore(_CONNECTIONS)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise RequestError(
                f"host and port must be a free place of this machine, got {host}:{port}: {error}."
            ) from error
        self.own = loopback(host)
        """Whether only this machine can ask."""

    @property
    def link(self) -> str:
        """Where the page is. The key is behind the #, which browsers keep to themselves."""
        key = f"#key={quote(self.rules.key)}" if self.rules.key else ""
        return f"http://{self.server_address[0]!s}:{self.server_port}/{key}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, or drop it where there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless somebody merely went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Refusal(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = 65536  # head and body leave together, or some stacks wait 40 ms between them

    @property
    def arena(self) -> ArenaServer:
        return cast(ArenaServer, self.server)

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def version_string(self) -> str:
        return "danqing"

    def log_message(self, format: str, *args: Any) -> None:
        pass  # who asked for which picture is nobody's business

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        self._json(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _answer(self, act: Any) -> None:
        try:
            self._guard()
            act()
        except _Refusal as refusal:
            self.send_error(refusal.status, refusal.reason)

    def _guard(self) -> None:
        if not self.arena.limits.allow(self.client_address[0]):
            raise _Refusal(HTTPStatus.TOO_MANY_REQUESTS, "That was too quick.")
        # Another site could be given our address by its name server, and then read our answers.
        host = self.headers.get("Host", "")
        if self.arena.own and not loopback(urlsplit(f"//{host}").hostname or ""):
            raise _Refusal(HTTPStatus.FORBIDDEN, "This arena is for this machine only.")
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise _Refusal(HTTPStatus.FORBIDDEN, "Another site may not vote here.")

    def _get(self) -> None:
        path = urlsplit(self.path).path
        if path in self.arena.pages:
            self._send(HTTPStatus.OK, *self.arena.pages[path])
        elif path == "/pair":
            self._json(HTTPStatus.OK, self._pair(self._voter()))
        elif path.startswith("/picture/"):
            data = self._picture(self._voter(), path.removeprefix("/picture/"))
            self._send(HTTPStatus.OK, data, "image/png")
        else:
            raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _post(self) -> None:
        path, body = urlsplit(self.path).path, self._body()
        if path == "/join":
            cookie = f"{self._cookie}={self._join(body)}; HttpOnly; SameSite=Strict; Path=/"
            self._json(HTTPStatus.OK, {}, {"Set-Cookie": f"{cookie}; Max-Age=31536000"})
        elif path == "/vote":
            self._json(HTTPStatus.OK, {"counted": self._vote(self._voter(), body)})
        else:
            raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _pair(self, voter: int) -> dict[str, Any]:
        arena = self.arena
        pair = next_pair(arena.store, voter, gold=arena.rules.gold)
        done = arena.store.count(voter)
        if pair is None:
            return {"finished": True, "done": done}
        return {
            "finished": False,
            "done": done,
            "pair": pair.token,
            "prompt": pair.prompt,
            "a": f"picture/{pair.token_a}",
            "b": f"picture/{pair.token_b}",
            "minimum": arena.rules.minimum,
            "reasons": arena.rules.reasons,
        }

    def _picture(self, voter: int, token: str) -> bytes:
        pair = self.arena.store.open_pair(voter)
        if pair and token == pair.token_a:
            return self.arena.store.picture(pair.sha256_a)
        if pair and token == pair.token_b:
            return self.arena.store.picture(pair.sha256_b)
        raise _Refusal(HTTPStatus.NOT_FOUND, "There is no such picture, or no longer.")

    def _join(self, body: Mapping[str, Any]) -> str:
        if not self.arena.doors.allow(self.client_address[0]):
            raise _Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many came in; wait a minute.")
        wanted, given = self.arena.rules.key, body.get("key")
        if wanted is not None and not (
            isinstance(given, str)
            and secrets.compare_digest(given.encode(errors="replace"), wanted.encode())
        ):
            raise _Refusal(HTTPStatus.FORBIDDEN, "This arena asks for a key.")
        return self.arena.store.join()

    def _vote(self, voter: int, body: Mapping[str, Any]) -> bool:
        token, choice, reasons = (body.get(key) for key in ("pair", "choice", "reasons"))
        rules, store = self.arena.rules, self.arena.store
        if not isinstance(token, str) or not token.isascii() or choice not in CHOICES:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "A vote names a pair and a choice.")
        if not isinstance(reasons, list) or any(r not in rules.reasons for r in reasons):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "Reasons are those on the page.")
        pair = store.open_pair(voter)
        early = (
            pair is not None and pair.token == token and time.time() < pair.asked + rules.minimum
        )
        if early:
            raise _Refusal(HTTPStatus.TOO_EARLY, "That was too quick to have looked.")
        return store.vote(voter, token, choice, reasons)

    def _voter(self) -> int:
        try:
            crumb = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie)
        except CookieError:
            crumb = None
        voter = self.arena.store.voter(crumb.value) if crumb else None
        if voter is None:
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "Join first.")
        return voter

    @property
    def _cookie(self) -> str:
        # Browsers give a cookie to all ports of a machine; another arena may be on the next.
        return f"voter-{self.arena.server_port}"

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON is wanted.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "How long is it?")
        if int(length) > _BODY:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too long.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "JSON is wanted.") from error
        if not isinstance(body, dict):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "A JSON object is wanted.")
        return body

    def _json(
        self, status: HTTPStatus, body: Mapping[str, Any], more: Mapping[str, str] | None = None
    ) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self._send(status, data, "application/json; charset=utf-8", more or {})

    def _send(
        self, status: HTTPStatus, data: bytes, kind: str, more: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            **_HEADERS,
            **(more or {}),
        }
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def loopback(host: str) -> bool:
    """Return whether an address, or `localhost`, can be reached from this machine only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
