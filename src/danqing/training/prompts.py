"""Prompts to learn from, with what they ask for; none that a test may ask."""

import json
from pathlib import Path
from typing import NamedTuple

from danqing.core.errors import RecipeError
from danqing.data.synthesis import Synthesis, bucket
from danqing.scorers.world import Specification, specification


class Asked(NamedTuple):
    """A prompt and the specification behind it."""

    prompt: str
    spec: Specification


class Prompts:
    """Prompts by number: those of a file in turn, or else those of the small world."""

    def __init__(self, asked: Synthesis, path: Path | None, seed: int) -> None:
        """Open them.

        Raises:
            RecipeError: a prompt of the file is kept for tests.
        """
        self.asked, self.seed = asked, seed
        self.given = None if path is None else read_prompts(path)

    def __getitem__(self, number: int) -> Asked:
        """Return a prompt, the same one whoever asks."""
        if self.given is not None:
            return self.given[number % len(self.given)]
        prompt = self.asked.prompt(self.seed + number)
        return Asked(prompt.prompt, prompt.spec)


def read_prompts(path: Path) -> list[Asked]:
    """Return the prompts of a JSONL file, each line a prompt's record in GenEval's shape.

    Raises:
        RecipeError: it cannot be read, or a prompt belongs to a bucket of tests.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        asked = [Asked(record["prompt"], specification(record)) for record in records]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"prompts must be a JSONL file of prompts and what they ask for, got {path} "
            f"({error}); mend it."
        ) from error
    if not asked:
        raise RecipeError(f"prompts must have at least one line, got {path}; add some.")
    for one in asked:
        if (found := bucket(one.spec)) not in ("train", "dev"):
            raise RecipeError(
                f"prompts must be of the buckets train and dev, got {one.prompt!r} of {found}; "
                "take it out."
            )
    return asked
