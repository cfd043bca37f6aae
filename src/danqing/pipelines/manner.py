"""How a LoRA is to be painted with, where it was made for one way and says so.

A LoRA that was distilled to few steps knows the mean velocity between the noise levels of its own
walk, and nothing of others. So its file carries steps, guidance, sampler and schedule, and they are
the model's defaults while it is worn. Files of other programs carry no such thing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

from danqing.core.config import dump, parse
from danqing.core.errors import CheckpointError, DanqingError, RequestError
from danqing.flow.schedule import Schedule, schedules
from danqing.models.checkpoint import read_metadata
from danqing.pipelines.loras import parse_lora
from danqing.pipelines.request import Defaults, Request

KEYWORD: Final = "danqing_manner"
"""Where it stands in the metadata of a file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """A way to paint."""

    steps: int
    """Sampling steps."""
    guidance: float
    """Scale of guidance; 1 is off."""
    sampler: str
    """Name of the sampler."""
    schedule: Annotated[Schedule, schedules]
    """The noise levels."""

    def __post_init__(self) -> None:
        Request("-", steps=self.steps, guidance=self.guidance, sampler=self.sampler)

    @property
    def metadata(self) -> dict[str, str]:
        """This manner as metadata of a file."""
        return {KEYWORD: json.dumps(dump(self))}

    def over(self, defaults: Defaults) -> Defaults:
        """Return a model's defaults with this manner in place of its own."""
        return replace(defaults, steps=self.steps, guidance=self.guidance, sampler=self.sampler)


def manner_of(loras: Sequence[str]) -> Manner | None:
    """Return how LoRAs are to be painted with; None where none of them says.

    Args:
        loras: The LoRAs, as `FILE` or `FILE:STRENGTH`.

    Raises:
        CheckpointError: a file is missing or damaged.
        RequestError: two of them say different things.
    """
    told = {file: _read(file) for file, _ in map(parse_lora, loras)}
    manners = {file: manner for file, manner in told.items() if manner is not None}
    if len(set(manners.values())) > 1:
        ways = ", ".join(f"{one.steps} steps for {file.name}" for file, one in manners.items())
        raise RequestError(f"LoRAs must be made for one way to paint, got {ways}; leave one out.")
    return next(iter(manners.values()), None)


def _read(file: Path) -> Manner | None:
    if (text := read_metadata(file).get(KEYWORD)) is None:
        return None
    try:
        return parse(Manner, json.loads(text))
    except (DanqingError, ValueError, RecursionError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{KEYWORD} of {file} must be a way to paint, got another ({reason}); get it again."
        ) from error
