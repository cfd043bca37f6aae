"""What every test shares; among it an endpoint on this machine that plays all sorts of others."""

import base64
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image, ImageColor

from danqing.scorers.embed import embedders
from danqing.scorers.things import COLORS

# A busy machine is slow at times; a property that hangs is stopped by pytest's own time limit. The
# same code gets the same verdict twice; `--hypothesis-profile explore` looks for new examples.
settings.register_profile("danqing", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("danqing")

KEY = "sk-Very-Secret_0123456789"


@dataclass
class Asked:
    """What the endpoint was asked, and when."""

    row: int
    prompt: str
    body: dict[str, Any]
    headers: dict[str, str]
    time: float = field(default_factory=time.monotonic)


@dataclass
class Reply:
    """What the endpoint answers."""

    text: str | None = None
    """The model's answer; None: `raw` is all there is."""
    raw: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    """Bytes after which the line is dropped."""
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 1000, "completion_tokens": 100})
    logprobs: Any = None
    served: Any = "eyes-2026-01-01"

    def body(self) -> bytes:
        if self.text is None:
            return self.raw
        message = {"role": "assistant", "content": self.text}
        choice = {"message": message, "logprobs": self.logprobs}
        found = {"choices": [choice], "usage": self.usage, "model": self.served}
        return json.dumps(found).encode()


class FakeEndpoint:
    """Answers as `play` says, and remembers what it was asked."""

    reply = Reply

    def __init__(self) -> None:
        self.play: Callable[[Asked], Reply] = lambda asked: Reply(f"I see {asked.row}.")
        self.asked: list[Asked] = []
        self.answered: list[int] = []
        """Rows whose reply was sent to its end."""
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                endpoint.serve(self)

            def do_GET(self):
                endpoint.serve(self)

            def log_message(self, *values):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/chat/completions"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        data = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        asked = read(data, dict(handler.headers))
        with self._lock:
            self.asked.append(asked)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        reply = self.play(asked)
        time.sleep(reply.delay)
        body = reply.body()
        # Before the answer is out: the next question may come before this thread goes on.
        with self._lock:
            self._busy -= 1
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: reply.cut])
        handler.wfile.flush()
        if reply.cut is not None:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        with self._lock:
            self.answered.append(asked.row)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def read(data: bytes, headers: dict[str, str]) -> Asked:
    """Read a request; which row it is about is the brightness of its picture."""
    if not data:
        return Asked(-1, "", {}, headers)
    body = json.loads(data)
    parts = body["messages"][-1]["content"]
    (prompt,) = [part["text"] for part in parts if part["type"] == "text"]
    pictures = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    if not pictures:
        return Asked(-1, prompt, body, headers)
    kind, _, encoded = pictures[0].partition(",")
    assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L")
    return Asked(round(image.getpixel((5, 5)) / 4), prompt, body, headers)


@pytest.fixture
def endpoint(monkeypatch):
    """An endpoint on this machine; its key is in `ENDPOINT_KEY`."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENDPOINT_KEY", KEY)
    fake = FakeEndpoint()
    yield fake
    fake.close()


@embedders.register("mean color")
@dataclass(frozen=True, kw_only=True)
class MeanColor:
    """An embedder for which grey is nothing: a picture is its mean colour, a text the one it names.

    So what is painted grey does not count, and anything else does.
    """

    @property
    def identity(self) -> dict[str, str]:
        return {"embedder": "mean color"}

    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        return _unit(np.stack([np.asarray(image, float).mean((0, 1)) for image in images]))

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        words = [text.replace("-colored", "").split() for text in texts]
        named = [next(color for color in COLORS if color in some) for some in words]
        return _unit(np.array([ImageColor.getrgb(color) for color in named]))


def _unit(colors: np.ndarray) -> np.ndarray:
    apart = colors - 0x99
    return (apart / np.linalg.norm(apart, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def mean_color():
    return MeanColor()


@pytest.fixture
def logs_as_before():
    """Take away what `main` does to the loggers of its process."""
    root, ours = logging.getLogger(), logging.getLogger("danqing")
    handlers, level = list(root.handlers), ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)
