"""An endless stream of edits for training, and the edits that are kept from it."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.edits.base import TASKS, Change, Edit, EditSample
from danqing.data.edits.wordings import HELD_OUT_WORDINGS
from danqing.data.synthesis.captions import fill
from danqing.data.synthesis.propose import LONGEST_PHRASE, LONGEST_WORD
from danqing.data.synthesis.split import Dealt, Part, dealt
from danqing.data.synthesis.world import World, pick, weighted
from danqing.scorers.world import Language

_PATIENCE: Final = 1000
"""Proposals in a row that come to nothing, after which settings count as impossible."""
_REPEATS: Final = 60
"""Held-out edits in a row that are not new, after which they count as used up."""


@dataclass(frozen=True, kw_only=True)
class Edits(World):
    """An endless training set: `sample(i)` depends on the settings and `i`, and on nothing else.

    Only changes of the `train` bucket and training wordings occur, and pictures show only what text
    to image is trained on.
    """

    tasks: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TASKS, 1.0))
    """Weight of each task; those not named do not occur."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weighted("tasks", self.tasks, TASKS)

    def sample(self, index: int) -> EditSample:
        """Return the edit of an index, always the same one.

        Args:
            index: Which edit, from 0; any integer is fine.

        Raises:
            RecipeError: these settings leave no edit of a task.
        """
        rng = Random(f"danqing edits {self.seed} {index}")
        task, language = pick(rng, self.tasks), pick(rng, self.languages)
        return _sample(rng, self, task, language, "train")


ASKED: Final = World(min_word=2, max_word=LONGEST_WORD, max_phrase=LONGEST_PHRASE, invented=0.0)
"""What is asked for by default: scenes of the common shapes, and real words of every length."""


def held_out(
    task: str,
    count: int,
    language: Language | None = None,
    part: Part = "test",
    world: World = ASKED,
) -> list[EditSample]:
    """Return different edits that training never draws, always the same ones in the same order.

    Args:
        task: A name in `TASKS`.
        count: How many.
        language: The language of instructions; None: English and Chinese in turn.
        part: `test`, in held-out wordings, or `dev`, to choose a model by, in training ones.
        world: How much of the world to ask for, and how large.

    Raises:
        RecipeError: there are not so many.
        UnknownName: no task has this name.
    """
    rng = Random(f"danqing held-out edits {part} {task} {language}")
    found: dict[str, EditSample] = {}
    idle = 0
    while len(found) < count:
        told: Language = language or ("en", "zh")[len(found) % 2]
        sample = _sample(rng, world, task, told, part)
        idle = idle + 1 if sample.change.id in found else 0
        if idle == _REPEATS:
            raise RecipeError(
                f"count must be at most {len(found)} for {part} of {task}, got {count}; lower it."
            )
        found.setdefault(sample.change.id, sample)
    return list(found.values())


def _sample(rng: Random, world: World, task: str, language: Language, part: Dealt) -> EditSample:
    """Return an edit of a part at random, in a wording of that part."""
    work_out = TASKS[task]
    for _ in range(_PATIENCE):
        edit = work_out(rng, world)
        if edit is None:
            continue
        sample = said(edit, rng, task, language, part)
        if sample is not None:
            return sample
    raise RecipeError(
        f"tasks must be possible with the other settings, got none of {task} in {_PATIENCE} tries; "
        "allow more shapes or freedom, or leave it out."
    )


def said(edit: Edit, rng: Random, task: str, language: Language, part: Dealt) -> EditSample | None:
    """Return an edit in a wording of a part, or None where it belongs to another part."""
    change = Change(task, edit.asked, edit.shown, _box(~edit.kept))
    if (edit.part or dealt(change.id)) != part:
        return None
    wordings = edit.wordings[language]
    known, kept_out = wordings[:-HELD_OUT_WORDINGS], wordings[-HELD_OUT_WORDINGS:]
    frame = rng.choice(kept_out if part == "test" else known)
    return EditSample(
        sources=edit.sources,
        instruction=fill(frame, edit.words(language), language),
        target=edit.target,
        task=task,
        language=language,
        change=change,
        kept=edit.kept,
    )


def _box(mask: Bool[np.ndarray, "H W"]) -> tuple[int, int, int, int] | None:
    """Return the box around a mask, or None where it is empty."""
    return Image.fromarray(mask).getbbox()
