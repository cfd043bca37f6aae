"""Who answers questions about a picture with yes or no: a network, or a recording.

An answer is kept as it was said; what counts as yes is the benchmark's rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import SourceError
from danqing.core.registry import Registry
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


def means_yes(answer: str) -> bool | None:
    """Return whether an answer begins with yes or with no; None: with neither."""
    words = "".join(c if c.isalpha() else " " for c in answer).casefold().split()
    return {"yes": True, "no": False}.get(words[0]) if words else None
