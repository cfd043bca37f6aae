"""Prompts to learn from, with what they ask for; none that a test may ask."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from danqing.core.errors import RecipeError
from danqing.data.synthesis import Synthesis, bucket, understand
from danqing.scorers.base import Wanted
from danqing.scorers.world import specification


class Asked(NamedTuple):
    """A prompt and what is wanted of it."""

    prompt: str
    wanted: Wanted
    """The specification behind it, or else the prompt itself."""


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
    """Return the prompts of a file: of a `.txt` file its lines, of a JSONL file its records.

    A line of text is any sentence; where it is one of the small world, what it asks for is known.
    A record is a prompt's in GenEval's shape.

    Raises:
        RecipeError: it cannot be read, or a prompt belongs to a bucket of tests.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".txt":
            asked = [_sentence(line.strip()) for line in lines if line.strip()]
        else:
            asked = [_record(json.loads(line)) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            "prompts must be a .txt file of sentences, or a JSONL file of prompts and what they "
            f"ask for, got {path} ({error}); mend it."
        ) from error
    if not asked:
        raise RecipeError(f"prompts must have at least one line, got {path}; add some.")
    for prompt, wanted in asked:
        if not isinstance(wanted, str) and (found := bucket(wanted)) not in ("train", "dev"):
            raise RecipeError(
                f"prompts must be of the buckets train and dev, got {prompt!r} of {found}; "
                "take it out."
            )
    return asked


def _sentence(line: str) -> Asked:
    return Asked(line, understand(line) or line)


def _record(record: Any) -> Asked:
    return Asked(record["prompt"], specification(record))
