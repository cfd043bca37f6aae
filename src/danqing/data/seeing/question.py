"""What a question about a picture is: the picture, its answer as a picture, and how it is asked.

A question is plain data that says all of both pictures, so each is drawn in one way only and its
sha256 deals it to training or to what training never draws. Wordings are held out, too.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.config import dump, parse
from danqing.core.registry import Registry
from danqing.data.synthesis.split import Dealt, Part, dealt
from danqing.scorers.world import Language
from danqing.seeing.sentences import (
    HELD_OUT_WORDINGS,
    TASKS,
    TRAINING_WORDINGS,
    Task,
    sentence,
)

Size = tuple[int, int]
"""Width and height in pixels."""


@runtime_checkable
class Question(Protocol):
    """One picture and what is to be seen in it."""

    @classmethod
    def propose(cls, rng: Random) -> "Question":
        """Return a random question of any part."""
        ...

    @property
    def record(self) -> dict[str, Any]:
        """Plain data that `asked` reads."""
        ...

    @property
    def id(self) -> str:
        """Hex sha256 of the record as JSON with sorted keys."""
        ...

    @property
    def part(self) -> Dealt:
        """The part it is dealt to."""
        ...

    def pictures(self, size: Size) -> tuple[Image.Image, Image.Image]:
        """Return the picture and its answer, both RGB and of exactly this size."""
        ...

    def fields(self, language: Language) -> Mapping[str, str]:
        """Return what its sentences name, in words parted by spaces."""
        ...


questions: Final[Registry[type[Question]]] = Registry("question")
"""Questions by task."""


class Told:
    """A frozen dataclass that is a question and says itself as a recipe would."""

    @property
    def record(self) -> dict[str, Any]:
        """The fields as plain data."""
        return dump(self)

    @property
    def id(self) -> str:
        """Hex sha256 of the record as JSON with sorted keys."""
        return hashlib.sha256(json.dumps(self.record, sort_keys=True).encode()).hexdigest()

    @property
    def part(self) -> Dealt:
        """The part that the id is dealt to."""
        return dealt(self.id)


@dataclass(frozen=True, slots=True)
class Example:
    """A question as it is trained on."""

    task: Task
    question: Question
    source: Image.Image
    target: Image.Image
    instruction: str
    language: Language


def asked(task: Task, record: Mapping[str, Any]) -> Question:
    """Return the question that a record tells.

    Raises:
        RecipeError: it is no record of such a question.
    """
    return parse(questions[task], record)


def example(
    task: Task, rng: Random, size: Size = (256, 256), language: Language | None = None
) -> Example:
    """Return a question of the training part in a training wording.

    Args:
        task: What is to be seen.
        rng: Decides all.
        size: Width and height of both pictures in pixels.
        language: The language of the sentence; None: either.
    """
    question = _proposed(task, rng, lambda found: found.part == "train")
    told: Language = language or rng.choice(("en", "zh"))
    instruction = sentence(task, told, rng.choice(TRAINING_WORDINGS), question.fields(told))
    source, target = question.pictures(size)
    return Example(task, question, source, target, instruction, told)


def held_out(
    task: Task, count: int, part: Part = "test", language: Language | None = None
) -> list[tuple[Question, str, Language]]:
    """Return different questions of one part with a sentence each and its language.

    They are always the same ones in the same order, in wordings that training never has.

    Args:
        task: What is to be seen.
        count: How many.
        part: Which part of what training never draws.
        language: The language of the sentences; None: English and Chinese in turn.
    """
    rng = Random(f"danqing seeing {task} {part}")
    found: dict[str, tuple[Question, str, Language]] = {}
    while len(found) < count:
        question = _proposed(task, rng, lambda one: one.part == part and one.id not in found)
        told: Language = language or ("en", "zh")[len(found) % 2]
        wording = HELD_OUT_WORDINGS[len(found) // 2 % len(HELD_OUT_WORDINGS)]
        found[question.id] = question, sentence(task, told, wording, question.fields(told)), told
    return list(found.values())


def _proposed(task: Task, rng: Random, wanted: Callable[[Question], bool]) -> Question:
    assert task in TASKS
    while not wanted(question := questions[task].propose(rng)):
        pass
    return question
