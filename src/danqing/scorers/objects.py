"""Who finds everyday things in pictures, and names their colours: a network, or a recording.

A detector says what it saw and how sure it is; what follows from that is the benchmark's rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import SourceError
from danqing.core.registry import Registry
from danqing.scorers.recording import fingerprint, identity, recording
from danqing.scorers.relations import Box


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that was found in a picture."""

    label: str
    """Its class, such as `sports ball`."""
    confidence: float
    """How sure the detector is, from 0 to 1."""
    box: Box
    """Pixels; the far edges are not included."""
    color: str | None = None
    """The name of its colour; None: nobody looked."""

    @property
    def record(self) -> dict[str, Any]:
        """The thing as plain data."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "box": list(self.box),
            "color": self.color,
        }


@runtime_checkable
class ObjectDetector(Protocol):
    """Anything that finds things of the 80 classes of COCO."""

    @property
    def identity(self) -> str:
        """All that decides what is found: model, revision, settings."""
        ...

    def find(self, image: Image.Image, colored: Sequence[str] = ()) -> Sequence[Thing]:
        """Return everything found, however unsure; duplicates are not taken out.

        Args:
            image: The picture.
            colored: The labels of things whose colour is named, too.
        """
        ...


object_detectors: Final[Registry[type[ObjectDetector]]] = Registry("object detector")
"""Detectors by name; each is a frozen dataclass whose fields are its settings."""

AnyObjectDetector = Annotated[ObjectDetector, object_detectors]


@object_detectors.register("recorded")
@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a detector found once, read from a file: `{picture: [thing, ...]}` as JSON."""

    path: Path
    """The file; pictures are named by `fingerprint`, things are as `Thing.record`."""

    @property
    def identity(self) -> str:
        """The hash of the recording."""
        return identity(self.path)

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        return recording(self.path)

    def find(self, image: Image.Image, colored: Sequence[str] = ()) -> Sequence[Thing]:
        """Return what was found in this very picture.

        Raises:
            SourceError: it was not recorded, or the file is not there.
        """
        if (told := self._known.get(fingerprint(image))) is None:
            raise SourceError(
                f"pictures must have been recorded, got an unknown one for {self.path}; "
                "record it first."
            )
        return [thing(record) for record in told]


def thing(record: Mapping[str, Any]) -> Thing:
    """Return the thing of a record."""
    left, top, right, bottom = map(float, record["box"])
    return Thing(
        record["label"], record["confidence"], (left, top, right, bottom), record.get("color")
    )
