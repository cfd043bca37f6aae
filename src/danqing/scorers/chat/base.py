"""Who is asked: anything that looks at pictures and answers questions, with tokens counted.

Questions are pulled as hands become free and answers come as they are ready. So a chat never has
more questions than it works on, whoever stops asking has stopped spending, and a slow answer holds
nobody up.
"""

import hashlib
import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import DownloadError
from danqing.core.registry import Registry

PATIENCE: Final = 16
"""Questions in a row without an answer after which nobody seems to be there."""
PLACES: Final = 32
"""Tokens of an answer, from its first one, whose log-probabilities are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Some pictures, and what is asked about them."""

    text: str
    images: tuple[Image.Image, ...] = ()
    """In RGB."""
    key: Any = None
    """Comes back with the answer."""
    system: str = ""
    """What the network is told before everything else; empty: nothing."""
    text_first: bool = False
    """Whether the text stands before the pictures."""
    max_tokens: int | None = None
    """Tokens of the answer; None: as many as the chat's settings say."""
    top: int = 0
    """How many of the likeliest tokens are wanted for each place of the answer; 0: none."""
    lossless: bool = False
    """Whether pictures go over the wire as they are; else they may be compressed with loss."""
    schema: Mapping[str, Any] | None = None
    """What the answer must look like in JSON, for chats that can force it into a schema."""
    repeat: int = 0
    """Which asking of the same thing this is; answers that were kept are told apart by it."""

    @property
    def digest(self) -> str:
        """Names all that shapes the answer: words, the pictures' pixels, settings; not the key."""
        apart = ("images", "key")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        plain["images"] = [digest(image) for image in self.images]
        text = json.dumps(plain, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """One token of an answer, and what might have stood there instead."""

    token: str
    """What stands there."""
    likely: Mapping[str, float]
    """Natural logarithms of the probabilities of the likeliest tokens, `token` among them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said."""

    key: Any
    """The question's."""
    text: str = ""
    trouble: str | None = None
    """Why there is no text, in the words of who refused; asking the same again will not help."""
    lost: bool = False
    """Nobody answered, for a reason that may pass; `trouble` says which."""
    read: int = 0
    """Tokens of the question, the pictures' included."""
    written: int = 0
    """Tokens of the answer."""
    served: str = ""
    """The network's name and version in the words of whoever runs it; empty: they say nothing."""
    places: tuple[Place, ...] = field(default=())
    """The answer's first tokens, where they were wanted and the chat can tell them."""


@runtime_checkable
class Chat(Protocol):
    """Anything that answers questions about pictures.

    A chat is a frozen dataclass whose fields are its settings.
    """

    @property
    def model(self) -> str:
        """The network's name; it is noted with every answer."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape answers, as plain data; not how fast or where they are made."""
        ...

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in any order; take no more questions than are worked on.

        Raises:
            RecipeError: the settings are wrong.
            DownloadError: nobody is there to ask, or they want no more of us.
            MissingPackage: something is not installed.
        """
        ...


chats: Final[Registry[type[Chat]]] = Registry("chat")
"""Chats by name."""

AnyChat = Annotated[Chat, chats]


def heard(answers: Iterable[Answer], model: str) -> Iterator[Answer]:
    """Pass answers on until so many in a row are lost that nobody seems to be there.

    Raises:
        DownloadError: nobody seems to be there.
    """
    silence = 0
    for answer in answers:
        silence = silence + 1 if answer.lost else 0
        if silence == PATIENCE:
            raise DownloadError(
                f"{model} left {PATIENCE} questions in a row without an answer "
                f"({answer.trouble}); run this again when it is there."
            )
        yield answer


def digest(image: Image.Image) -> str:
    """Return a name for a picture's pixels, whatever file they came from."""
    pixels = image.convert("RGB")
    head = f"{pixels.width}x{pixels.height}:".encode()
    return hashlib.blake2b(head + pixels.tobytes(), digest_size=16).hexdigest()
