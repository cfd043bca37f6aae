"""Who is asked: anything that looks at pictures and answers questions, with tokens counted.

Questions are pulled as hands become free and answers come as they are ready. So an annotator never
has more questions than it works on, whoever stops asking has stopped spending, and a slow answer
holds nobody up.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Question:
    """A picture, and what is asked about it."""

    row: int
    """Comes back with the answer."""
    image: Image.Image
    """In RGB."""
    prompt: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said."""

    row: int
    """The question's."""
    text: str = ""
    trouble: str | None = None
    """Why there is no text, in the words of who refused; asking the same again will not help."""
    lost: bool = False
    """Nobody answered, for a reason that may pass; `trouble` says which."""
    read: int = 0
    """Tokens of the question, the picture's included."""
    written: int = 0
    """Tokens of the answer."""


@runtime_checkable
class Annotator(Protocol):
    """Anything that answers questions about pictures.

    An annotator is a frozen dataclass whose fields are its settings.
    """

    @property
    def model(self) -> str:
        """The network's name; it is noted with every annotation."""
        ...

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in any order; take no more questions than are worked on.

        Raises:
            RecipeError: the settings are wrong.
            DownloadError: nobody is there to ask, or they want no more of us.
            MissingPackage: something is not installed.
        """
        ...


annotators: Final[Registry[type[Annotator]]] = Registry("annotator")
"""Annotators by name."""

AnyAnnotator = Annotated[Annotator, annotators]
