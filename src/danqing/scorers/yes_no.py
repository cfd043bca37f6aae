"""Who answers questions about a picture with yes or no: a network, or a recording.

An answer is kept as it was said; what counts as yes is the benchmark's rule.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.core.registry import Registry
from danqing.scorers.chat import AnyChat, Question
from danqing.scorers.judge import Judge
from danqing.scorers.recording import fingerprint, identity, recording


@runtime_checkable
class YesNo(Protocol):
    """Anything that answers questions about pictures."""

    @property
    def identity(self) -> str:
        """All that decides an answer: model, revision, how it is asked."""
        ...

    def yes_no(self, image: Image.Image, question: str) -> str:
        """Return the answer, in its own words."""
        ...


answerers: Final[Registry[type[YesNo]]] = Registry("answerer")
"""Those who answer, by name; each is a frozen dataclass whose fields are its settings."""

AnyAnswerer = Annotated[YesNo, answerers]


@answerers.register("recorded")
@dataclass(frozen=True, kw_only=True)
class RecordedAnswers:
    """What was answered once, read from a file: `{picture: {question: answer}}` as JSON."""

    path: Path
    """The file; pictures are named by `danqing.scorers.recording`."""

    @property
    def identity(self) -> str:
        """The hash of the recording."""
        return identity(self.path)

    @cached_property
    def _known(self) -> Mapping[str, Mapping[str, str]]:
        return recording(self.path)

    def yes_no(self, image: Image.Image, question: str) -> str:
        """Return what was answered of this very picture.

        Raises:
            SourceError: it was not recorded, or the file is not there.
        """
        answer = self._known.get(fingerprint(image), {}).get(question)
        if answer is None:
            raise SourceError(
                f"answers must have been recorded, got none to {question!r} in {self.path}; "
                "record it first."
            )
        return answer


@answerers.register("chat")
@dataclass(frozen=True, kw_only=True)
class Asked:
    """A network that can be asked: an endpoint, one on this machine, or a tape of its answers."""

    chat: AnyChat
    """The network."""
    phrase: str = "{question} Answer with yes or no."
    """How it is asked; a benchmark's own script may ask otherwise."""

    def __post_init__(self) -> None:
        if "{question}" not in self.phrase:
            raise RecipeError(f"phrase must have {{question}} in it, got {self.phrase!r}; add it.")

    @property
    def identity(self) -> str:
        """The network, its settings, and how it is asked."""
        told = {**self.chat.identity, "phrase": self.phrase}
        return json.dumps(told, sort_keys=True, ensure_ascii=False)

    def yes_no(self, image: Image.Image, question: str) -> str:
        """Return what the network says; nothing where it refuses.

        Raises:
            DownloadError: nobody answers.
        """
        text = self.phrase.replace("{question}", question)
        return Judge(self.chat).ask(Question(text=text, images=(image,)))
