"""What an edit is: pictures before, a picture after, and what tells this edit from all others.

A task works an edit out; the stream decides whether training may see it and says it in words.

Dimension key:
    H, W  the target in pixels
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.core.registry import Registry
from danqing.data.edits.wordings import Wordings
from danqing.data.synthesis.split import Dealt
from danqing.data.synthesis.world import World
from danqing.scorers.world import Language

Words = Callable[[Language], Mapping[str, str]]
"""Returns what stands in a wording's fields."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit worked out, but not yet said."""

    sources: tuple[Image.Image, ...]
    """RGB."""
    target: Image.Image
    """RGB."""
    kept: Bool[np.ndarray, "H W"]
    """Where the target must equal the first source."""
    asked: Mapping[str, Any]
    """Plain data: what sources hold and what shall be done, without places in pixels."""
    shown: Mapping[str, Any]
    """Plain data that a judge may want, such as the boxes of what the target shows."""
    wordings: Wordings
    """How it may be asked for; the last two are held out."""
    words: Words
    part: Dealt | None = None
    """The part it belongs to; None: the one that its identity is dealt to."""


class Task(Protocol):
    """One kind of edit."""

    def __call__(self, rng: Random, world: World, /) -> Edit | None:
        """Return an edit at random, or None where what was drawn cannot be edited so."""
        ...


TASKS: Registry[Task] = Registry("edit task")


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit asks for, whatever its words and wherever things stand."""

    task: str
    """The name of its task."""
    asked: Mapping[str, Any]
    """As in `Edit`; this and the task are its identity."""
    shown: Mapping[str, Any]
    """As in `Edit`."""
    region: tuple[int, int, int, int] | None
    """The box around all that may change: left, top, right, bottom; None: nothing may."""

    @property
    def record(self) -> dict[str, Any]:
        """All of it as plain data."""
        region = None if self.region is None else list(self.region)
        return {"task": self.task, "asked": self.asked, "shown": self.shown, "region": region}

    @property
    def id(self) -> str:
        """Hex sha256 of its canonical JSON."""
        canonical = json.dumps(
            {"task": self.task, "asked": self.asked},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


def change(record: Mapping[str, Any]) -> Change:
    """Return the change that a record tells.

    Raises:
        ValueError: it is no record of a change.
    """
    try:
        box: Sequence[int] | None = record["region"]
        region = None if box is None else (box[0], box[1], box[2], box[3])
        return Change(record["task"], record["asked"], record["shown"], region)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"it is no change ({error!r})") from error


@dataclass(frozen=True, slots=True)
class EditSample:
    """One edit as it is asked for."""

    sources: tuple[Image.Image, ...]
    """RGB; one, or two where two are composed."""
    instruction: str
    target: Image.Image
    """RGB."""
    task: str
    """A name in `TASKS`."""
    language: Language
    """The language of the instruction."""
    change: Change
    kept: Bool[np.ndarray, "H W"]
    """Where the target must equal the first source."""
