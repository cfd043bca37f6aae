"""Any OpenAI-compatible chat-completions endpoint, asked politely and believed in nothing.

What comes back is a stranger's: it is bounded in time and size, and the key is taken out of every
word of it before anybody sees it. Redirects are not followed, because the key would go along.
"""

import http.client
import json
import random
import threading
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from danqing.core import web
from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import wire
from danqing.scorers.chat.base import Answer, Place, Question, chats
from danqing.scorers.chat.pace import Pace

_LARGEST: Final = 1 << 20
"""Bytes of a reply; a long answer has a few thousand."""
_LONGEST_WAIT: Final = 300.0
"""Seconds that are waited at most before a question is asked again, whoever wants more."""
_AGAIN: Final = frozenset({408, 409, 425, 429})
"""Statuses that may be another one later, as all from 500 on."""
_HOPELESS: Final = {
    401: "it does not know the key; check the variable that `key` names",
    402: "it wants to be paid; look at the account there",
    403: "the key is not for this; check the account there",
    404: "there is nothing; check `url` and `model`",
}
"""Statuses that every further question would get as well."""


@chats.register("endpoint")
@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A network behind a URL, its maker's or on a machine of one's own (vLLM, SGLang, llama.cpp).

    Questions that fail for a reason that may pass are asked again, after twice the time each time,
    or after the time that the other side names.
    """

    url: str
    """Where chat completions are, such as `http://localhost:8000/v1/chat/completions`."""
    model: str
    """The network's name there."""
    revision: str = ""
    """What tells this state of the network from others of that name; it is only noted."""
    key: str = ""
    """The environment variable with the key, never the key itself; empty: none is sent."""
    structured: bool = False
    """Whether the other side can force answers into a JSON schema (`response_format`)."""
    max_tokens: int = 1536
    """Tokens of an answer, where the question says nothing of it."""
    extra: dict[str, Any] = field(default_factory=lambda: {"temperature": 0})
    """Further fields of a request."""
    concurrency: int = 8
    """Questions that are asked at once."""
    requests_a_minute: float | None = None
    """None: no limit."""
    tokens_a_minute: float | None = None
    """Tokens read and written; None: no limit."""
    timeout: float = 120.0
    """Seconds after which a request has failed."""
    retries: int = 6
    """How often a request that failed for a reason that may pass is sent again."""
    backoff: float = 1.0
    """Seconds before the first of these."""

    def __post_init__(self) -> None:
        web.require_url(self.url, self.key)
        positive = ("concurrency", "max_tokens", "timeout", "backoff")
        for name in (*positive, "requests_a_minute", "tokens_a_minute"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise RecipeError(f"{name} must be above 0, got {value}; leave it out.")
        if self.retries < 0:
            raise RecipeError(f"retries must be at least 0, got {self.retries}.")

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in the order in which they come.

        Raises:
            RecipeError: the key is not there.
            DownloadError: the endpoint wants none of our questions.
        """
        caller = _Caller(self, web.secret(self.key), self._pace)
        pool = ThreadPoolExecutor(self.concurrency, "chat")
        waiting: set[Future[Answer]] = set()
        try:
            for question in questions:
                waiting.add(pool.submit(caller.answer, question))
                if len(waiting) == self.concurrency:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            yield from (future.result() for future in as_completed(waiting))
        finally:
            caller.stopped.set()
            pool.shutdown(cancel_futures=True)

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape answers; the URL does not, the same network may move."""
        names = ("model", "revision", "max_tokens", "extra", "structured")
        return {"chat": "endpoint", **{name: getattr(self, name) for name in names}}

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.requests_a_minute, self.tokens_a_minute)


class _Caller:
    """Asks one question after another, in as many threads as there are."""

    def __init__(self, endpoint: Endpoint, secret: str, pace: Pace) -> None:
        self.stopped = threading.Event()
        self._endpoint = endpoint
        self._secret = secret
        self._pace = pace

    def answer(self, question: Question) -> Answer:
        """Ask until there is an answer or no hope of one.

        Raises:
            DownloadError: the endpoint wants none of our questions.
        """
        body, guess = self._body(question), wire.guess(question)
        trouble = ""
        for attempt in range(self._endpoint.retries + 1):
            if self.stopped.wait(self._pace.book(guess)):
                break
            after = None
            try:
                reply = self._send(body)
            except (OSError, http.client.HTTPException) as error:
                trouble = f"no answer ({_sentence(error)})"
            else:
                if reply.status == 200 and (found := self._read(question, reply.body, guess)):
                    self._pace.correct(found.read + found.written - guess)
                    return found
                trouble, after = self._trouble(reply), wire.seconds(reply.retry_after)
                if reply.status in _HOPELESS:
                    raise DownloadError(
                        f"{_host(self._endpoint.url)} answers {reply.status}: "
                        f"{_HOPELESS[reply.status]} (it says: {trouble})."
                    )
                if 300 <= reply.status < 500 and reply.status not in _AGAIN:
                    return Answer(question.key, trouble=trouble)
            self._rest(attempt, after)
        return Answer(question.key, trouble=trouble, lost=True)

    def _body(self, question: Question) -> bytes:
        endpoint = self._endpoint
        return wire.request(
            question,
            model=endpoint.model,
            max_tokens=endpoint.max_tokens,
            extra=endpoint.extra,
            structured=endpoint.structured,
        )

    def _send(self, body: bytes) -> web.Reply:
        endpoint = self._endpoint
        return web.post(
            endpoint.url, body, self._secret, timeout=endpoint.timeout, largest=_LARGEST
        )

    def _read(self, question: Question, body: bytes, guess: int) -> Answer | None:
        """Return what a good reply says; None: it is none."""
        most = question.max_tokens or self._endpoint.max_tokens
        if len(body) > _LARGEST:
            why = f"a reply above {_LARGEST:,} bytes"
            return Answer(question.key, trouble=why, read=guess, written=most)
        if (said := wire.reply(body, guess)) is None:
            return None
        served = self._hide(said.served)[:120]
        if said.text:
            written = len(said.text) // 2 if said.written is None else said.written
            text = self._hide(said.text)
            return Answer(
                question.key, text, read=said.read, written=written, served=served,
                places=self._hide_places(said.places),
            )  # fmt: skip
        written = most if said.written is None else said.written
        why = self._hide(said.refusal)[:200]
        return Answer(question.key, trouble=why, read=said.read, written=written, served=served)

    def _trouble(self, reply: web.Reply) -> str:
        """Return what a bad reply says, in one short line."""
        text = reply.body[:4096].decode("utf-8", "replace")
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            text = str(json.loads(reply.body)["error"]["message"])
        return f"status {reply.status}, {' '.join(self._hide(text).split())[:200]!r}"

    def _hide(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text

    def _hide_places(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        told = "".join(place.token for place in places)
        others = [token for place in places for token in place.likely]
        leaks = self._secret and any(self._secret in text for text in (told, *others))
        return () if leaks else places

    def _rest(self, attempt: int, after: float | None) -> None:
        """Wait before the next attempt; if the other side says how long, everybody waits."""
        if after is not None:
            self._pace.pause(min(after, _LONGEST_WAIT))
        if attempt == self._endpoint.retries:
            return
        # Not all at the same moment: they would fail together again.
        seconds = self._endpoint.backoff * 2**attempt * random.uniform(0.75, 1.25)
        self.stopped.wait(min(seconds, _LONGEST_WAIT))


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
