"""Answers that were given once and are given again: for tests, and so that nothing is paid twice.

A tape is a file of JSON lines to which lines are added and never taken away. An answer is found
again by a digest of who was asked and of all that shaped the question, so another judge, wording,
picture or setting is another answer. A kill loses what was being answered and nothing else.
"""

import hashlib
import json
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from danqing.core.errors import RecipeError
from danqing.core.files import storage_errors
from danqing.core.log import Metrics
from danqing.scorers.chat.base import Answer, AnyChat, Chat, Place, Question, chats

_KEPT: Final = ("text", "trouble", "read", "written", "served", "places")
"""What is kept of an answer."""


@chats.register("cassette")
@dataclass(frozen=True, kw_only=True)
class Cassette:
    """A chat that is recorded, or replayed.

    Answers that are lost are never kept. A refusal is kept, but `fill` asks again: what was
    refused for a wrong setting is answered once that is mended.
    """

    path: Path
    """The tape."""
    mode: Literal["replay", "record", "fill"] = "replay"
    """Only what is on the tape; all asked anew and kept; or only what is not on it asked."""
    chat: AnyChat | None = None
    """Who is asked; a replay needs nobody where the tape has only one voice."""

    def __post_init__(self) -> None:
        if self.chat is None and self.mode != "replay":
            raise RecipeError(
                f'chat must be given where mode is "{self.mode}", got none; '
                'say who is asked, or set mode to "replay".'
            )

    @property
    def model(self) -> str:
        """The network's name, as it was when it was recorded."""
        return self.chat.model if self.chat else str(self.identity.get("model", ""))

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shaped the answers."""
        return self.chat.identity if self.chat else self._tape.identity()

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in any order; no question is asked that need not be.

        Raises:
            RecipeError: the tape has no answer where it must have one.
            StorageError: the tape is damaged, or the disk said no.
        """
        who = json.dumps(self.identity, sort_keys=True)
        if self.chat is None or self.mode == "replay":
            for question in questions:
                yield self._replay(question, _name(who, question))
            return
        known, asked = deque[Answer](), dict[int, tuple[Question, str]]()

        def unknown() -> Iterator[Question]:
            """Yield what must be asked, under keys of our own; the rest is known."""
            for number, question in enumerate(questions):
                name = _name(who, question)
                found = self._tape.answers.get(name) if self.mode == "fill" else None
                if found is not None and found.trouble is None:
                    known.append(replace(found, key=question.key))
                    continue
                asked[number] = question, name
                yield replace(question, key=number)

        with closing(self.chat.ask(unknown())) as answers:
            for answer in answers:
                yield from _emptied(known)
                question, name = asked.pop(answer.key)
                if not answer.lost:
                    self._tape.add(name, self.identity, question, answer)
                yield replace(answer, key=question.key)
        yield from _emptied(known)

    def _replay(self, question: Question, name: str) -> Answer:
        if (found := self._tape.answers.get(name)) is None:
            raise RecipeError(
                f"{self.path} must hold an answer to {question.text[:60]!r}, got none by "
                f'{self.model}; record it with mode = "fill".'
            )
        return replace(found, key=question.key)

    @cached_property
    def _tape(self) -> "_Tape":
        return _Tape(self.path)


def live(chat: Chat) -> Chat | None:
    """Return who is asked behind all tapes; None: nobody is, because one is only replayed."""
    while isinstance(chat, Cassette):
        if chat.chat is None or chat.mode == "replay":
            return None
        chat = chat.chat
    return chat


class _Tape:
    """The file, and what is on it."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, Answer] = {}
        self._voices: dict[str, Mapping[str, Any]] = {}
        self._path = path
        self._lines = Metrics(path)
        for number, values in self._lines:
            try:
                name, answer, who = _read(values)
            except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
                raise self._lines.damaged(number) from error
            self.answers[name] = answer
            self._voices[json.dumps(who, sort_keys=True)] = who

    def identity(self) -> Mapping[str, Any]:
        """Return whose the one voice on the tape is."""
        if len(self._voices) == 1:
            return next(iter(self._voices.values()))
        raise RecipeError(
            f"{self._path} must hold the answers of one chat, got {len(self._voices)}; "
            "set `chat` to say whose are replayed."
        )

    def add(self, name: str, who: Mapping[str, Any], question: Question, answer: Answer) -> None:
        """Keep an answer; it is on the tape when this returns."""
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = {field: value for field, value in asdict(answer).items() if field in _KEPT}
        self._lines.write(name=name, who=dict(who), question=question.text, **kept)
        self.answers[name] = replace(answer, key=None)
        self._voices[json.dumps(who, sort_keys=True)] = who


def _read(values: Mapping[str, Any]) -> tuple[str, Answer, Mapping[str, Any]]:
    """Return the name, the answer and the voice of a line."""
    places = tuple(
        Place(str(place["token"]), {str(k): float(v) for k, v in place["likely"].items()})
        for place in values["places"]
    )
    trouble = values["trouble"]
    answer = Answer(
        None,
        str(values["text"]),
        None if trouble is None else str(trouble),
        read=int(values["read"]),
        written=int(values["written"]),
        served=str(values["served"]),
        places=places,
    )
    return str(values["name"]), answer, dict(values["who"])


def _name(who: str, question: Question) -> str:
    return hashlib.blake2b(f"{who}\n{question.digest}".encode(), digest_size=16).hexdigest()


def _emptied(waiting: deque[Answer]) -> Iterator[Answer]:
    while waiting:
        yield waiting.popleft()
