"""Prompts to learn from, with what they ask for; none that a test may ask."""

import json
from pathlib import Path
from typing import NamedTuple

from danqing.core.errors import RecipeError
from danqing.data.synthesis import bucket
from danqing.scorers.world import Specification, specification


class Asked(NamedTuple):
    """A prompt and the specification behind it."""

    prompt: str
    spec: Specification


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
