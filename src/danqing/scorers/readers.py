"""Who reads text in pictures: PP-OCR, or a chat that is told to.

Papers read with PaddleOCR or with Qwen2.5-VL-7B. What a chat reads is replayed where the chat is a
cassette.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Annotated, Final, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from danqing.core.errors import DownloadError, RecipeError
from danqing.core.log import logger
from danqing.core.registry import Registry
from danqing.scorers.chat import AnyChat, Question
from danqing.scorers.chat.local import Transformers
from danqing.scorers.ocr import Line, read_lines, require_reader

PHRASE: Final = (
    "Recognize the text in the image, only reply with the text content, but avoid repeating "
    "previously mentioned content. If no text is recognized, please reply with 'No text "
    "recognized'."
)
"""How OneIG-Bench and LongText-Bench ask."""


@runtime_checkable
class Reader(Protocol):
    """Anything that finds lines of text in a picture.

    A reader is a frozen dataclass whose fields are its settings.
    """

    @property
    def identity(self) -> str:
        """All that decides what is read."""
        ...

    def lines(self, image: Image.Image) -> Sequence[Line]:
        """Return the lines of a picture; those of one box in the order of reading."""
        ...


readers: Final[Registry[type[Reader]]] = Registry("reader")
"""Readers by name."""

AnyReader = Annotated[Reader, readers]


@readers.register("rapidocr")
@dataclass(frozen=True, kw_only=True)
class RapidReader:
    """PP-OCR through `rapidocr`, whose package has the networks."""

    @property
    def identity(self) -> str:
        """The package and its version.

        Raises:
            MissingPackage: `rapidocr` or its engine is not installed.
        """
        require_reader()
        return f"rapidocr {version('rapidocr')}"

    def lines(self, image: Image.Image) -> Sequence[Line]:
        """Return the lines of a picture.

        Raises:
            MissingPackage: `rapidocr` or its engine is not installed.
        """
        return read_lines(image)


@readers.register("chat")
@dataclass(frozen=True, kw_only=True)
class ChatReader:
    """A vision-language model; it does not say where a line is, so its box is the whole picture."""

    chat: AnyChat = field(default_factory=Transformers)
    """Who is asked; by default Qwen2.5-VL-7B on this machine, which papers read with."""
    phrase: str = PHRASE
    """What it is told."""
    tokens: int | None = None
    """Tokens of its answer at most; None: as the benchmark's own code has it, or else the chat."""

    def __post_init__(self) -> None:
        if self.tokens is not None and self.tokens < 1:
            raise RecipeError(f"tokens must be at least 1, got {self.tokens}; raise it.")

    @property
    def identity(self) -> str:
        """The chat's settings, and how it is asked."""
        told = {"chat": self.chat.identity, "phrase": self.phrase, "tokens": self.tokens}
        return json.dumps(told, sort_keys=True, ensure_ascii=False)

    def lines(self, image: Image.Image) -> Sequence[Line]:
        """Return the lines of a picture; one that nobody would read has none.

        Raises:
            DownloadError: there is no answer, for a reason that may pass.
        """
        question = Question(
            text=self.phrase,
            images=(image.convert("RGB"),),
            max_tokens=self.tokens,
            lossless=True,
        )
        (answer,) = self.chat.ask([question])
        if answer.lost:
            raise DownloadError(f"{self.chat.model} read nothing ({answer.trouble}); try again.")
        if answer.trouble is not None:
            logger(__name__).warning("%s would not read: %s", self.chat.model, answer.trouble)
        width, height = image.size
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        lines = map(str.strip, answer.text.splitlines())
        return [Line(line, corners) for line in lines if line]


def limited(reader: Reader, tokens: int | None) -> Reader:
    """Return a reader that answers in so many tokens at most, unless its settings say how many.

    Readers that are no chats are as they were.
    """
    if isinstance(reader, ChatReader) and reader.tokens is None:
        return replace(reader, tokens=tokens)
    return reader
